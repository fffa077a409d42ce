/** A PIN that a program brings to C_Login: judged here, so that what cannot be one never reaches the card. */

import { PinError } from "../../lib/errors.ts";
import type { Logger } from "../../lib/log.ts";
import { CKR_PIN_INVALID, CKR_PIN_LEN_RANGE } from "../../lib/p11/constants.ts";
import { type Pin, pinFromBytes } from "../../lib/pin/pin.ts";
import { CkError } from "./ck-error.ts";
import type { P11Slot } from "./token.ts";

/** Characters; as the rules of `lib/pin/pin.ts` have it. */
export const PIN_LENGTHS = { auth: { min: 4, max: 4 }, sign: { min: 6, max: 16 } } as const;

/**
 * @param bytes wiped.
 * @returns undefined for no bytes: the agent asks.
 * @throws CkError CKR_PIN_LEN_RANGE, CKR_PIN_INVALID.
 */
export function pinFromProgram(key: P11Slot["key"], bytes: Uint8Array | undefined, log: Logger): Pin | undefined {
  if (bytes === undefined || bytes.length === 0) return undefined;
  const { min, max } = PIN_LENGTHS[key];
  const fits = bytes.length >= min && bytes.length <= max;
  try {
    return pinFromBytes(key, bytes);
  } catch (cause) {
    if (!(cause instanceof PinError)) throw cause;
    log.warn("no login: what the program gave is no PIN, and was not tried", { event: "login", face: "pkcs11" });
    throw new CkError(fits ? CKR_PIN_INVALID : CKR_PIN_LEN_RANGE, { cause });
  }
}
