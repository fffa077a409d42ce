/** What a process started and where it waits, for a test run that stands still. */

import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";

/** A process that cannot be looked at must not hold up those who look. */
const PS_TIMEOUT_MS = 10_000;

export interface RunningProcess {
  readonly pid: number;
  /** As ps says it: R runs, S sleeps, D cannot be interrupted, T is stopped, Z has ended. */
  readonly state: string;
  readonly command: string;
  readonly children: readonly RunningProcess[];
}

/** What the process started and what those started; without those who were left to init. Empty if there is no ps. */
export function childrenOf(pid: number): readonly RunningProcess[] {
  const { stdout } = spawnSync("ps", ["-A", "-ww", "-o", "pid=,ppid=,stat=,args="], {
    encoding: "utf8",
    timeout: PS_TIMEOUT_MS,
  });
  const lines = (stdout ?? "").split("\n").map((line) => line.trim().split(/\s+/));
  const below = (parent: string): RunningProcess[] =>
    lines
      .filter(([, ppid]) => ppid === parent)
      .map(([own = "", , state = "", ...args]) => ({
        pid: Number(own),
        state,
        command: args.join(" "),
        children: below(own),
      }));
  return below(String(pid));
}

/** The process and all below it. */
export function flattened(root: RunningProcess): readonly RunningProcess[] {
  return [root, ...root.children.flatMap(flattened)];
}

/**
 * Where each thread waits in the kernel: its id, name, `wchan`, and `syscall` (number and arguments, or "running"), as
 * proc(5) has them. Empty where there is no /proc, or when the process has ended.
 */
export function threadsOf(pid: number): readonly string[] {
  const folder = `/proc/${pid}/task`;
  try {
    return readdirSync(folder).map((tid) =>
      [tid, ...["comm", "wchan", "syscall"].map((file) => textOf(`${folder}/${tid}/${file}`))].join(" "),
    );
  } catch {
    return [];
  }
}

function textOf(file: string): string {
  try {
    return readFileSync(file, "utf8").trim();
  } catch {
    return "?"; // not for this user, or the thread has ended
  }
}
