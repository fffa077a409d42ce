/**
 * What the user has laid on single keys of the cards: a lifetime, a question before each use, hosts it may go to, or its
 * removal. As in ssh-agent, adding a key again replaces all of it, and a key whose time is over counts as removed.
 *
 * A key that was removed comes back, without constraints, when its card is put on a reader again or is added anew.
 */

import { assertNever } from "../lib/errors.ts";
import type { Constraint } from "../lib/ssh/constraints.ts";
import type { DestinationConstraint } from "../lib/ssh/destination-constraint.ts";
import { describeSignData } from "../lib/ssh/sign-data.ts";
import { type ConnectionFacts, permitsConnection } from "./destination-rules.ts";

export interface KeyConstraintsOptions {
  /** Monotonic milliseconds. */
  readonly now: () => number;
  /** Seconds since 1970: for the dates of host certificates alone. */
  readonly unixSeconds: () => number;
}

/** Whether a key may sign; `reason` is for the record. */
export type KeyPermission =
  | { readonly kind: "permitted"; readonly confirm: boolean }
  | { readonly kind: "refused"; readonly reason: "key-removed" | "destination"; readonly text: string };

interface Rules {
  /** Monotonic milliseconds. */
  readonly endMs: number;
  readonly confirm: boolean;
  /** undefined: any host. */
  readonly destinations: readonly DestinationConstraint[] | undefined;
}

export class KeyConstraints {
  readonly #options: KeyConstraintsOptions;
  readonly #rules = new Map<string, Rules | "removed">();

  constructor(options: KeyConstraintsOptions) {
    this.#options = options;
  }

  /**
   * The key is added (again) with these constraints and no others; keeps copies of what it needs.
   *
   * @returns false, and changes nothing, if one of them cannot be kept for a card's key.
   */
  set(keyId: string, constraints: readonly Constraint[]): boolean {
    let rules: Rules = { endMs: Number.POSITIVE_INFINITY, confirm: false, destinations: undefined };
    for (const constraint of constraints) {
      switch (constraint.kind) {
        case "lifetime":
          // As in ssh-agent, 0 is no limit.
          if (constraint.seconds > 0) rules = { ...rules, endMs: this.#options.now() + 1000 * constraint.seconds };
          break;
        case "confirm":
          rules = { ...rules, confirm: true };
          break;
        case "restrict-destination":
          // As in ssh-agent, an empty list is no restriction.
          if (constraint.destinations.length > 0)
            rules = { ...rules, destinations: constraint.destinations.map(ownCopy) };
          break;
        case "associated-certs":
        case "sk-provider":
          return false;
        default:
          assertNever(constraint);
      }
    }
    this.#rules.set(keyId, rules);
    return true;
  }

  /** Takes the key out of the agent. @returns false if it is out already. */
  remove(keyId: string): boolean {
    if (this.#rulesOf(keyId) === "removed") return false;
    this.#rules.set(keyId, "removed");
    return true;
  }

  /** The card was put on a reader: its key is there again, if it was removed. */
  restore(keyId: string): void {
    if (this.#rulesOf(keyId) === "removed") this.#rules.delete(keyId);
  }

  /** Whether this connection is shown the key. */
  lists(keyId: string, connection: ConnectionFacts): boolean {
    const rules = this.#rulesOf(keyId);
    if (rules === "removed") return false;
    return this.#permits(rules, connection, undefined);
  }

  /** Whether the key may sign `data` on this connection. Never throws for what a client may send. */
  permits(keyId: string, connection: ConnectionFacts, data: Uint8Array): KeyPermission {
    const rules = this.#rulesOf(keyId);
    if (rules === "removed") return { kind: "refused", reason: "key-removed", text: "the key was removed" };
    if (rules?.destinations === undefined) return { kind: "permitted", confirm: rules?.confirm ?? false };
    const refused = (text: string): KeyPermission => ({ kind: "refused", reason: "destination", text });
    const { bindings } = connection;
    const last = bindings.at(-1);
    if (last === undefined) return refused("the key is for certain hosts, and the connection is bound to none");
    const login = describeSignData(data);
    if (login.kind !== "userauth") return refused("the key is for logins at certain hosts, and this is no login");
    if (!this.#permits(rules, connection, login.user)) return refused("the key is for other hosts or users");
    // Beyond the first hop the session id alone does not say who is on the other end.
    if (bindings.length > 1 && login.hostKey === undefined) return refused("a login that does not name its host key");
    return { kind: "permitted", confirm: rules.confirm };
  }

  #permits(rules: Rules | undefined, connection: ConnectionFacts, user: string | undefined): boolean {
    if (rules?.destinations === undefined) return true;
    return permitsConnection(rules.destinations, connection, user, this.#options.unixSeconds());
  }

  #rulesOf(keyId: string): Rules | "removed" | undefined {
    const rules = this.#rules.get(keyId);
    return typeof rules === "object" && this.#options.now() >= rules.endMs ? "removed" : rules;
  }
}

/** What a request holds are views of its frame. */
function ownCopy({ from, to }: DestinationConstraint): DestinationConstraint {
  const copy = (hop: DestinationConstraint["from"]) => ({
    ...hop,
    keys: hop.keys.map(({ keyBlob, isCa }) => ({ keyBlob: new Uint8Array(keyBlob), isCa })),
  });
  return { from: copy(from), to: copy(to) };
}
