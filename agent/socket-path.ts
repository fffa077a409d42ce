/**
 * Whether a socket may be made at a path at all: its length, and the folder that keeps other users out.
 *
 * Other users are kept out by the folder (0700) and the socket's mode (0600): plain Node cannot ask the kernel who is
 * at the other end. What already lies at the path is socket-claim.ts's concern.
 */

import { mkdir, stat } from "node:fs/promises";
import { basename, dirname } from "node:path";
import { messageOf, SocketError } from "../lib/errors.ts";

/** What the rules depend on; the process's own values unless a test says otherwise. */
export interface SocketOwner {
  readonly platform: NodeJS.Platform;
  /** Numeric user id that must own the folder. */
  readonly uid: number;
}

/** Length of the name under which a socket is bound before it is published (socket-claim.ts). */
export const TEMPORARY_NAME_BYTES = 8;

/** `sun_path` without its final NUL: 108 bytes on Linux, 104 on macOS and the BSDs. */
const MAX_PATH_BYTES = { linux: 107, other: 103 } as const;

/** Any of these write bits lets somebody else replace our socket. */
const GROUP_OR_OTHERS_WRITE = 0o022;

/**
 * Checks the length of `path` (absolute) and makes its folder (0700) if it is missing.
 *
 * @throws SocketError `SOCKET_UNSAFE`: too long; the folder is not one, is another user's, or others can write to it.
 * `IO_FAILED`: the folder cannot be made.
 */
export async function prepareSocketFolder(path: string, owner: SocketOwner): Promise<void> {
  checkLength(path, owner.platform);
  const folder = dirname(path);
  await makeFolder(folder);
  const found = await stat(folder);
  if (!found.isDirectory()) throw unsafe(path, "not-a-folder", `${folder} is not a folder`);
  if (found.uid !== owner.uid)
    throw unsafe(path, "other-owner", `${folder} belongs to user ${found.uid}, not to user ${owner.uid}`);
  if ((found.mode & GROUP_OR_OTHERS_WRITE) !== 0)
    throw unsafe(path, "open-folder", "it lies in a folder others can write");
}

/** @returns an error that says why nothing can be served at `path`. */
export function unsafe(path: string, problem: string, fact: string): SocketError {
  return new SocketError("SOCKET_UNSAFE", `serve at ${path}: ${fact}`, {
    hint: "choose a path in a folder that only you can write, with -a PATH or --pkcs11-socket PATH",
    details: { problem, path },
  });
}

function checkLength(path: string, platform: NodeJS.Platform): void {
  const maxBytes = platform === "linux" ? MAX_PATH_BYTES.linux : MAX_PATH_BYTES.other;
  const nameBytes = Buffer.byteLength(basename(path));
  const pathBytes = Buffer.byteLength(path) - nameBytes + Math.max(nameBytes, TEMPORARY_NAME_BYTES);
  if (pathBytes <= maxBytes) return;
  throw new SocketError(
    "SOCKET_UNSAFE",
    `serve at ${path}: the path has ${pathBytes} bytes, the limit is ${maxBytes}`,
    {
      hint: "choose a shorter path with -a PATH or --pkcs11-socket PATH",
      details: { problem: "too-long", path, pathBytes, maxBytes },
    },
  );
}

async function makeFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
  } catch (cause) {
    throw new SocketError("IO_FAILED", `make the socket's folder ${folder}: ${messageOf(cause)}`, {
      cause,
      details: { folder },
    });
  }
}
