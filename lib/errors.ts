/**
 * Every error this program throws on purpose: one class per layer, one closed union of codes, which are public API.
 *
 * The English message says what was being done, then the fact with its numbers; `hint` is a person's next step.
 * `details` holds the same facts as data, so that the command line can say them in another language.
 */

/** Stable error codes (public API; see CHANGELOG for changes). */
export const ERROR_CODES = [
  "PCSC_UNAVAILABLE",
  "READER_ABSENT",
  "CARD_ABSENT",
  "CARD_BUSY",
  "CARD_RESET",
  "CARD_STATUS",
  "NOT_JPKI",
  "PIN_FORMAT",
  "PIN_WRONG",
  "PIN_BLOCKED",
  "PIN_CANCELLED",
  "PIN_PROTECTED",
  "PIN_NO_PROMPT",
  "KEYCHAIN_UNAVAILABLE",
  "KEY_UNKNOWN",
  "ALGORITHM_UNSUPPORTED",
  "POLICY_REFUSED",
  "MALFORMED",
  "TOO_LARGE",
  "SOCKET_IN_USE",
  "SOCKET_UNSAFE",
  "CONFIG_INVALID",
  "IO_FAILED",
] as const;

export type ErrorCode = (typeof ERROR_CODES)[number];

/** Facts of an error as data, for `--json` and for translated messages. Never holds a secret. */
export type ErrorDetails = Readonly<Record<string, string | number | boolean | readonly string[]>>;

export interface JpkiErrorOptions {
  /** The next step for a person, one sentence, no trailing dot. */
  readonly hint?: string | undefined;
  readonly details?: ErrorDetails | undefined;
  readonly cause?: unknown;
}

/** Base of every error of this program. */
export class JpkiError extends Error {
  readonly code: ErrorCode;
  readonly hint: string | undefined;
  readonly details: ErrorDetails;

  constructor(code: ErrorCode, message: string, options: JpkiErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = new.target.name;
    this.code = code;
    this.hint = options.hint;
    this.details = options.details ?? {};
  }
}

/** PC/SC, the reader or the card's presence. */
export class PcscError extends JpkiError {}

/** The card answered a status word nobody expected at this place. */
export class CardStatusError extends JpkiError {
  /** SW1 SW2 as one number, 0x0000 to 0xFFFF. */
  readonly statusWord: number;

  constructor(command: string, statusWord: number, options: JpkiErrorOptions & { readonly code?: ErrorCode } = {}) {
    const sw = statusWord.toString(16).toUpperCase().padStart(4, "0");
    super(options.code ?? "CARD_STATUS", `${command}: the card answered ${sw}`, {
      ...options,
      details: { ...options.details, command, statusWord: sw },
    });
    this.statusWord = statusWord;
  }
}

/** A PIN was wrong, malformed, blocked, not given, or could not be asked for. */
export class PinError extends JpkiError {}

/** Bytes that do not have the form their protocol prescribes. */
export class MalformedError extends JpkiError {
  constructor(message: string, options: JpkiErrorOptions = {}) {
    super("MALFORMED", message, options);
  }
}

/** A frame or field over its cap. */
export class TooLargeError extends JpkiError {
  constructor(message: string, options: JpkiErrorOptions = {}) {
    super("TOO_LARGE", message, options);
  }
}

/** No such key, or a signature this key does not make. */
export class KeyError extends JpkiError {}

/** A request that the policy refuses (promise 3). */
export class PolicyError extends JpkiError {
  constructor(message: string, options: JpkiErrorOptions = {}) {
    super("POLICY_REFUSED", message, options);
  }
}

/** The socket's path or folder. */
export class SocketError extends JpkiError {}

/** The configuration file or an option's value. */
export class ConfigError extends JpkiError {
  constructor(message: string, options: JpkiErrorOptions = {}) {
    super("CONFIG_INVALID", message, options);
  }
}

/** A file of ours could not be read or written. */
export class FileError extends JpkiError {
  constructor(message: string, options: JpkiErrorOptions = {}) {
    super("IO_FAILED", message, options);
  }
}

/** Compile-time proof that a `switch` over a closed union is complete. */
export function assertNever(value: never): never {
  throw new TypeError(`unreachable: ${JSON.stringify(value)}`);
}

/** The message of anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Whether anything that was thrown is a system error with one of these codes: `ENOENT`. */
export function hasErrno(error: unknown, ...codes: readonly string[]): boolean {
  return error instanceof Error && "code" in error && codes.some((code) => code === error.code);
}
