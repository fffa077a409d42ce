/**
 * Accepts connections at one socket and knows nothing of what is said on them: both faces use it.
 *
 * A full house closes the connection that has been idle longest to let the new one in; if every one of them is waiting
 * for an answer, the new one is turned away.
 */

import { once } from "node:events";
import { createServer, type Server, type Socket } from "node:net";
import type { Logger } from "../lib/log.ts";
import type { Limits } from "./limits.ts";
import { claimSocketPath, type SocketClaim } from "./socket-claim.ts";
import { prepareSocketFolder, type SocketOwner } from "./socket-path.ts";

/** One accepted connection, as the listener sees it. */
export interface ServedConnection {
  /** `performance.now()` since when nothing is waiting for an answer; undefined while something is. */
  readonly idleSince: number | undefined;
  /** Resolves when the socket is closed and nothing works for it any more. Never rejects. */
  readonly closed: Promise<void>;
  /** Drops the connection and aborts what it waits for. */
  close(): void;
}

export interface ListenerOptions {
  /** Absolute. */
  readonly path: string;
  /** A descriptor that listens at `path` already: it is served, and the path left to whoever bound it. */
  readonly inheritedFd?: number | undefined;
  readonly owner: SocketOwner;
  readonly limits: Pick<Limits, "connections" | "backlog">;
  readonly log: Logger;
  /** Takes over `socket`. @param id never used twice by this listener: for the log. */
  readonly serve: (socket: Socket, id: number) => ServedConnection;
}

export interface Listener {
  /** Stops accepting, removes our socket, closes every connection. Resolves when all of them are closed. */
  close(): Promise<void>;
}

/** @throws SocketError as {@link prepareSocketFolder} and {@link claimSocketPath}. */
export async function startListener(options: ListenerOptions): Promise<Listener> {
  const { path, log } = options;
  await prepareSocketFolder(path, options.owner);
  const connections = new Set<ServedConnection>();
  let lastId = 0;
  const server = createServer((socket) => {
    if (!makeRoom(connections, options)) {
      socket.destroy();
      return;
    }
    const connection = options.serve(socket, ++lastId);
    connections.add(connection);
    void connection.closed.then(() => connections.delete(connection));
  });
  const claim = await claimSocket(server, options);
  server.on("error", (error) => log.error("socket server", { path, error: error.message }));
  log.debug("listening", { path });
  let closing: Promise<void> | undefined;
  const close = async (): Promise<void> => {
    claim.release();
    const stopped = stop(server);
    const open = [...connections];
    for (const connection of open) connection.close();
    await Promise.all(open.map((connection) => connection.closed));
    await stopped;
    log.debug("closed", { path });
  };
  return { close: () => (closing ??= close()) };
}

async function claimSocket(server: Server, { path, inheritedFd, limits }: ListenerOptions): Promise<SocketClaim> {
  if (inheritedFd === undefined) return claimSocketPath(server, path, limits.backlog);
  server.listen({ fd: inheritedFd, backlog: limits.backlog });
  await once(server, "listening");
  return { release: () => {} };
}

/** @returns whether one more connection may be served. */
function makeRoom(connections: ReadonlySet<ServedConnection>, { limits, log }: ListenerOptions): boolean {
  if (connections.size < limits.connections) return true;
  let idlest: ServedConnection | undefined;
  for (const connection of connections) {
    if (connection.idleSince === undefined) continue;
    if (idlest?.idleSince === undefined || connection.idleSince < idlest.idleSince) idlest = connection;
  }
  log.warn("too many connections", { limit: limits.connections, action: idlest ? "closed one" : "refused one" });
  idlest?.close();
  return idlest !== undefined;
}

async function stop(server: Server): Promise<void> {
  await new Promise<void>((resolve) => server.close(() => resolve()));
}
