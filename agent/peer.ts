/**
 * Who asks: the program at the other end of a connection and those that started it, for people to read. Never trusted:
 * a program of the same user can be made to ask, and can give itself any name.
 *
 * Linux only. Plain Node cannot ask the kernel for the peer's process (SO_PEERCRED), and neither /proc/net/unix nor the
 * numbers of two sockets tell which belong together, but `ss` (iproute2) asks by netlink: it gives the peer's inode and
 * who holds it, and /proc confirms that. Where any step is missing or not clear, nothing is told.
 */

import { execFile } from "node:child_process";
import { readFile, readlink } from "node:fs/promises";
import type { Socket } from "node:net";
import { messageOf } from "../lib/errors.ts";
import type { Logger } from "../lib/log.ts";
import { sharedRuns } from "./shared-runs.ts";

/** @returns `ssh < git < bash`, the one that asks first; undefined if it cannot be told for certain. */
export type FindProgram = (socket: Socket) => Promise<string | undefined>;

/** What is asked of the system; the real one unless a test says otherwise. */
export interface ProcessSource {
  /** What `ss` prints of all connected sockets with their holders, one line each. */
  sockets(): Promise<string>;
  /** Where /proc/PID/fd/FD leads: `socket:[INODE]`. */
  descriptor(pid: number | "self", fd: number): Promise<string>;
  /** /proc/PID/stat. */
  stat(pid: number): Promise<string>;
}

/** A line of `ss -xnpH`, from its start to the holders, whose names are anything: what stands in quotes is not read. */
const SOCKET_LINE = /^u_str +ESTAB +\d+ +\d+ +[^"]*? (\d+) +\* (\d+) *(?:users:\((.*)\))?\s*$/;
const HOLDER = /,pid=(\d+),fd=(\d+)\)/g;

/** Programs in a chain; what is above is the desktop or the service manager. */
const MAX_CHAIN = 4;
const SS_TIMEOUT_MS = 1000;
const SS_MAX_BYTES = 4 * 1024 * 1024;
/** Fixed, so that nothing in the user's own PATH is run. */
const SS_PATH = "/usr/bin:/bin:/usr/sbin:/sbin:/run/current-system/sw/bin";

/** `processes`: with the id of the one that asks, `curl (1234) < bash`. */
export type ProgramForm = "names" | "processes";

/** @returns a function that never rejects; one that tells nothing where the system is not Linux. */
export function createProgramFinder(
  platform: NodeJS.Platform,
  log: Logger,
  form: ProgramForm = "names",
  source: ProcessSource = linuxProcesses,
): FindProgram {
  // Who opens a thousand connections is not worth a thousand processes, and must not keep others from being named.
  const readRows = sharedRuns(async () => rowsOf(await source.sockets()));
  return async (socket) => {
    const fd = descriptorOf(socket);
    if (platform !== "linux" || fd === undefined) return undefined;
    try {
      return await findProgram(fd, form, source, readRows);
    } catch (error) {
      // Only to be shown: without `ss` or with a process that has ended meanwhile there is nothing to show.
      log.debug("the program that asks cannot be told", { error: messageOf(error) });
      return undefined;
    }
  };
}

/** @returns the program of one connection, looked for when it is first wanted, and again while it could not be told. */
export function programOf(socket: Socket, find: FindProgram): () => Promise<string | undefined> {
  let known: string | undefined;
  return async () => (known ??= await find(socket));
}

async function findProgram(
  fd: number,
  form: ProgramForm,
  source: ProcessSource,
  readRows: () => Promise<readonly SocketRow[]>,
): Promise<string | undefined> {
  const own = await source.descriptor("self", fd);
  const rows = await readRows();
  const peer = only(rows.filter(({ local }) => own === `socket:[${local}]`))?.peer;
  const holders = only(rows.filter(({ local }) => local === peer))?.holders ?? [];
  const pids = new Set<number>();
  for (const { pid, holderFd } of holders)
    if ((await source.descriptor(pid, holderFd)) === `socket:[${peer}]`) pids.add(pid);
  const asking = await outermost(pids, source);
  return asking === undefined ? undefined : chainOf(asking, form, source);
}

interface SocketRow {
  readonly local: string;
  readonly peer: string;
  readonly holders: readonly { readonly pid: number; readonly holderFd: number }[];
}

function rowsOf(output: string): readonly SocketRow[] {
  return output.split("\n").flatMap((line) => {
    const [, local, peer, users = ""] = SOCKET_LINE.exec(line) ?? [];
    if (local === undefined || peer === undefined) return [];
    const holders = Array.from(users.matchAll(HOLDER), ([, pid, fd]) => ({ pid: Number(pid), holderFd: Number(fd) }));
    return [{ local, peer, holders }];
  });
}

/** Of a process and its children that have inherited the socket: the process. */
async function outermost(pids: ReadonlySet<number>, source: ProcessSource): Promise<number | undefined> {
  const outer: number[] = [];
  for (const pid of pids) if (!pids.has((await processOf(pid, source)).parent)) outer.push(pid);
  return only(outer);
}

async function chainOf(pid: number, form: ProgramForm, source: ProcessSource): Promise<string> {
  const names: string[] = [];
  for (let next = pid; next > 1 && names.length < MAX_CHAIN; ) {
    const { name, parent } = await processOf(next, source);
    names.push(form === "processes" && next === pid ? `${name} (${pid})` : name);
    next = parent;
  }
  return names.join(" < ");
}

/** proc(5): `pid (comm) state ppid …`; a name may hold anything, also parentheses. @throws Error for any other form. */
async function processOf(pid: number, source: ProcessSource): Promise<{ name: string; parent: number }> {
  const [, name, parent] = /^\d+ \((.*)\) \S (\d+) [^)]*$/s.exec(await source.stat(pid)) ?? [];
  if (name === undefined || parent === undefined) throw new Error(`/proc/${pid}/stat has another form`);
  return { name, parent: Number(parent) };
}

function only<T>(items: readonly T[]): T | undefined {
  return items.length === 1 ? items[0] : undefined;
}

/** Node keeps it in the handle, without a public name. */
function descriptorOf(socket: Socket): number | undefined {
  const handle: unknown = "_handle" in socket ? socket._handle : undefined;
  if (typeof handle !== "object" || handle === null || !("fd" in handle)) return undefined;
  return typeof handle.fd === "number" && handle.fd >= 0 ? handle.fd : undefined;
}

const linuxProcesses: ProcessSource = {
  sockets: () =>
    new Promise((resolve, reject) => {
      const options = { env: { PATH: SS_PATH, LC_ALL: "C" }, timeout: SS_TIMEOUT_MS, maxBuffer: SS_MAX_BYTES };
      execFile("ss", ["-xnpH"], options, (error, stdout) => (error === null ? resolve(stdout) : reject(error)));
    }),
  descriptor: (pid, fd) => readlink(`/proc/${pid}/fd/${fd}`),
  stat: (pid) => readFile(`/proc/${pid}/stat`, "utf8"),
};
