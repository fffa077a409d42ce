/** The built program used as scripts use ssh-agent(1). */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { JPKI_AGENT } from "../helpers/agent-process.ts";
import { runOk } from "../helpers/run.ts";
import { type TempDir, tempDir } from "../helpers/temp-dir.ts";
import { until } from "../helpers/until.ts";

let dir: TempDir;
beforeEach(async () => {
  dir = await tempDir();
});
afterEach(() => dir.remove());

const environment = () => ({
  PATH: process.env["PATH"] ?? "",
  HOME: dir.path,
  XDG_RUNTIME_DIR: join(dir.path, "r"),
  AGENT: `${process.execPath} ${JPKI_AGENT} --card virtual agent`,
});

it('eval "$(… --background)" sets both variables; eval "$(… -k)" ends the agent and unsets them', async () => {
  const script = [
    'eval "$($AGENT --background)"',
    "ssh-add -l",
    "socket=$SSH_AUTH_SOCK",
    'eval "$($AGENT -k)"',
    'while [ -e "$socket" ]; do sleep 0.01; done',
    `echo "\${SSH_AUTH_SOCK-unset} \${SSH_AGENT_PID-unset}"`,
  ];
  const { stdout } = await runOk("sh", ["-ec", script.join("\n")], { env: environment() });
  expect(stdout).toMatch(/^2048 SHA256:\S+ My Number card \w+ \(RSA\)\nunset unset\n$/);
});

it("Ctrl-C is the command's own affair, and its status ours", async () => {
  const mark = join(dir.path, "interrupted");
  const running = join(dir.path, "running");
  const command = [
    `trap 'ssh-add -l > /dev/null && : > ${mark}' INT`,
    `: > ${running}`,
    `while [ ! -e ${mark} ]; do sleep 0.01; done`,
    "exit 23",
  ];
  // A process group of its own, as a terminal gives to what runs in the foreground.
  const child = spawn("sh", ["-c", 'exec $AGENT sh -c "$0"', command.join("\n")], {
    env: environment(),
    detached: true,
    stdio: "ignore",
  });
  const ended = once(child, "close");
  await until("the command runs", () => existsSync(running));
  if (child.pid === undefined) throw new Error("not started");
  process.kill(-child.pid, "SIGINT");
  expect(await ended).toEqual([23, null]);
});
