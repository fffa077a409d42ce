/** The exit status that each error has (a promise to scripts: design, "Commands"; listed in README.md). */

import { assertNever, type ErrorCode, JpkiError } from "../lib/errors.ts";

export const EXIT_DONE = 0;
export const EXIT_FAILED = 1;
export const EXIT_USAGE = 2;
export const EXIT_NO_READER = 3;
export const EXIT_NO_CARD = 4;
export const EXIT_PIN = 5;
export const EXIT_PIN_BLOCKED = 6;
export const EXIT_CARD_BUSY = 7;
export const EXIT_REFUSED = 8;
export const EXIT_NOT_VALID = 9;

/** The status for a code. */
export function exitStatusOfCode(code: ErrorCode): number {
  switch (code) {
    case "CONFIG_INVALID":
      return EXIT_USAGE;
    case "PCSC_UNAVAILABLE":
    case "READER_ABSENT":
      return EXIT_NO_READER;
    case "CARD_ABSENT":
    case "CARD_RESET":
    case "NOT_JPKI":
      return EXIT_NO_CARD;
    case "PIN_FORMAT":
    case "PIN_WRONG":
    case "PIN_CANCELLED":
    case "PIN_NO_PROMPT":
      return EXIT_PIN;
    case "PIN_BLOCKED":
    case "PIN_PROTECTED":
      return EXIT_PIN_BLOCKED;
    case "CARD_BUSY":
      return EXIT_CARD_BUSY;
    case "POLICY_REFUSED":
      return EXIT_REFUSED;
    case "CARD_STATUS":
    case "KEYCHAIN_UNAVAILABLE":
    case "KEY_UNKNOWN":
    case "ALGORITHM_UNSUPPORTED":
    case "MALFORMED":
    case "TOO_LARGE":
    case "SOCKET_IN_USE":
    case "SOCKET_UNSAFE":
    case "IO_FAILED":
      return EXIT_FAILED;
    default:
      return assertNever(code);
  }
}

/** The status for anything that was thrown. */
export function exitStatusOf(error: unknown): number {
  return error instanceof JpkiError ? exitStatusOfCode(error.code) : EXIT_FAILED;
}
