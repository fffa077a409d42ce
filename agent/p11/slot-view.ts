/** What C_GetInfo, C_GetSlotInfo and C_GetTokenInfo tell. */

import { assertNever } from "../../lib/errors.ts";
import type { Result } from "../../lib/p11/calls.ts";
import {
  CK_UNAVAILABLE_INFORMATION,
  CKF_HW_SLOT,
  CKF_LOGIN_REQUIRED,
  CKF_PROTECTED_AUTHENTICATION_PATH,
  CKF_REMOVABLE_DEVICE,
  CKF_TOKEN_INITIALIZED,
  CKF_TOKEN_PRESENT,
  CKF_USER_PIN_COUNT_LOW,
  CKF_USER_PIN_FINAL_TRY,
  CKF_USER_PIN_INITIALIZED,
  CKF_USER_PIN_LOCKED,
  CKF_WRITE_PROTECTED,
} from "../../lib/p11/constants.ts";
import type { Version } from "../../lib/p11/values.ts";
import { PIN_LENGTHS } from "./program-pin.ts";
import type { P11Slot, P11Token, P11Tries } from "./token.ts";

const MANUFACTURER = "jpki-agent";
const CRYPTOKI_VERSION: Version = { major: 2, minor: 40 };
/** Of hardware that does not say. */
const UNKNOWN_VERSION: Version = { major: 0, minor: 0 };

const DESCRIPTIONS = {
  auth: "My Number card: authentication key",
  sign: "My Number card: signature key",
} as const;

const MODELS = { auth: "JPKI auth", sign: "JPKI sign" } as const;

/** No CKF_RNG: NSS would call C_GenerateRandom. */
const TOKEN_FLAGS =
  CKF_WRITE_PROTECTED |
  CKF_LOGIN_REQUIRED |
  CKF_USER_PIN_INITIALIZED |
  CKF_PROTECTED_AUTHENTICATION_PATH |
  CKF_TOKEN_INITIALIZED;

/** @param version ours: `1.2.3`. */
export function libraryInfo(version: string): Result<"C_GetInfo"> {
  const [major = 0, minor = 0] = version.split(".").map((part) => Number.parseInt(part, 10) & 0xff);
  return [CRYPTOKI_VERSION, MANUFACTURER, 0, "My Number card, by jpki-agent", { major, minor }];
}

export function slotInfo({ key, token }: P11Slot): Result<"C_GetSlotInfo"> {
  const flags = CKF_REMOVABLE_DEVICE | CKF_HW_SLOT | (token === undefined ? 0 : CKF_TOKEN_PRESENT);
  return [DESCRIPTIONS[key], MANUFACTURER, flags, UNKNOWN_VERSION, UNKNOWN_VERSION];
}

/** The program's sessions with a token. */
export interface SessionCounts {
  readonly max: number;
  readonly all: number;
  readonly readWrite: number;
}

export function tokenInfo(key: P11Slot["key"], token: P11Token, sessions: SessionCounts): Result<"C_GetTokenInfo"> {
  return [
    token.label,
    MANUFACTURER,
    MODELS[key],
    token.serial,
    TOKEN_FLAGS | triesFlags(token.tries()),
    sessions.max,
    sessions.all,
    sessions.max,
    sessions.readWrite,
    PIN_LENGTHS[key].max,
    PIN_LENGTHS[key].min,
    CK_UNAVAILABLE_INFORMATION,
    CK_UNAVAILABLE_INFORMATION,
    CK_UNAVAILABLE_INFORMATION,
    CK_UNAVAILABLE_INFORMATION,
    UNKNOWN_VERSION,
    UNKNOWN_VERSION,
    "", // no clock
  ];
}

function triesFlags(tries: P11Tries): number {
  switch (tries) {
    case "unknown":
    case "all":
      return 0;
    case "fewer":
      return CKF_USER_PIN_COUNT_LOW;
    case "last":
      return CKF_USER_PIN_COUNT_LOW | CKF_USER_PIN_FINAL_TRY;
    case "none":
      return CKF_USER_PIN_LOCKED;
    default:
      return assertNever(tries);
  }
}
