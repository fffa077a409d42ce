/** The sessions of one program, by their handles. */

import {
  CKF_RW_SESSION,
  CKR_DEVICE_REMOVED,
  CKR_SESSION_CLOSED,
  CKR_SESSION_COUNT,
  CKR_SESSION_HANDLE_INVALID,
  CKS_RO_PUBLIC_SESSION,
  CKS_RO_USER_FUNCTIONS,
  CKS_RW_PUBLIC_SESSION,
  CKS_RW_USER_FUNCTIONS,
} from "../../lib/p11/constants.ts";
import { CkError } from "./ck-error.ts";
import type { SignOperation } from "./sign-operation.ts";
import type { SessionCounts } from "./slot-view.ts";
import type { P11Slot, P11Token } from "./token.ts";
import type { TokenLogin } from "./token-login.ts";

/** A browser has a handful. */
export const MAX_SESSIONS = 256;

export interface SessionOptions {
  readonly handle: number;
  readonly slot: P11Slot;
  readonly token: P11Token;
  readonly login: TokenLogin;
  /** CKF_*. */
  readonly flags: number;
}

export class Session {
  readonly handle: number;
  readonly slotId: number;
  readonly key: P11Slot["key"];
  readonly token: P11Token;
  readonly login: TokenLogin;
  readonly flags: number;
  /** Handles that a search has found and not told yet; undefined: no search is open. */
  found: readonly number[] | undefined;
  signing: SignOperation | undefined;
  readonly #over = new AbortController();

  constructor({ handle, slot, token, login, flags }: SessionOptions) {
    this.handle = handle;
    this.slotId = slot.id;
    this.key = slot.key;
    this.token = token;
    this.login = login;
    this.flags = flags;
  }

  /** Aborts when the session is closed or its card leaves, with a {@link CkError} for calls that are under way. */
  get over(): AbortSignal {
    return this.#over.signal;
  }

  get isReadWrite(): boolean {
    return (this.flags & CKF_RW_SESSION) !== 0;
  }

  /** CKS_*. */
  get state(): number {
    const isUser = this.login.current !== undefined;
    if (this.isReadWrite) return isUser ? CKS_RW_USER_FUNCTIONS : CKS_RW_PUBLIC_SESSION;
    return isUser ? CKS_RO_USER_FUNCTIONS : CKS_RO_PUBLIC_SESSION;
  }

  end(reason: CkError): void {
    this.#over.abort(reason);
  }
}

export class Sessions {
  readonly #sessions = new Map<number, Session>();
  readonly #tokenNow: (slotId: number) => P11Token | undefined;

  /** @param tokenNow the token that is in a slot. */
  constructor(tokenNow: (slotId: number) => P11Token | undefined) {
    this.#tokenNow = tokenNow;
  }

  /** @throws CkError CKR_SESSION_COUNT. */
  open(options: SessionOptions): Session {
    if (this.#sessions.size >= MAX_SESSIONS) this.#dropLost();
    if (this.#sessions.size >= MAX_SESSIONS) throw new CkError(CKR_SESSION_COUNT);
    const session = new Session(options);
    this.#sessions.set(session.handle, session);
    return session;
  }

  /**
   * A session whose card is still there.
   *
   * @throws CkError CKR_SESSION_HANDLE_INVALID; CKR_DEVICE_REMOVED, once, if its card has left since.
   */
  get(handle: number): Session {
    const session = this.#sessions.get(handle);
    if (session === undefined) throw new CkError(CKR_SESSION_HANDLE_INVALID);
    if (!this.#isLost(session)) return session;
    throw this.#drop(session, CKR_DEVICE_REMOVED);
  }

  /** Ends what the session has under way. */
  close(session: Session): void {
    this.#drop(session, CKR_SESSION_CLOSED);
    this.#leaveIfLast(session);
  }

  closeAll(slotId: number): void {
    for (const session of [...this.#sessions.values()]) if (session.slotId === slotId) this.close(session);
  }

  /** A slot's token changed: calls that are under way on the one before it end. Their handles are dropped when used. */
  lose(slotId: number): void {
    for (const session of this.#sessions.values())
      if (session.slotId === slotId && this.#isLost(session)) session.end(new CkError(CKR_DEVICE_REMOVED));
  }

  /** The program is gone. */
  endAll(reason: CkError): void {
    for (const session of this.#sessions.values()) session.end(reason);
    this.#sessions.clear();
  }

  counts(token: P11Token): SessionCounts {
    const own = [...this.#sessions.values()].filter((session) => session.token === token);
    return { max: MAX_SESSIONS, all: own.length, readWrite: own.filter(({ isReadWrite }) => isReadWrite).length };
  }

  #isLost({ slotId, token }: Session): boolean {
    return this.#tokenNow(slotId) !== token;
  }

  #dropLost(): void {
    for (const session of [...this.#sessions.values()])
      if (this.#isLost(session)) this.#drop(session, CKR_DEVICE_REMOVED);
  }

  #drop(session: Session, rv: number): CkError {
    const reason = new CkError(rv);
    this.#sessions.delete(session.handle);
    session.end(reason);
    return reason;
  }

  #leaveIfLast({ token, login }: Session): void {
    if (this.counts(token).all === 0) login.leave();
  }
}
