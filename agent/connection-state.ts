/** What the SSH face keeps of one client. */

import type { Logger } from "../lib/log.ts";
import { ForwardingConsent } from "./consent.ts";
import { SessionBindings } from "./session-bindings.ts";

/** What is kept for one connection, from its first request to its end. */
export interface ConnectionState {
  readonly bindings: SessionBindings;
  readonly consent: ForwardingConsent;
  /** Who asks, see peer.ts: for people to read. Never rejects. */
  readonly program: () => Promise<string | undefined>;
  /** Says which connection it is in each line. */
  readonly log: Logger;
}

/** @returns the state of a connection that has said nothing yet. */
export function newConnectionState(
  log: Logger,
  program: ConnectionState["program"] = async () => undefined,
): ConnectionState {
  return { bindings: new SessionBindings(), consent: new ForwardingConsent(), program, log };
}
