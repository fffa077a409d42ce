/**
 * What one connection has proved about the servers it leads to: the state behind `session-bind@openssh.com`. The rules
 * are those of OpenSSH's agent (ssh-agent.c, process_ext_session_bind).
 *
 * Forwarded use must not look local because a binding could not be verified, so a failed attempt leaves a mark. No
 * binding at all proves nothing: other programs than OpenSSH forward an agent without a word.
 */

import { equalBytes } from "../lib/bytes.ts";
import { JpkiError, messageOf } from "../lib/errors.ts";
import { decodeSessionBind, type SessionBind, verifySessionBind } from "../lib/ssh/session-bind.ts";

/** Most bindings of one connection: hops of a forwarded agent (as OpenSSH's AGENT_MAX_SESSION_IDS). */
export const MAX_BINDINGS = 16;

/** A verified binding; the arrays are its own. */
export interface Binding {
  /** The server's host key or host certificate. */
  readonly hostKey: Uint8Array;
  readonly sessionId: Uint8Array;
  /** Whether the agent was forwarded to that server; else somebody logs in there. */
  readonly isForwarding: boolean;
}

/** What the sign-guard looks at. */
export interface BindingFacts {
  /** In the order of the hops: forwarding servers first, at last the one to log in to. */
  readonly bindings: readonly Binding[];
  /** A binding was refused that said, or may have said, that the agent is forwarded. */
  readonly unprovenForwarding: boolean;
}

export type BindOutcome =
  | { readonly kind: "bound"; readonly binding: Binding }
  | { readonly kind: "repeated" }
  | { readonly kind: "refused"; readonly text: string };

/** Kept per connection, gone with it. */
export class SessionBindings implements BindingFacts {
  readonly #bindings: Binding[] = [];
  #bindAttempted = false;
  #unprovenForwarding = false;

  get bindings(): readonly Binding[] {
    return this.#bindings;
  }

  /** Whether the client tried to bind, with or without success. */
  get bindAttempted(): boolean {
    return this.#bindAttempted;
  }

  get unprovenForwarding(): boolean {
    return this.#unprovenForwarding;
  }

  /** Verifies the extension's body and records it. Never throws for what a client may send. */
  bind(body: Uint8Array): BindOutcome {
    this.#bindAttempted = true;
    const claim = readClaim(body);
    const outcome = claim.kind === "proved" ? this.#record(claim.bind) : refused(claim.text);
    if (outcome.kind === "refused" && claim.mayForward) this.#unprovenForwarding = true;
    return outcome;
  }

  #record(bind: SessionBind): BindOutcome {
    for (const known of this.#bindings) {
      if (!known.isForwarding) return refused("the connection is bound to a login already");
      if (!equalBytes(known.sessionId, bind.sessionId)) continue;
      if (equalBytes(known.hostKey, bind.hostKey)) return { kind: "repeated" };
      return refused("the session is bound to another host key already");
    }
    if (this.#bindings.length >= MAX_BINDINGS) return refused(`more than ${MAX_BINDINGS} bindings`);
    const binding = {
      hostKey: new Uint8Array(bind.hostKey),
      sessionId: new Uint8Array(bind.sessionId),
      isForwarding: bind.isForwarding,
    };
    this.#bindings.push(binding);
    return { kind: "bound", binding };
  }
}

type Claim =
  | { readonly kind: "proved"; readonly bind: SessionBind; readonly mayForward: boolean }
  | { readonly kind: "unproved"; readonly text: string; readonly mayForward: boolean };

function readClaim(body: Uint8Array): Claim {
  let mayForward = true;
  try {
    const bind = decodeSessionBind(body);
    mayForward = bind.isForwarding;
    const verification = verifySessionBind(bind);
    if (verification === "valid") return { kind: "proved", bind, mayForward };
    return { kind: "unproved", text: `the host key's signature is ${verification}`, mayForward };
  } catch (error) {
    // A broken claim is an unproved one; any other fault is ours.
    if (!(error instanceof JpkiError)) throw error;
    return { kind: "unproved", text: messageOf(error), mayForward };
  }
}

function refused(text: string): BindOutcome {
  return { kind: "refused", text };
}
