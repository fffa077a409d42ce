/** What a program gets to hear where the card, the PIN or the policy said no. */

import type { ErrorCode, JpkiError } from "../../lib/errors.ts";
import {
  CKR_DEVICE_ERROR,
  CKR_DEVICE_REMOVED,
  CKR_FUNCTION_CANCELED,
  CKR_FUNCTION_FAILED,
  CKR_FUNCTION_REJECTED,
  CKR_GENERAL_ERROR,
  CKR_MECHANISM_INVALID,
  CKR_PIN_INCORRECT,
  CKR_PIN_INVALID,
  CKR_PIN_LOCKED,
} from "../../lib/p11/constants.ts";

/**
 * `PIN_PROTECTED` is not "locked": a try is left, for a person at the agent's own prompt. A person's no has an answer
 * for logins, and another for signatures.
 */
const ANSWERS: Readonly<Record<ErrorCode, number>> = {
  PCSC_UNAVAILABLE: CKR_DEVICE_ERROR,
  READER_ABSENT: CKR_DEVICE_REMOVED,
  CARD_ABSENT: CKR_DEVICE_REMOVED,
  CARD_BUSY: CKR_DEVICE_ERROR,
  CARD_RESET: CKR_DEVICE_ERROR,
  CARD_STATUS: CKR_DEVICE_ERROR,
  NOT_JPKI: CKR_DEVICE_ERROR,
  PIN_FORMAT: CKR_PIN_INVALID,
  PIN_WRONG: CKR_PIN_INCORRECT,
  PIN_BLOCKED: CKR_PIN_LOCKED,
  PIN_CANCELLED: CKR_FUNCTION_REJECTED,
  PIN_PROTECTED: CKR_FUNCTION_REJECTED,
  PIN_NO_PROMPT: CKR_FUNCTION_FAILED,
  KEYCHAIN_UNAVAILABLE: CKR_FUNCTION_FAILED,
  KEY_UNKNOWN: CKR_DEVICE_ERROR,
  ALGORITHM_UNSUPPORTED: CKR_MECHANISM_INVALID,
  POLICY_REFUSED: CKR_FUNCTION_REJECTED,
  MALFORMED: CKR_DEVICE_ERROR,
  TOO_LARGE: CKR_DEVICE_ERROR,
  SOCKET_IN_USE: CKR_GENERAL_ERROR,
  SOCKET_UNSAFE: CKR_GENERAL_ERROR,
  CONFIG_INVALID: CKR_GENERAL_ERROR,
  IO_FAILED: CKR_FUNCTION_FAILED,
};

/** The CK_RV for C_Login. */
export function loginAnswer({ code }: JpkiError): number {
  return code === "PIN_CANCELLED" ? CKR_FUNCTION_CANCELED : ANSWERS[code];
}

/** The CK_RV for C_Sign and C_SignFinal. */
export function signAnswer({ code }: JpkiError): number {
  return ANSWERS[code];
}
