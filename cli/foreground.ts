/** `agent COMMAND ARGS…`: a command that has the agent for as long as it runs. */

import { spawn } from "node:child_process";
import { constants } from "node:os";
import { FileError, messageOf } from "../lib/errors.ts";
import type { Deps } from "./deps.ts";

/** Added to the number of the signal that ended a command, as shells do. */
const SIGNAL_STATUS = 128;

/**
 * Runs a command on our own terminal, with `variables` added to the environment. Ctrl-C is its affair; SIGTERM is passed
 * on to it, and it is not waited for then.
 *
 * @returns its exit status; 128 and the signal's number if a signal ended it.
 * @throws FileError `IO_FAILED` if it cannot be started; the reason of `deps.signal` when that aborts.
 */
export async function runInForeground(
  [program, ...args]: readonly [string, ...string[]],
  variables: Readonly<Record<string, string>>,
  { env, signal, ignoreInterrupts }: Pick<Deps, "env" | "signal" | "ignoreInterrupts">,
): Promise<number> {
  signal.throwIfAborted();
  ignoreInterrupts();
  const child = spawn(program, args, { env: { ...env, ...variables }, stdio: "inherit" });
  return new Promise<number>((resolve, reject) => {
    const stop = () => {
      child.kill("SIGTERM");
      reject(signal.reason);
    };
    signal.addEventListener("abort", stop, { once: true });
    child.once("error", (cause) => {
      signal.removeEventListener("abort", stop);
      reject(new FileError(`run ${program}: ${messageOf(cause)}`, { details: { path: program }, cause }));
    });
    child.once("exit", (status, ended) => {
      signal.removeEventListener("abort", stop);
      resolve(status ?? SIGNAL_STATUS + (ended === null ? 0 : constants.signals[ended]));
    });
  });
}
