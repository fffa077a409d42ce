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

export class TokenLogin {
  readonly #token: P11Token;
  readonly #who: P11Program;
  #agreed: P11Login | undefined;
  /** From the program's login to its logout. */
  #asUser = false;
  #question: SharedQuestion | undefined;
  #over = false;

  constructor(token: P11Token, who: P11Program) {
    this.#token = token;
    this.#who = who;
  }

  /** Undefined: not logged in, or no longer: the login's time or number of signatures is up. */
  get current(): P11Login | undefined {
    return this.#asUser && this.#isAgreed ? this.#agreed : undefined;
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
    if (isFirst && pin === undefined && this.#isAgreed) {
      this.#asUser = true;
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

  /** C_Logout: signatures that are under way end too. @throws CkError CKR_USER_NOT_LOGGED_IN. */
  logout(): void {
    if (this.current === undefined) throw new CkError(CKR_USER_NOT_LOGGED_IN);
    this.leave();
    this.#agree(undefined);
  }

  /** The program has closed its last session: it is logged out, and may come back without a question. */
  leave(): void {
    this.#asUser = false;
  }

  /** The token or the program is gone. */
  end(): void {
    this.#over = true;
    this.leave();
    this.#agree(undefined);
  }

  get #isAgreed(): boolean {
    return this.#agreed?.ended.aborted === false;
  }

  /** Ends the agreement there was. */
  #agree(login: P11Login | undefined): void {
    this.#agreed?.end();
    this.#agreed = login;
  }

  async #ask(pin: Pin | undefined, signal: AbortSignal): Promise<void> {
    if (this.#question?.isOpen) pin?.wipe();
    else this.#question = new SharedQuestion((unwanted) => this.#askOnce(pin, unwanted));
    await this.#question.wait(signal);
  }

  async #askOnce(pin: Pin | undefined, unwanted: AbortSignal): Promise<void> {
    try {
      const login = await this.#token.login(pin, this.#who, unwanted);
      // Nobody waits for it any more, but it came all the same.
      if (unwanted.aborted || this.#over) return login.end();
      this.#agree(login);
      this.#asUser = true;
    } catch (error) {
      if (!(error instanceof JpkiError)) throw error;
      throw new CkError(loginAnswer(error), { cause: error });
    }
  }
}
