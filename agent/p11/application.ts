/**
 * What stands behind one connection of the PKCS #11 face: one program that has called C_Initialize ("application" in
 * PKCS #11). It holds that program's sessions, searches, signatures under way and logins, and ends with it.
 */

import type { Logger } from "../../lib/log.ts";
import type { Args, CallName, Result } from "../../lib/p11/calls.ts";
import type { P11Program } from "./token.ts";

/**
 * The calls that are answered, C_Initialize and C_Finalize aside: those make and end a {@link P11Application}.
 * All others are refused by their names: see `refusals.ts`.
 */
export const SERVED_CALLS = [
  "C_GetInfo",
  "C_GetSlotList",
  "C_GetSlotInfo",
  "C_GetTokenInfo",
  "C_GetMechanismList",
  "C_GetMechanismInfo",
  "C_OpenSession",
  "C_CloseSession",
  "C_CloseAllSessions",
  "C_GetSessionInfo",
  "C_Login",
  "C_Logout",
  "C_GetAttributeValue",
  "C_FindObjectsInit",
  "C_FindObjects",
  "C_FindObjectsFinal",
  "C_SignInit",
  "C_Sign",
  "C_SignUpdate",
  "C_SignFinal",
  "C_WaitForSlotEvent",
] as const satisfies readonly CallName[];

export type ServedCall = (typeof SERVED_CALLS)[number];

/**
 * One method for each call. Several may be under way at once, as many as the program has threads.
 *
 * `args` are views of the request, which is wiped when the answer is there: copy what is kept. `signal` aborts when the
 * program is gone or calls C_Finalize, with a {@link CkError} CKR_CRYPTOKI_NOT_INITIALIZED as its reason.
 *
 * @throws CkError what the program gets for an answer. Anything else is a defect: it gets CKR_GENERAL_ERROR.
 */
export type P11Calls = {
  readonly [C in ServedCall]: (args: Args<C>, signal: AbortSignal) => Result<C> | Promise<Result<C>>;
};

export interface P11Application extends P11Calls {
  /** The program is gone or has called C_Finalize: logs out, drops everything. Called once, after all signals. */
  end(): void;
}

/** Who is at the other end of a connection. */
export interface P11Client extends P11Program {
  /** The first byte of the connection: 0 p11-kit 0.24, 1 from 0.25.0, 2 from 0.25.6. */
  readonly version: number;
  readonly log: Logger;
}

/** Called at C_Initialize. */
export type OpenApplication = (client: P11Client) => P11Application;
