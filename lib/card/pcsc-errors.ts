/**
 * The one table from PC/SC's errors to our codes, for both bindings: pcsc-mini gives a name (`SharingViolation`) in
 * `code`, pcsclite nothing but text that ends in the number (`… (0x8010000b)`).
 *
 * Source: pcsclite.h and the return values that pcscd 1.9.9 gives for each call.
 */

import { type ErrorCode, type JpkiErrorOptions, messageOf, PcscError } from "../errors.ts";

/** Which binding, for errors and logs. */
export type PcscBindingName = "pcsc-mini" | "pcsclite";

interface PcscStatus {
  /** As pcsclite.h numbers it. */
  readonly number: number;
  /** pcsc-mini's name. */
  readonly name: string;
  readonly code: ErrorCode;
  /** Where it means something else while connecting: a card that does not answer its power-up. */
  readonly atConnect?: ErrorCode;
  readonly meaning: string;
}

const STATUSES: readonly PcscStatus[] = [
  status(0x80100003, "InvalidHandle", "PCSC_UNAVAILABLE", "the connection to the PC/SC service is gone"),
  status(0x80100008, "InsufficientBuffer", "MALFORMED", "the card's answer is longer than any answer can be"),
  status(0x80100009, "UnknownReader", "READER_ABSENT", "there is no such reader"),
  status(0x8010000b, "SharingViolation", "CARD_BUSY", "another program has the card"),
  status(0x8010000c, "NoSmartCard", "CARD_ABSENT", "there is no card"),
  status(0x8010000f, "ProtoMismatch", "CARD_RESET", "the card speaks another protocol than before", "CARD_ABSENT"),
  status(0x80100010, "NotReady", "READER_ABSENT", "the reader is not ready"),
  status(0x80100013, "CommError", "PCSC_UNAVAILABLE", "the connection to the PC/SC service broke"),
  status(0x80100016, "NotTransacted", "CARD_RESET", "the exchange with the card failed"),
  status(0x80100017, "ReaderUnavailable", "READER_ABSENT", "the reader was unplugged"),
  status(0x8010001d, "NoService", "PCSC_UNAVAILABLE", "the PC/SC service is not running"),
  status(0x8010001e, "ServiceStopped", "PCSC_UNAVAILABLE", "the PC/SC service was stopped"),
  status(0x80100027, "NoAccess", "PCSC_UNAVAILABLE", "the PC/SC service refuses this user"),
  status(0x8010002e, "NoReadersAvailable", "READER_ABSENT", "there is no reader"),
  status(0x8010002f, "CommDataLost", "CARD_RESET", "the exchange with the card failed"),
  status(0x80100065, "UnsupportedCard", "CARD_RESET", "the card's power-up answer makes no sense", "CARD_ABSENT"),
  status(0x80100066, "UnresponsiveCard", "CARD_RESET", "the card does not answer", "CARD_ABSENT"),
  status(0x80100067, "UnpoweredCard", "CARD_RESET", "the card has no power", "CARD_ABSENT"),
  status(0x80100068, "ResetCard", "CARD_RESET", "the card was reset"),
  status(0x80100069, "RemovedCard", "CARD_RESET", "the card was taken out"),
  status(0x8010006a, "SecurityViolation", "PCSC_UNAVAILABLE", "the PC/SC service refuses this user"),
];

const HINTS: Partial<Record<ErrorCode, string>> = {
  CARD_ABSENT: "put the card on the reader, the right way round",
  CARD_BUSY: "close the other program that uses the card, or try again when it has finished",
  READER_ABSENT: "check that the reader is plugged in",
  PCSC_UNAVAILABLE: "start the PC/SC service; on Debian: `apt install pcscd`, then `systemctl start pcscd.socket`",
};

const REFUSED_HINT =
  "polkit lets only users at the screen use smart cards; `jpki-agent doctor` prints the rule to add for this user";

/** Whether a binding's error says that another program has the card. */
export function isSharingViolation(cause: unknown): boolean {
  return statusOf(cause)?.name === "SharingViolation";
}

/** Whether a binding's error says that another program reset the card. */
export function isCardReset(cause: unknown): boolean {
  return statusOf(cause)?.name === "ResetCard";
}

/**
 * Translates what a binding threw. A {@link PcscError} passes unchanged; what the table does not know becomes
 * `PCSC_UNAVAILABLE` with the binding's own words.
 *
 * @param doing what was being done, for the message: `connect to the card`.
 */
export function pcscError(doing: string, cause: unknown, during: "connect" | "use" = "use"): PcscError {
  if (cause instanceof PcscError) return cause;
  const found = statusOf(cause);
  if (found === undefined)
    return new PcscError("PCSC_UNAVAILABLE", `${doing}: ${messageOf(cause)}`, withHint("PCSC_UNAVAILABLE", cause));
  const code = during === "connect" ? (found.atConnect ?? found.code) : found.code;
  const options = withHint(code, cause);
  const refused = found.name === "NoAccess" || found.name === "SecurityViolation";
  if (!refused) return new PcscError(code, `${doing}: ${found.meaning}`, options);
  const details = { ...options.details, refused };
  return new PcscError(code, `${doing}: ${found.meaning}`, { ...options, hint: REFUSED_HINT, details });
}

/** The same for the watch over all readers, where every failure means that PC/SC cannot be used at the moment. */
export function serviceFault(cause: unknown): PcscError {
  const error = pcscError("watch the readers", cause);
  if (error.code === "PCSC_UNAVAILABLE") return error;
  return new PcscError("PCSC_UNAVAILABLE", error.message, withHint("PCSC_UNAVAILABLE", cause));
}

/** A command has been under way for so long that nobody waits for its answer any more. */
export function noAnswerError(doing: string, reader: string): PcscError {
  return new PcscError("PCSC_UNAVAILABLE", `${doing}: no answer from the card in ${reader}`, {
    hint: "take the card off and put it back; if that does not help, unplug the reader and plug it in again",
    details: { reader, problem: "no-answer" },
  });
}

/** The binding's native part could not be loaded. `details.binding` names it; `details.cause` is the loader's text. */
export function bindingError(binding: PcscBindingName, cause: unknown): PcscError {
  const packages = {
    "pcsc-mini": "`apt install libpcsclite1`",
    pcsclite: "`apt install libpcsclite-dev build-essential python3`",
  }[binding];
  return new PcscError("PCSC_UNAVAILABLE", `load ${binding}: its native part cannot be used`, {
    hint: `on Debian: ${packages}, then run \`npm ci\` again`,
    details: { binding, cause: messageOf(cause) },
    cause,
  });
}

function withHint(code: ErrorCode, cause: unknown): JpkiErrorOptions {
  return { hint: HINTS[code], details: { cause: messageOf(cause) }, cause };
}

function statusOf(cause: unknown): PcscStatus | undefined {
  if (!(cause instanceof Error)) return undefined;
  if ("code" in cause) return STATUSES.find(({ name }) => name === cause.code);
  const digits = /\(0x([0-9a-f]{8})\)$/.exec(cause.message)?.[1];
  return digits === undefined ? undefined : STATUSES.find(({ number }) => number === Number.parseInt(digits, 16));
}

function status(
  number: number,
  name: string,
  code: ErrorCode,
  meaning: string,
  atConnect: ErrorCode = code,
): PcscStatus {
  return { number, name, code, meaning, atConnect };
}
