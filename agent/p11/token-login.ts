/**
 * One program's login to one token. What the program sees and what a person agreed to are two things: closing its last
 * session logs a program out, but the agreement is for the connection. So `p11tool`, which logs in and closes its
 * session four times for one listing, asks a person once. C_Logout ends the agreement too.
 */

import { JpkiError } from "../../lib/errors.ts";
import { CKR_USER_ALREADY_LOGGED_IN, CKR_USER_NOT_LOGGED_IN } from "../../lib/p11/constants.ts";
import type { Pin } from "../../lib/pin/pin.ts";
import { CkError } from "./ck-error.ts";
import { loginAnswer } from "./error-answers.ts";
import { SharedQuestion } from "./shared-question.ts";
import type { P11Login, P11Program, P11Token } from "./token.ts";

/** A login that is good for signatures. */
export interface CurrentLogin {
  readonly login: P11Login;
  /** Aborts, with a {@link CkError}, when the program logs out. */
  readonly loggedOut: AbortSignal;
}

export class TokenLogin {
  readonly #token: P11Token;
  readonly #who: P11Program;
  #agreed: P11Login | undefined;
  /** From the program's login to its logout. */
  #asUser: AbortController | undefined;
  #question: SharedQuestion | undefined;
  #over: CkError | undefined;

  constructor(token: P11Token, who: P11Program) {
    this.#token = token;
    this.#who = who;
  }

  /** Undefined: not logged in, or no longer: the login's time or number of signatures is up. */
  get current(): CurrentLogin | undefined {
    const login = this.#agreed;
    if (login === undefined || this.#asUser === undefined || login.ended.aborted) return undefined;
    return { login, loggedOut: this.#asUser.signal };
  }

  /**
   * C_Login. Several at once are one question with one answer; then all but the first are told that they are logged in
   * already, as if they had come later.
   *
   * @param pin wiped. With it the card is always asked: whoever checks a PIN wants to know.
   * @throws CkError.
   */
  async login(pin: Pin | undefined, signal: AbortSignal): Promise<void> {
    if (this.current !== undefined) {
      pin?.wipe();
      throw new CkError(CKR_USER_ALREADY_LOGGED_IN);
    }
    const isFirst = !this.#question?.isOpen;
    if (isFirst && pin === undefined && this.#agreed?.ended.aborted === false) {
      this.#asUser = new AbortController();
      return;
    }
    await this.#ask(pin, signal);
    if (!isFirst) throw new CkError(CKR_USER_ALREADY_LOGGED_IN);
  }

  /**
   * C_Login for one signature (CKU_CONTEXT_SPECIFIC), while logged in. Without a PIN there is nothing to do: a person is
   * asked when the signature is made.
   *
   * @param pin wiped. @throws CkError.
   */
  async loginAgain(pin: Pin | undefined, signal: AbortSignal): Promise<void> {
    if (pin !== undefined) await this.#ask(pin, signal);
  }

  /** C_Logout. @throws CkError CKR_USER_NOT_LOGGED_IN. */
  logout(): void {
    if (this.current === undefined) throw new CkError(CKR_USER_NOT_LOGGED_IN);
    this.leave();
    this.#agreed?.end();
    this.#agreed = undefined;
  }

  /** The program has closed its last session: it is logged out, and may come back without a question. */
  leave(): void {
    this.#asUser?.abort(new CkError(CKR_USER_NOT_LOGGED_IN));
    this.#asUser = undefined;
  }

  /** The token or the program is gone. */
  end(reason: CkError): void {
    this.#over = reason;
    this.#asUser?.abort(reason);
    this.#asUser = undefined;
    this.#agreed?.end();
    this.#agreed = undefined;
  }

  async #ask(pin: Pin | undefined, signal: AbortSignal): Promise<void> {
    if (this.#question?.isOpen) pin?.wipe();
    else this.#question = new SharedQuestion((unwanted) => this.#agree(pin, unwanted));
    await this.#question.wait(signal);
  }

  async #agree(pin: Pin | undefined, unwanted: AbortSignal): Promise<void> {
    try {
      const login = await this.#token.login(pin, this.#who, unwanted);
      if (unwanted.aborted || this.#over !== undefined) {
        login.end();
        throw this.#over ?? unwanted.reason;
      }
      this.#agreed?.end();
      this.#agreed = login;
      this.#asUser ??= new AbortController();
    } catch (error) {
      if (unwanted.aborted) throw unwanted.reason;
      if (!(error instanceof JpkiError)) throw error;
      throw new CkError(loginAnswer(error), { cause: error });
    }
  }
}
