/** Puts the PKCS #11 face together: listener, connections, applications. */

import { resolve } from "node:path";
import { type Logger, taggedLogger } from "../../lib/log.ts";
import { DEFAULT_P11_LIMITS, type P11Limits } from "../limits.ts";
import { startListener } from "../listener.ts";
import { createProgramFinder, programOf } from "../peer.ts";
import type { SocketOwner } from "../socket-path.ts";
import type { OpenApplication } from "./application.ts";
import { serveP11Connection } from "./connection.ts";

export interface P11FaceOptions {
  /** Relative paths are taken from the working folder. */
  readonly socketPath: string;
  /** A descriptor that listens there already, and stays its maker's. */
  readonly inheritedFd?: number | undefined;
  readonly open: OpenApplication;
  readonly log: Logger;
  readonly limits?: Partial<P11Limits> | undefined;
  /** Default: this process. */
  readonly owner?: SocketOwner | undefined;
}

export interface P11Face {
  /** Absolute: for P11_KIT_SERVER_ADDRESS. */
  readonly socketPath: string;
  /** Stops accepting, aborts calls that wait, ends every application, removes our socket. May be called twice. */
  close(): Promise<void>;
}

/**
 * Serves p11-kit's RPC protocol at a socket.
 *
 * @throws SocketError `SOCKET_IN_USE`, `SOCKET_UNSAFE`, `IO_FAILED`.
 */
export async function startP11Face(options: P11FaceOptions): Promise<P11Face> {
  const { open, log } = options;
  const socketPath = resolve(options.socketPath);
  const limits = { ...DEFAULT_P11_LIMITS, ...options.limits };
  const findProgram = createProgramFinder(process.platform, log, "processes");
  const listener = await startListener({
    path: socketPath,
    inheritedFd: options.inheritedFd,
    owner: options.owner ?? { platform: process.platform, uid: process.getuid?.() ?? 0 },
    limits,
    log,
    serve: (socket, id) => {
      const client = {
        program: programOf(socket, findProgram),
        log: taggedLogger(log, { p11Connection: id }),
      };
      return serveP11Connection(socket, { client, open, limits });
    },
  });
  return { socketPath, close: () => listener.close() };
}
