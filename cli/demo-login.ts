/** The login of `demo` by the system's own `ssh`, apart from the person's configuration and known hosts. */

import { spawn } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { hasErrno } from "../lib/errors.ts";
import type { LoginOptions } from "./demo-ssh.ts";
import type { Environment } from "./deps.ts";

export interface SystemLoginOptions extends LoginOptions {
  /** A private folder for the files ssh wants. */
  readonly folder: string;
  /** The line of authorized_keys: names the one key that ssh may use of the agent. */
  readonly publicKey: string;
  readonly env: Environment;
  /** Called with the command line right before it runs. */
  readonly onStart: (command: string) => void;
}

/**
 * Runs `ssh` and waits for its end.
 *
 * @returns what the server said; undefined if there is no `ssh` on this machine.
 * @throws Error with what `ssh` said when the login failed.
 */
export async function loginWithSystemSsh(options: SystemLoginOptions): Promise<string | undefined> {
  const { server, user, socketPath, folder, publicKey, env, signal, onStart } = options;
  const version = await runSsh(["-V"], env, signal);
  if (version === undefined) return undefined;
  const knownHosts = join(folder, "known_hosts");
  const keyFile = join(folder, "id.pub");
  await writeFile(knownHosts, `[${server.host}]:${server.port} ${server.hostKey}\n`);
  await writeFile(keyFile, publicKey);
  const settings = {
    IdentityAgent: socketPath,
    IdentityFile: keyFile,
    IdentitiesOnly: "yes",
    UserKnownHostsFile: knownHosts,
    GlobalKnownHostsFile: "none",
    StrictHostKeyChecking: "yes",
    PreferredAuthentications: "publickey",
    BatchMode: "yes",
    LogLevel: "ERROR",
  };
  const args = [
    ...["-F", "none", "-T", "-p", String(server.port)],
    ...Object.entries(settings).flatMap(([name, value]) => ["-o", `${name}=${value}`]),
    `${user}@${server.host}`,
  ];
  onStart(`ssh -o IdentityAgent=${socketPath} -p ${server.port} ${user}@${server.host}`);
  const ended = await runSsh(args, env, signal);
  if (ended?.status !== 0) throw new Error(ended?.stderr.trim() || `ssh ended with status ${ended?.status}`);
  return ended.stdout.trim();
}

interface Ended {
  /** Undefined if a signal ended it. */
  readonly status: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

/** @returns undefined if there is no such program. */
async function runSsh(args: readonly string[], env: Environment, signal: AbortSignal): Promise<Ended | undefined> {
  const child = spawn("ssh", args, { env: { ...env, LC_ALL: "C" }, stdio: ["ignore", "pipe", "pipe"], signal });
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  return new Promise((resolve, reject) => {
    child.on("error", (error) => (isMissing(error) ? resolve(undefined) : reject(error)));
    child.on("close", (status) => resolve({ status: status ?? undefined, stdout, stderr }));
  });
}

/** EACCES: a folder of the PATH that may not be searched, and no `ssh` in the others. */
function isMissing(error: Error): boolean {
  return hasErrno(error, "ENOENT", "EACCES");
}
