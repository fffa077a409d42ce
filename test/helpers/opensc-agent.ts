/** OpenSSH's own agent with OpenSC's module loaded: it keeps the card open for its whole life. */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import type { Sandbox } from "./agent-process.ts";
import { runOk } from "./run.ts";

export const OPENSC_MODULE = "/usr/lib/x86_64-linux-gnu/opensc-pkcs11.so";

export interface OpenscAgent {
  readonly socketPath: string;
  stop(): Promise<void>;
}

/** Resolves when the module is loaded; the PIN comes from the sandbox's askpass program. */
export async function startOpenscAgent(sand: Sandbox): Promise<OpenscAgent> {
  const socketPath = join(sand.folder, "ssh-agent.sock");
  const child = spawn("ssh-agent", ["-D", "-a", socketPath, "-P", "/usr/lib/*"], {
    env: sand.env,
    stdio: ["ignore", "pipe", "ignore"],
  });
  const exited = once(child, "exit");
  const stop = async () => {
    child.kill("SIGTERM");
    await exited;
  };
  try {
    await once(child.stdout, "data"); // the line with the socket's path: it listens
    await runOk("ssh-add", ["-s", OPENSC_MODULE], { env: { ...sand.env, SSH_AUTH_SOCK: socketPath } });
    return { socketPath, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
