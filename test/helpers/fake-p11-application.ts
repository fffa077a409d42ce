/** An application of the PKCS #11 face that answers what a test says, and refuses everything else. */

import type { P11Application, P11Calls } from "../../agent/p11/application.ts";
import { CkError } from "../../agent/p11/ck-error.ts";
import { CKR_SESSION_HANDLE_INVALID } from "../../lib/p11/constants.ts";

export function fakeP11Application(calls: Partial<P11Calls> = {}, end: () => void = () => {}): P11Application {
  const refuse = (): never => {
    throw new CkError(CKR_SESSION_HANDLE_INVALID);
  };
  return {
    C_GetInfo: refuse,
    C_GetSlotList: refuse,
    C_GetSlotInfo: refuse,
    C_GetTokenInfo: refuse,
    C_GetMechanismList: refuse,
    C_GetMechanismInfo: refuse,
    C_OpenSession: refuse,
    C_CloseSession: refuse,
    C_CloseAllSessions: refuse,
    C_GetSessionInfo: refuse,
    C_Login: refuse,
    C_Logout: refuse,
    C_GetAttributeValue: refuse,
    C_FindObjectsInit: refuse,
    C_FindObjects: refuse,
    C_FindObjectsFinal: refuse,
    C_SignInit: refuse,
    C_Sign: refuse,
    C_SignUpdate: refuse,
    C_SignFinal: refuse,
    C_WaitForSlotEvent: refuse,
    ...calls,
    end,
  };
}
