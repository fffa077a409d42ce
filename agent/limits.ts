/**
 * Every cap of the agent's sockets, in one place. Frame and field sizes are caps of the wire formats: lib/ssh, lib/p11.
 *
 * There is no limit on idle time, as ssh-agent has none: `ssh -A` may keep a connection for days. A full house makes
 * room by closing the connection that has been idle longest, so that silent clients cost the others nothing.
 */

export interface Limits {
  /** Connections served at once. */
  readonly connections: number;
  /** Connections the kernel may hold for us before we accept them: 40 at once are normal, 5 have been seen to fail. */
  readonly backlog: number;
  /** Decoded requests of one connection that may wait for an answer before we stop reading from it. */
  readonly pendingRequests: number;
  /** From the first byte of a frame to its last, milliseconds. Then the connection is closed. */
  readonly frameMs: number;
  /** For a client to take one reply, milliseconds. Then the connection is closed. */
  readonly replyMs: number;
  /** Signatures waiting for a card or a person, all connections together. One more is refused. */
  readonly waitingSignatures: number;
  /** For the upstream agent to be reached, and to answer what needs no person, milliseconds. Then we go without it. */
  readonly upstreamMs: number;
  /** Session bindings of one connection that are kept for the upstream agent, and their bytes together. */
  readonly upstreamBinds: number;
  readonly upstreamBindBytes: number;
}

export const DEFAULT_LIMITS: Limits = {
  connections: 256,
  backlog: 511,
  pendingRequests: 16,
  frameMs: 30_000,
  replyMs: 30_000,
  waitingSignatures: 64,
  upstreamMs: 2000,
  upstreamBinds: 32,
  upstreamBindBytes: 262_144,
};

/** Caps of the PKCS #11 socket: see agent/p11/connection.ts for what becomes of a client that meets one. */
export interface P11Limits {
  /** Connections served at once: each program with the module loaded has one, most of the time idle. */
  readonly connections: number;
  readonly backlog: number;
  /** Calls of one connection under way, one for each of the program's threads. One more is answered with an error. */
  readonly pendingCalls: number;
  /** Bytes of their requests together. */
  readonly pendingBytes: number;
  /** Bytes of answers that a client has not taken. Over this its requests are not read. */
  readonly unsentBytes: number;
}

export const DEFAULT_P11_LIMITS: P11Limits = {
  connections: 600,
  backlog: 511,
  pendingCalls: 256,
  pendingBytes: 4 * 1024 * 1024,
  unsentBytes: 262_144,
};
