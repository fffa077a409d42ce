/** What `status` and `release` say, in English. */

import type { ChosenPinName } from "../../lib/pin/pin.ts";
import type { StatusTexts } from "./agent-texts.ts";

const PIN_NAMES: Readonly<Record<ChosenPinName, string>> = {
  auth: "authentication PIN",
  sign: "signature password",
  text: "text PIN",
};
const OFFICE = "BLOCKED (only your municipal office can set it again)";

export const englishStatus: StatusTexts = {
  agentRunning: (pid, version, uptimeSeconds) =>
    `Agent: running (process ${pid}, version ${version}, for ${duration(uptimeSeconds)})`,
  agentLocked: "Agent: locked; unlock it with: ssh-add -X",
  agentAbsent: "Agent: not running; start it with: jpki-agent agent",
  agentSilent: "Agent: it does not answer",
  socket: (path) => `Socket: ${path}`,
  pcsc: (binding) => (binding === undefined ? "PC/SC: not used (virtual card)" : `PC/SC: works (${binding})`),
  pcscFault: "PC/SC: cannot be used",
  noReader: "Reader: none; plug one in",
  reader: (name, state) => `Reader: ${name} (${READER_STATES[state]})`,
  noCard: "Card: none on a reader",
  card: (state, name, reader) => {
    switch (state) {
      case "ready":
        return `Card: ${name}, on ${reader}`;
      case "hidden":
        return `Card: a phone not seen before, on ${reader}; jpki-agent export-key asks for its PIN and shows its key`;
      case "away":
        return `Card: ${name}, not on a reader`;
      case "not-jpki":
        return `Card: the one on ${reader} is not a My Number card`;
      case "unreadable":
        return `Card: ${name ?? "the one"} on ${reader} cannot be read`;
    }
  },
  key: (fingerprint) => `Key: ${fingerprint}`,
  triesLeft: (tries) => {
    const told = PINS.flatMap((pin) => {
      const left = tries[pin];
      return left === undefined
        ? []
        : [`${PIN_NAMES[pin]} ${left === 0 ? OFFICE : left === 1 ? "1 (the LAST one)" : left}`];
    });
    return `Tries left: ${told.length > 0 ? told.join(", ") : "the card does not tell"}`;
  },
  certificate: ({ kind, daysLeft }, date) => {
    switch (kind) {
      case "valid":
        return `Certificate: until ${date} (${daysLeft} days left)`;
      case "renewable":
        return `Certificate: until ${date} (ONLY ${daysLeft} days left); renew it at your municipal office now. The key changes with it`;
      case "expired":
        return `Certificate: EXPIRED on ${date}; renew it at your municipal office. The key changes with it`;
      case "not-yet-valid":
        return `Certificate: not valid yet; until ${date}. Is this machine's clock right?`;
    }
  },
  pinRemembered: (remembered) => `PIN: ${remembered ? "remembered" : "not remembered"}`,
  pkcs11Socket: (path) => `PKCS#11 socket: ${path}`,
  pkcs11Login: ({ program, key, card, signatures, maxSignatures, endsInSeconds }) =>
    `PKCS#11 login: ${program ?? "an unknown program"}, ${key === "sign" ? "SIGNATURE key of " : ""}${card}, ` +
    `${signatures} of ${maxSignatures} signatures, ends in ${duration(endsInSeconds)}`,
  lastRefusal: (time, entry) => `Last failure: ${time}  ${entry}`,
  released: "let go of the card",
  nothingToRelease: "no agent runs, so none holds the card",
};

const PINS = ["auth", "sign", "text"] as const;
const READER_STATES = { empty: "empty", present: "with a card", mute: "with a card that does not answer" } as const;

function duration(seconds: number): string {
  const minutes = Math.floor(seconds / 60);
  const hours = Math.floor(minutes / 60);
  const days = Math.floor(hours / 24);
  if (days > 0) return `${days} d ${hours % 24} h`;
  if (hours > 0) return `${hours} h ${minutes % 60} min`;
  return minutes > 0 ? `${minutes} min` : `${seconds} s`;
}
