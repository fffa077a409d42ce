/** `--background`: the same command once more in a session of its own; this process stays until it is ready. */

import { spawn } from "node:child_process";
import type { Deps } from "./deps.ts";

/**
 * Starts the agent and passes on what it prints until its first line on stdout, which says that it is ready.
 *
 * @param args the command line without `--background`.
 * @returns 0 once it is ready, else the status it ended with.
 */
export async function runInBackground(args: readonly string[], deps: Deps): Promise<number> {
  const [program, ...script] = deps.self;
  const child = spawn(program, [...script, ...args], { detached: true, stdio: ["ignore", "pipe", "pipe"] });
  child.stderr.setEncoding("utf8").on("data", (text: string) => deps.stderr.write(text));
  const stop = () => child.kill();
  deps.signal.addEventListener("abort", stop, { once: true });
  try {
    return await new Promise<number>((resolve, reject) => {
      let said = "";
      child.stdout.setEncoding("utf8").on("data", (text: string) => {
        said += text;
        if (!said.includes("\n")) return;
        deps.stdout.write(said);
        resolve(0);
      });
      child.on("error", reject);
      child.on("close", (status) => resolve(status ?? 1));
    });
  } finally {
    deps.signal.removeEventListener("abort", stop);
    child.stdout.destroy();
    child.stderr.destroy();
    child.unref();
  }
}
