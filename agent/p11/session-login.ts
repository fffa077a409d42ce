/** C_Login for one session: whose login, and with whose PIN. */

import type { Logger } from "../../lib/log.ts";
import {
  CKR_OPERATION_NOT_INITIALIZED,
  CKR_USER_NOT_LOGGED_IN,
  CKR_USER_TYPE_INVALID,
  CKU_CONTEXT_SPECIFIC,
  CKU_USER,
} from "../../lib/p11/constants.ts";
import { CkError } from "./ck-error.ts";
import { pinFromProgram } from "./program-pin.ts";
import { openOperation } from "./session-signing.ts";
import type { Session } from "./sessions.ts";

export interface LoginCall {
  readonly session: Session;
  /** CKU_*. */
  readonly user: number;
  /** What the program brought, wiped; undefined or empty: the agent asks. */
  readonly pin: Uint8Array | undefined;
  readonly signal: AbortSignal;
  readonly log: Logger;
}

/** @throws CkError. */
export async function logIn({ session, user, pin, signal, log }: LoginCall): Promise<void> {
  const { key, token, login, over } = session;
  const until = AbortSignal.any([signal, over]);
  switch (user) {
    case CKU_USER:
      return login.login(pinFromProgram(key, pin, log), until);
    case CKU_CONTEXT_SPECIFIC:
      openOperation(session);
      if (!token.asksEachTime) throw new CkError(CKR_OPERATION_NOT_INITIALIZED);
      if (login.current === undefined) throw new CkError(CKR_USER_NOT_LOGGED_IN);
      return login.loginAgain(pinFromProgram(key, pin, log), until);
    default:
      // The security officer too: there is nothing here to be set up.
      throw new CkError(CKR_USER_TYPE_INVALID);
  }
}
