/** An askpass program that shows its question and waits for ever, as a window does when nobody is there. */

import { chmod, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Sandbox } from "./agent-process.ts";
import { until } from "./until.ts";

export interface OpenQuestion {
  /** The sandbox with this askpass program. */
  readonly sand: Sandbox;
  /** Resolves once the question is shown. */
  shown(): Promise<void>;
  /** Resolves once its program is gone. */
  gone(): Promise<void>;
}

export async function openQuestion(sand: Sandbox): Promise<OpenQuestion> {
  const program = join(sand.folder, "waiting-askpass");
  const pidFile = join(sand.folder, "waiting-askpass.pid");
  await writeFile(program, `#!/bin/sh\necho $$ > '${pidFile}'\nexec sleep 3600\n`);
  await chmod(program, 0o700);
  await rm(pidFile, { force: true });
  const pid = async () => Number((await readFile(pidFile, "utf8").catch(() => "")).trim());
  return {
    sand: { ...sand, env: { ...sand.env, SSH_ASKPASS: program } },
    shown: () => until("the question is shown", async () => (await pid()) > 0),
    gone: async () => {
      const shownBy = await pid();
      await until("the question is taken away", () => !isRunning(shownBy));
    },
  };
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    // ESRCH: there is no such process.
    return false;
  }
}
