/** OpenSSH's own ssh-agent in the foreground, to be killed and started again at one path. */

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { rm } from "node:fs/promises";
import { connect } from "node:net";
import { until } from "./until.ts";

export class SshAgent {
  readonly path: string;
  readonly #env: Readonly<Record<string, string>>;
  #child: ChildProcess | undefined;

  /** @param env for its own questions: SSH_ASKPASS. */
  constructor(path: string, env: Readonly<Record<string, string>>) {
    this.path = path;
    this.#env = env;
  }

  /** Resolves when it answers. */
  async start(): Promise<void> {
    this.#child = spawn("ssh-agent", ["-D", "-a", this.path], { env: this.#env, stdio: "ignore" });
    await until("ssh-agent answers", () => answers(this.path));
  }

  /** As a crash: its socket stays until we remove it. */
  async kill(): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (child === undefined) return;
    const exited = once(child, "exit");
    child.kill("SIGKILL");
    await exited;
    await rm(this.path, { force: true });
  }
}

async function answers(path: string): Promise<boolean> {
  const socket = connect({ path });
  try {
    await once(socket, "connect");
    return true;
  } catch {
    return false; // not yet
  } finally {
    socket.destroy();
  }
}
