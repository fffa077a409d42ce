/** The logins of PKCS#11 programs that hold now: for `status`, and to be ended where the user takes rights away. */

import type { Pkcs11Login } from "../../lib/agent-status.ts";

/** What can be ended from outside. */
export interface OpenLogin {
  /** Of the card's authentication key. */
  readonly keyId: string;
  describe(): Pkcs11Login;
  /** The user has forgotten, locked or removed. */
  revoke(): void;
}

export class OpenLogins {
  readonly #logins = new Set<OpenLogin>();

  add(login: OpenLogin): void {
    this.#logins.add(login);
  }

  delete(login: OpenLogin): void {
    this.#logins.delete(login);
  }

  /** Ends those with one card, or all. */
  revoke(keyId?: string | undefined): void {
    for (const login of [...this.#logins]) if (keyId === undefined || login.keyId === keyId) login.revoke();
  }

  list(): readonly Pkcs11Login[] {
    return [...this.#logins].map((login) => login.describe());
  }
}
