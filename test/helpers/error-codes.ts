/** Every error code, for tests that must cover them all; a missing or surplus one is a type error. */

import type { ErrorCode } from "../../lib/errors.ts";

const CODES: Readonly<Record<ErrorCode, true>> = {
  PCSC_UNAVAILABLE: true,
  READER_ABSENT: true,
  CARD_ABSENT: true,
  CARD_BUSY: true,
  CARD_RESET: true,
  CARD_STATUS: true,
  NOT_JPKI: true,
  PIN_FORMAT: true,
  PIN_WRONG: true,
  PIN_BLOCKED: true,
  PIN_CANCELLED: true,
  PIN_PROTECTED: true,
  PIN_NO_PROMPT: true,
  KEYCHAIN_UNAVAILABLE: true,
  KEY_UNKNOWN: true,
  ALGORITHM_UNSUPPORTED: true,
  POLICY_REFUSED: true,
  MALFORMED: true,
  TOO_LARGE: true,
  SOCKET_IN_USE: true,
  SOCKET_UNSAFE: true,
  CONFIG_INVALID: true,
  IO_FAILED: true,
};

export const ERROR_CODES = Object.keys(CODES).filter((code): code is ErrorCode => code in CODES);
