/**
 * The logins of PKCS#11 programs that hold now, and those for which a person is asked: for `status`, and to be ended where
 * the user takes rights away.
 */

import type { Pkcs11Login } from "../../lib/agent-status.ts";
import { PolicyError } from "../../lib/errors.ts";

/** What can be ended from outside. */
export interface OpenLogin {
  /** Of the card's authentication key. */
  readonly keyId: string;
  describe(): Pkcs11Login;
  /** The user has forgotten, locked or removed; the reason says so. */
  revoke(reason: PolicyError): void;
}

interface Attempt {
  readonly keyId: string | undefined;
  readonly controller: AbortController;
}

export class OpenLogins {
  readonly #logins = new Set<OpenLogin>();
  readonly #attempts = new Set<Attempt>();

  /**
   * Runs what asks for a login; its signal aborts as the login itself would.
   *
   * @param keyId undefined: a phone that has not shown its key.
   */
  async attempt<T>(keyId: string | undefined, ask: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const attempt = { keyId, controller: new AbortController() };
    this.#attempts.add(attempt);
    try {
      return await ask(attempt.controller.signal);
    } finally {
      this.#attempts.delete(attempt);
    }
  }

  add(login: OpenLogin): void {
    this.#logins.add(login);
  }

  delete(login: OpenLogin): void {
    this.#logins.delete(login);
  }

  /** Ends those with one card, or all. */
  revoke(keyId?: string | undefined): void {
    const isMeant = (of: { readonly keyId: string | undefined }) => keyId === undefined || of.keyId === keyId;
    const reason = new PolicyError("use the login: the agent was told to forget", {
      hint: "log in again",
      details: { problem: "forgotten" },
    });
    for (const { controller } of [...this.#attempts].filter(isMeant)) controller.abort(reason);
    for (const login of [...this.#logins].filter(isMeant)) login.revoke(reason);
  }

  list(): readonly Pkcs11Login[] {
    return [...this.#logins].map((login) => login.describe());
  }
}
