/**
 * Takes a path for a listening server so that of several agents starting at one moment exactly one gets it, and a
 * live agent's socket is never taken away.
 *
 * A socket that is bound but not yet listening looks dead, and libuv unlinks the path it was given when it closes,
 * whatever lies there by then. So the server listens under a temporary name first and is *published* with link(2),
 * which never replaces anything: what lies at the path is live from its first moment, and once dead it stays dead. A
 * dead socket is not unlinked in place (the path may be somebody's live socket by now) but moved aside, looked at,
 * and moved back if it is not the one that was found dead.
 */

import { randomBytes } from "node:crypto";
import { type BigIntStats, linkSync, lstatSync, renameSync, rmSync, unlinkSync } from "node:fs";
import { connect, type Server } from "node:net";
import { dirname, join } from "node:path";
import { messageOf, SocketError } from "../lib/errors.ts";
import { TEMPORARY_NAME_BYTES, unsafe } from "./socket-path.ts";

/** A socket of ours, published at its path. */
export interface SocketClaim {
  /** Unlinks the path if our own socket still lies there. May be called twice. */
  release(): void;
}

/** No rights for group and others, and no execution: the socket's mode becomes 0600 at its very creation. */
const SOCKET_UMASK = 0o177;

/** Each turn means that another process changed the path in between; nobody honest does that so often. */
const MAX_TURNS = 8;

/**
 * Makes `server` listen at `path` (already checked by {@link prepareSocketFolder}).
 *
 * @throws SocketError `SOCKET_IN_USE`: a live process answers there. `SOCKET_UNSAFE`: a file, folder or link lies
 * there; it is left alone. `IO_FAILED`: the system refuses. The server is then closed.
 */
export async function claimSocketPath(server: Server, path: string, backlog: number): Promise<SocketClaim> {
  const temporary = temporaryBeside(path);
  await listen(server, temporary, backlog);
  try {
    const own = identify(temporary);
    await publish(temporary, path);
    return { release: () => unlinkIfSame(path, own) };
  } catch (cause) {
    server.close();
    if (cause instanceof SocketError) throw cause;
    throw new SocketError("IO_FAILED", `serve at ${path}: ${messageOf(cause)}`, { cause, details: { path } });
  } finally {
    rmSync(temporary, { force: true });
  }
}

/** The umask is the whole process's: it is set for the one synchronous call that binds, and for nothing else. */
async function listen(server: Server, path: string, backlog: number): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const fail = (cause: Error): void =>
      reject(new SocketError("IO_FAILED", `listen in ${dirname(path)}: ${cause.message}`, { cause }));
    server.once("error", fail);
    server.once("listening", () => {
      server.off("error", fail);
      resolve();
    });
    const before = process.umask(SOCKET_UMASK);
    try {
      server.listen({ path, backlog });
    } finally {
      process.umask(before);
    }
  });
}

async function publish(temporary: string, path: string): Promise<void> {
  for (let turn = 0; turn < MAX_TURNS; turn++) {
    try {
      linkSync(temporary, path);
      return;
    } catch (error) {
      if (!hasCode(error, "EEXIST")) throw error;
    }
    await clearDeadSocket(path);
  }
  throw inUse(path, "other programs keep taking it");
}

/** Returns when the path was free or may be free now. @throws SocketError as {@link claimSocketPath}. */
export async function clearDeadSocket(path: string): Promise<void> {
  const found = tryIdentify(path);
  if (found === undefined) return;
  if (!found.isSocket())
    throw unsafe(path, "not-a-socket", "something that is not a socket lies there, and is left alone");
  if ((await probe(path)) === "live") throw inUse(path, "a running program answers there");
  const now = tryIdentify(path);
  if (now === undefined || !isSame(now, found)) return;
  const aside = temporaryBeside(path);
  try {
    renameSync(path, aside);
  } catch (error) {
    if (hasCode(error, "ENOENT")) return; // another starter was first
    throw error;
  }
  if (!isSame(identify(aside), found)) {
    linkSync(aside, path);
    unlinkSync(aside);
    throw inUse(path, "another agent started there just now");
  }
  unlinkSync(aside);
}

/** Whether a process accepts connections there. Only a refusal proves that none does. */
async function probe(path: string): Promise<"live" | "dead"> {
  return new Promise((resolve) => {
    const socket = connect({ path });
    socket.once("connect", () => {
      socket.destroy();
      resolve("live");
    });
    // A full backlog (EAGAIN) is a busy agent; a path that went away (ENOENT) is looked at again by the caller.
    socket.once("error", (error) =>
      resolve(hasCode(error, "ECONNREFUSED") || hasCode(error, "ENOENT") ? "dead" : "live"),
    );
  });
}

function unlinkIfSame(path: string, own: BigIntStats): void {
  const now = tryIdentify(path);
  if (now !== undefined && isSame(now, own)) unlinkSync(path);
}

function identify(path: string): BigIntStats {
  return lstatSync(path, { bigint: true });
}

function tryIdentify(path: string): BigIntStats | undefined {
  return lstatSync(path, { bigint: true, throwIfNoEntry: false });
}

/** An inode's number is used again after it is freed; the time of its making tells the two apart. */
function isSame(a: BigIntStats, b: BigIntStats): boolean {
  return a.dev === b.dev && a.ino === b.ino && a.mtimeNs === b.mtimeNs;
}

function temporaryBeside(path: string): string {
  const random = randomBytes(TEMPORARY_NAME_BYTES).toString("hex");
  return join(dirname(path), `.${random}`.slice(0, TEMPORARY_NAME_BYTES));
}

function inUse(path: string, fact: string): SocketError {
  return new SocketError("SOCKET_IN_USE", `serve at ${path}: ${fact}`, {
    hint: "use it if it is an agent (SSH_AUTH_SOCK), or choose another path with -a PATH or --pkcs11-socket PATH",
    details: { path },
  });
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && "code" in error && error.code === code;
}
