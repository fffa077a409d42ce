/** C_SignInit to C_SignFinal, for one session. Only the last step of each reaches the card. */

import { JpkiError, messageOf, PolicyError } from "../../lib/errors.ts";
import type { Logger } from "../../lib/log.ts";
import {
  CKR_FUNCTION_CANCELED,
  CKR_KEY_HANDLE_INVALID,
  CKR_OPERATION_ACTIVE,
  CKR_OPERATION_NOT_INITIALIZED,
  CKR_USER_NOT_LOGGED_IN,
} from "../../lib/p11/constants.ts";
import type { Mechanism, SizeOnly } from "../../lib/p11/values.ts";
import { CkError } from "./ck-error.ts";
import { signAnswer } from "./error-answers.ts";
import { chooseMechanism, type Offering, type SignMechanism } from "./mechanisms.ts";
import type { P11Object } from "./objects.ts";
import type { Session } from "./sessions.ts";
import { SignOperation } from "./sign-operation.ts";
import type { P11Login } from "./token.ts";

/** A signature, or its length where there is no room for it: then the operation goes on. */
export type Signed = Uint8Array | SizeOnly;

/** The operation that the session may go on with. @throws CkError. */
export function openOperation({ signing }: Session): SignOperation {
  if (signing === undefined) throw new CkError(CKR_OPERATION_NOT_INITIALIZED);
  if (signing.underWay) throw new CkError(CKR_OPERATION_ACTIVE);
  return signing;
}

export interface BeginCall {
  readonly session: Session;
  readonly mechanism: Mechanism;
  /** What the program has named; undefined: there is no such object. */
  readonly object: P11Object | undefined;
  readonly offering: Offering;
  readonly log: Logger;
}

/** C_SignInit. @throws CkError. */
export function beginSigning({ session, mechanism, object, offering, log }: BeginCall): void {
  if (session.signing !== undefined) throw new CkError(CKR_OPERATION_ACTIVE);
  const chosen = chosenMechanism(mechanism, offering, log);
  if (object !== undefined && object.kind !== "private-key") throw new CkError(CKR_KEY_HANDLE_INVALID);
  // First: some cards show their certificate, and so their key, for as long as the login holds only.
  if (session.login.current === undefined) throw new CkError(CKR_USER_NOT_LOGGED_IN);
  if (object === undefined) throw new CkError(CKR_KEY_HANDLE_INVALID);
  session.signing = new SignOperation(chosen, { signatureBytes: object.modulusBytes, allowSha1: offering.allowSha1 });
}

/** No signature yet: what programs ask for in vain is in the log alone. */
function chosenMechanism(mechanism: Mechanism, offering: Offering, log: Logger): SignMechanism {
  try {
    return chooseMechanism(mechanism, offering);
  } catch (error) {
    if (error instanceof CkError && error.cause !== undefined)
      log.warn("mechanism refused", {
        ...{ event: "sign", face: "pkcs11", mechanism: `0x${mechanism.type.toString(16)}`, result: "refused" },
        text: messageOf(error.cause),
      });
    throw error;
  }
}

/** C_SignInit without a mechanism: as if it had not begun. A signature under way is taken back. */
export function cancelSigning(session: Session): void {
  session.signing?.cancel(new CkError(CKR_FUNCTION_CANCELED));
  session.signing = undefined;
}

/** C_SignUpdate. @throws CkError, and the operation is over. */
export function signPart(session: Session, part: Uint8Array): void {
  const operation = openOperation(session);
  try {
    operation.update(part);
  } catch (error) {
    session.signing = undefined;
    throw error;
  }
}

export interface SigningCall {
  readonly session: Session;
  /** Bytes for the signature; 0 asks for its length. */
  readonly room: number;
  /** What is to be signed. */
  readonly input: (operation: SignOperation) => Uint8Array;
  readonly signal: AbortSignal;
}

/** C_Sign and C_SignFinal. @throws CkError, and the operation is over. */
export async function finishSigning(call: SigningCall): Promise<Signed> {
  const { session, room } = call;
  const operation = openOperation(session);
  if (room < operation.signatureBytes) return { needed: operation.signatureBytes };
  operation.underWay = true;
  try {
    return await sign(operation, call);
  } finally {
    // It may have been cancelled meanwhile, and the next one begun.
    if (session.signing === operation) session.signing = undefined;
  }
}

async function sign(operation: SignOperation, call: SigningCall): Promise<Uint8Array> {
  const { session, signal } = call;
  const login = session.login.current;
  if (login === undefined) throw new CkError(CKR_USER_NOT_LOGGED_IN);
  const { scheme, name } = operation.mechanism;
  const bytes = judged(operation, call, login);
  const until = AbortSignal.any([signal, session.over, operation.cancelled]);
  try {
    return await login.sign(scheme, bytes, name, until);
  } catch (error) {
    if (until.aborted) throw until.reason; // whatever the card's side made of it
    if (!(error instanceof JpkiError)) throw error;
    throw new CkError(answerTo(error, login), { cause: error });
  }
}

/** What is refused here is told by the login as what is refused there. @throws CkError. */
function judged(operation: SignOperation, { input }: SigningCall, login: P11Login): Uint8Array {
  try {
    return input(operation);
  } catch (error) {
    if (error instanceof CkError && error.cause instanceof PolicyError)
      login.refuse(operation.mechanism.name, error.cause);
    throw error;
  }
}

/** A login that has run out is not a refusal: the program may log in again. */
function answerTo(error: JpkiError, { ended }: P11Login): number {
  return error.code === "POLICY_REFUSED" && ended.aborted ? CKR_USER_NOT_LOGGED_IN : signAnswer(error);
}
