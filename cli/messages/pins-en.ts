/** What `pin` says, in English. */

import type { CountedPin } from "../../agent/main.ts";
import { printable } from "../../lib/printable.ts";
import type { PinTexts } from "./card-texts.ts";

const NAMES: Readonly<Record<CountedPin, string>> = {
  auth: "auth (user authentication, 4 digits)",
  sign: "sign (digital signature, 6 to 16 of A-Z and 0-9)",
  text: "text (text information, 4 digits)",
  "text-a": "照合番号A for the text information (the individual number)",
  "text-b": "照合番号B for the text information (birth date, year of expiry, security code)",
  "surface-a": "照合番号A for the card's face",
  "surface-b": "照合番号B for the card's face",
};

export const englishPins: PinTexts = {
  card: (card, reader) => `${card || "phone"}, on ${printable(reader)}:`,
  state: ({ pin, state, triesLeft, maxTries }) => {
    switch (state) {
      case "usable":
        return `${NAMES[pin]}: ${triesLeft} of ${maxTries} tries left`;
      case "blocked":
        return `${NAMES[pin]}: BLOCKED; only your municipal office can set a new one`;
      case "unknown":
        return `${NAMES[pin]}: the card does not tell`;
    }
  },
  changed: (pin) =>
    pin === "sign"
      ? "changed; letters count as capitals, whichever you typed"
      : `changed${pin === "auth" ? "; remembered and saved copies were erased (pin save saves it anew)" : ""}`,
  saved: (card) => `saved the PIN of ${card} in the keychain; jpki-agent agent --pin-cache keychain uses it`,
  forgotten: (agents) => `agents that have forgotten: ${agents}`,
  erased: (count) => `erased from the keychain: ${count}`,
  notErased: (reason) =>
    `a saved copy of the old PIN may still be in the keychain (${reason}); run: jpki-agent pin forget`,
};
