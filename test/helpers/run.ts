/** Runs a program to its end without blocking: the virtual card behind pcscd lives in this very process. */

import { spawn } from "node:child_process";

export interface RunOptions {
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
  readonly cwd?: string | undefined;
  readonly input?: Uint8Array | string | undefined;
  /** Kills the program and rejects. Default 45000. */
  readonly timeoutMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface RunResult {
  /** Exit status; 128 + n cannot be told here, so a program that died by a signal has status -1. */
  readonly status: number;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Resolves with whatever the program did; rejects only if it cannot be started or takes too long. */
export function run(program: string, args: readonly string[], options: RunOptions = {}): Promise<RunResult> {
  const { env, cwd, input, timeoutMs = 45_000, signal } = options;
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { cwd, env: env ?? process.env, stdio: ["pipe", "pipe", "pipe"], signal });
    const out: Buffer[] = [];
    const err: Buffer[] = [];
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      child.kill("SIGKILL");
    }, timeoutMs);
    child.stdout.on("data", (chunk: Buffer) => out.push(chunk));
    child.stderr.on("data", (chunk: Buffer) => err.push(chunk));
    // A program that does not read its input is no fault of the test.
    child.stdin.on("error", () => {});
    child.stdin.end(input);
    child.on("error", (error) => {
      clearTimeout(timer);
      reject(error);
    });
    child.on("close", (code, endSignal) => {
      clearTimeout(timer);
      const result = {
        status: code ?? -1,
        signal: endSignal,
        stdout: Buffer.concat(out).toString(),
        stderr: Buffer.concat(err).toString(),
      };
      if (late) reject(new Error(`${program} ${args.join(" ")}: no end after ${timeoutMs} ms\n${result.stderr}`));
      else resolve(result);
    });
  });
}

/** As {@link run}, and throws with all output unless the status is 0. */
export async function runOk(program: string, args: readonly string[], options: RunOptions = {}): Promise<RunResult> {
  const result = await run(program, args, options);
  if (result.status !== 0)
    throw new Error(`${program} ${args.join(" ")}: status ${result.status}\n${result.stdout}${result.stderr}`);
  return result;
}
