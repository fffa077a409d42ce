/** Puts the SSH face together: listener, connections, handler. */

import { resolve } from "node:path";
import type { KeyStore } from "../lib/keys.ts";
import type { LogFields, Logger } from "../lib/log.ts";
import { decodeRequest } from "../lib/ssh/agent-protocol.ts";
import { encodeResponse } from "../lib/ssh/agent-response.ts";
import { serveConnection } from "./connection.ts";
import { DEFAULT_LIMITS, type Limits } from "./limits.ts";
import { startListener } from "./listener.ts";
import type { SignPolicy } from "./sign-guard.ts";
import type { SocketOwner } from "./socket-path.ts";
import { createSshHandler, newConnectionState } from "./ssh-handler.ts";

export interface DaemonOptions {
  /** Relative paths are taken from the working folder. */
  readonly socketPath: string;
  readonly keys: KeyStore;
  readonly policy: SignPolicy;
  readonly log: Logger;
  /** Host names of a host key, from known_hosts. */
  readonly hostsOfKey?: ((hostKeyBlob: Uint8Array) => readonly string[]) | undefined;
  readonly limits?: Partial<Limits> | undefined;
  /** Default: this process. */
  readonly owner?: SocketOwner | undefined;
}

export interface Daemon {
  /** Absolute: for SSH_AUTH_SOCK. */
  readonly socketPath: string;
  /** Stops accepting, aborts requests that wait, hangs up on everybody, removes our socket. May be called twice. */
  close(): Promise<void>;
}

/**
 * Serves the keys at a socket.
 *
 * @throws SocketError `SOCKET_IN_USE`, `SOCKET_UNSAFE`, `IO_FAILED`.
 */
export async function startDaemon(options: DaemonOptions): Promise<Daemon> {
  const { keys, policy, log, hostsOfKey = () => [] } = options;
  const socketPath = resolve(options.socketPath);
  const limits = { ...DEFAULT_LIMITS, ...options.limits };
  if (policy.allowAnyData)
    log.warn("data of any form is signed: a program that reaches the socket can log in anywhere as you", {
      event: "start",
    });
  const handle = createSshHandler({ keys, policy, hostsOfKey, limits });
  const listener = await startListener({
    path: socketPath,
    owner: options.owner ?? { platform: process.platform, uid: process.getuid?.() ?? 0 },
    limits,
    log,
    serve: (socket, id) => {
      const state = newConnectionState(taggedLogger(log, { connection: id }));
      return serveConnection(socket, {
        answer: async (request, signal) => encodeResponse(await handle(decodeRequest(request), state, signal)),
        limits,
        log: state.log,
      });
    },
  });
  return { socketPath, close: () => listener.close() };
}

/** The same log, with `tag` in every line. */
function taggedLogger(log: Logger, tag: LogFields): Logger {
  return {
    trace: (message, fields) => log.trace(message, { ...tag, ...fields }),
    debug: (message, fields) => log.debug(message, { ...tag, ...fields }),
    info: (message, fields) => log.info(message, { ...tag, ...fields }),
    warn: (message, fields) => log.warn(message, { ...tag, ...fields }),
    error: (message, fields) => log.error(message, { ...tag, ...fields }),
  };
}
