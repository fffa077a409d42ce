/** What this machine has for asking a person: programs in the PATH, terminals, systemd's password agents. */

import { execFileSync } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import type { Environment } from "./child-group.ts";

/** The first of `names` that is in the PATH of `env` and may be run, as a path. */
export function findProgram(names: readonly string[], env: Environment): string | undefined {
  const folders = (env["PATH"] ?? "").split(delimiter).filter((folder) => folder !== "");
  return names
    .flatMap((name) => folders.map((folder) => join(folder, name)))
    .find((path) => isAccessible(path, constants.X_OK));
}

/**
 * systemd-ask-password, if we may put a question and somebody will look at it: systemd as init (its own units show
 * questions on the console and to logged-in users), or an agent of the user (systemd 257 and later).
 */
export function findSystemdAsk(env: Environment): string | undefined {
  const runtime = env["XDG_RUNTIME_DIR"];
  const ofSystem =
    isAccessible("/run/systemd/system", constants.F_OK) && isAccessible("/run/systemd/ask-password", constants.W_OK);
  const ofUser = Boolean(runtime) && isAccessible(`${runtime}/systemd/ask-password`, constants.W_OK);
  return ofSystem || ofUser ? findProgram(["systemd-ask-password"], env) : undefined;
}

/** The path of our controlling terminal, which has another name in every process; undefined if there is none. */
export function controllingTerminal(): string | undefined {
  try {
    // The shell has the same one. Source: ps(1), POSIX: "tty" without "/dev/", question marks for none.
    const name = execFileSync("/bin/sh", ["-c", "ps -o tty= -p $$"], { encoding: "latin1" }).trim();
    return name === "" || name.startsWith("?") ? undefined : `/dev/${name}`;
  } catch {
    return undefined; // no ps: then the terminal is asked on without pinentry
  }
}

function isAccessible(path: string, mode: number): boolean {
  try {
    accessSync(path, mode);
    return true;
  } catch {
    return false; // ENOENT, EACCES: that is the answer
  }
}
