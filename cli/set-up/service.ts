/** The agent as a service of the person's own: what systemd and launchd have in common. */

import { execFile } from "node:child_process";
import type { Deps } from "../deps.ts";
import type { FilesState } from "./service-files.ts";
import type { FileChange } from "./write.ts";

export interface ServiceChange {
  readonly files: readonly FileChange[];
  /** Commands that are still to be run, because the service manager could not be reached. */
  readonly byHand: readonly string[];
}

export interface ServiceState {
  readonly files: FilesState;
  /** Whether the socket is listened at: by systemd, or by the agent itself. */
  readonly active: boolean;
  readonly running: boolean;
  /** The agent's own words; may be empty. */
  readonly status: string;
}

export interface Service {
  readonly program: "systemctl" | "launchctl";
  /** Whether the first use starts it, and not the login. */
  readonly onDemand: boolean;
  /** @throws FileError `IO_FAILED`; SocketError `SOCKET_IN_USE`; ConfigError. */
  install(): Promise<ServiceChange>;
  /** @throws FileError `IO_FAILED`. */
  uninstall(): Promise<ServiceChange>;
  state(): Promise<ServiceState>;
}

/** @returns what the program said; `ok` false: it failed, or there is no such program. */
export async function runManager(
  program: Service["program"],
  args: readonly string[],
  { env }: Pick<Deps, "env">,
): Promise<{ readonly ok: boolean; readonly stdout: string }> {
  return new Promise((resolve) => {
    const options = { env: { ...env, LC_ALL: "C", SYSTEMD_PAGER: "" } };
    execFile(program, args, options, (error, stdout) => resolve({ ok: error === null, stdout }));
  });
}
