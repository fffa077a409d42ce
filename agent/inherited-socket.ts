/**
 * The listening socket that systemd hands over (sd_listen_fds(3)): looked at before it is served, for whoever sets two
 * variables could hand over anything. Linux only, as systemd is.
 */

import { lstat, readFile, readlink } from "node:fs/promises";
import { messageOf, SocketError } from "../lib/errors.ts";

/** A socket that somebody else has bound, and will unlink. */
export interface InheritedSocket {
  readonly fd: number;
  /** Where it is bound, absolute. */
  readonly path: string;
}

/** What is asked of the system; the real one unless a test says otherwise. */
export interface SocketSource {
  /** Where /proc/self/fd/FD leads: `socket:[INODE]`. */
  descriptor(fd: number): Promise<string>;
  /** /proc/self/net/unix. */
  sockets(): Promise<string>;
  /** Permission bits and type of what lies at the path. */
  mode(path: string): Promise<number>;
}

/** The first descriptor handed over. Source: SD_LISTEN_FDS_START in sd_listen_fds(3). */
const FIRST_FD = 3;

/** Source: linux/net.h, `__SO_ACCEPTCON`: it listens. */
const ACCEPTS_CONNECTIONS = 0x10000;
const SOCK_STREAM = 1;
/** Source: unix(7), "connecting to a stream socket object requires write permission on that socket" (Linux). */
const GROUP_OR_OTHERS_WRITE = 0o022;

/** Source: proc(5), /proc/net/unix: `Num RefCount Protocol Flags Type St Inode Path`; a path may hold spaces. */
const UNIX_SOCKET = /^[0-9a-f]+: [0-9A-F]{8} [0-9A-F]{8} ([0-9A-F]{8}) ([0-9A-F]{4}) [0-9A-F]{2} +(\d+)(?: (.*))?$/;

/**
 * The socket of an agent that was given `count` descriptors.
 *
 * @throws SocketError `SOCKET_UNSAFE`: it is not exactly one listening AF_UNIX stream socket with a path, or others may
 * connect to it (mode).
 */
export async function inheritedSocket(count: number, source: SocketSource = linuxSockets): Promise<InheritedSocket> {
  if (count !== 1) throw unfit(`${count} descriptors were handed over, and one is served`);
  const path = await listeningPath(source);
  const mode = await source.mode(path).catch((cause: unknown) => {
    throw unfit(messageOf(cause), cause);
  });
  if ((mode & GROUP_OR_OTHERS_WRITE) !== 0)
    throw unfit(`${path} is open to other users; its unit needs SocketMode=0600`);
  return { fd: FIRST_FD, path };
}

async function listeningPath(source: SocketSource): Promise<string> {
  const target = await source.descriptor(FIRST_FD).catch((cause: unknown) => {
    throw unfit(messageOf(cause), cause);
  });
  const inode = /^socket:\[(\d+)\]$/.exec(target)?.[1];
  const lines = inode === undefined ? [] : (await source.sockets()).split("\n");
  const found = lines.map((line) => UNIX_SOCKET.exec(line)).find((match) => match?.[3] === inode);
  if (inode === undefined || found === null || found === undefined) throw unfit(`${target} is no AF_UNIX socket`);
  const [, flags = "", type = "", , path = ""] = found;
  if (Number.parseInt(type, 16) !== SOCK_STREAM) throw unfit("it is no stream socket");
  if ((Number.parseInt(flags, 16) & ACCEPTS_CONNECTIONS) === 0) throw unfit("it does not listen");
  // An abstract socket (@) has no mode: everybody may connect.
  if (!path.startsWith("/")) throw unfit(`it is bound to "${path}", which is no absolute path`);
  return path;
}

function unfit(fact: string, cause?: unknown): SocketError {
  return new SocketError("SOCKET_UNSAFE", `take over the socket of descriptor ${FIRST_FD}: ${fact}`, {
    hint: "start the agent by the units that jpki-agent service install writes, or without LISTEN_FDS",
    details: { fd: FIRST_FD },
    cause,
  });
}

const linuxSockets: SocketSource = {
  descriptor: (fd) => readlink(`/proc/self/fd/${fd}`),
  sockets: () => readFile("/proc/self/net/unix", "utf8"),
  mode: async (path) => (await lstat(path)).mode,
};
