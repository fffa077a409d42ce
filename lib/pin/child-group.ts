/** A program in a process group of its own, so that all it starts (a window, by a wrapper script) ends with it. */

import { type ChildProcessByStdio, spawn } from "node:child_process";
import { kill } from "node:process";
import type { Readable, Writable } from "node:stream";

export type Environment = Readonly<Record<string, string | undefined>>;

export interface ChildGroup {
  /** A program that has ended does not read: that is told by `ended`, never by an error here. */
  readonly stdin: Writable;
  readonly stdout: Readable;
  /** Its exit status, the name of the signal that ended it, or why it could not be started. Comes after all output. */
  readonly ended: Promise<number | string | Error>;
  /** Ends the program and all that it started: politely, then surely. `ended` resolves in any case. */
  stop(): void;
}

/** From SIGTERM to SIGKILL, milliseconds. */
const KILL_AFTER_MS = 1000;

/**
 * Starts it with `env` as its whole environment. What it says on standard error is dropped: it could hold the answer
 * (`sh -x`).
 *
 * @param program a path, or a name looked up in the PATH of `env`.
 * @throws what `spawn` throws: most failures come by `ended`, but not all (ENOTDIR, ELOOP, E2BIG).
 */
export function startGroup(program: string, args: readonly string[], env: Environment): ChildGroup {
  const child = spawn(program, args, { env, stdio: ["pipe", "pipe", "ignore"], detached: true });
  child.stdin.on("error", () => {});
  const ended = new Promise<number | string | Error>((resolve) => {
    child.once("error", resolve);
    child.once("close", (status, killedBy) => resolve(status ?? killedBy ?? "an unknown signal"));
  });
  return { stdin: child.stdin, stdout: child.stdout, ended, stop: () => stopGroup(child) };
}

function stopGroup(child: ChildProcessByStdio<Writable, Readable, null>): void {
  signalGroup(child.pid, "SIGTERM");
  const timer = setTimeout(() => {
    signalGroup(child.pid, "SIGKILL");
    child.stdout.destroy(); // what has left the group may hold the pipe open for ever
  }, KILL_AFTER_MS);
  child.once("close", () => clearTimeout(timer));
}

function signalGroup(pid: number | undefined, name: "SIGTERM" | "SIGKILL"): void {
  if (pid === undefined) return;
  try {
    kill(-pid, name);
  } catch {
    // ESRCH: all of the group ended by themselves just now.
  }
}
