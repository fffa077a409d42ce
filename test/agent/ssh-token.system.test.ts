/** OpenSSH's ssh-add gives and takes back the PIN; `pin forget` reaches the agent. */

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { JPKI_AGENT, type Sandbox, sandbox } from "../helpers/agent-process.ts";
import { run } from "../helpers/run.ts";
import { type TempDir, tempDir } from "../helpers/temp-dir.ts";
import { until } from "../helpers/until.ts";

let dir: TempDir;
let sand: Sandbox;
let agent: ChildProcess;

/** `--card virtual`: its PIN is 1234. */
beforeAll(async () => {
  dir = await tempDir();
  sand = await sandbox(dir.path);
  const args = ["--card", "virtual", "agent", "--socket", sand.socketPath, "--pin-prompt", "none", "--card-hold", "0"];
  const env = { ...sand.env, SSH_ASKPASS_REQUIRE: "never" };
  agent = spawn("setpriv", ["--pdeathsig", "KILL", process.execPath, JPKI_AGENT, ...args], {
    env,
    stdio: ["ignore", "pipe", "ignore"],
  });
  if (agent.stdout) await once(agent.stdout, "data");
  await writeFile(join(dir.path, "key.pub"), (await sshAdd("-L")).stdout);
  await writeFile(join(dir.path, "data"), "x");
});
afterAll(async () => {
  const ended = once(agent, "exit");
  agent.kill();
  await ended;
  await dir.remove();
});

const sshAdd = (...args: readonly string[]) => run("ssh-add", args, { env: sand.env });
const sign = async () => {
  const args = ["-Y", "sign", "-f", join(dir.path, "key.pub"), "-n", "file"];
  return (await run("ssh-keygen", args, { env: sand.env, input: "x" })).status;
};

it("ssh-add -s jpki gives the PIN, -e jpki takes it back", async () => {
  expect(await sign()).not.toBe(0);
  await sand.answer("1234");
  expect(await sshAdd("-s", "jpki")).toMatchObject({ status: 0 });
  expect([await sign(), await sign()]).toEqual([0, 0]);
  expect(await sshAdd("-e", "jpki")).toMatchObject({ status: 0 });
  expect(await sign()).not.toBe(0);
});

it("for a time: ssh-add -t", async () => {
  await sand.answer("1234");
  expect(await sshAdd("-t", "3600", "-s", "jpki")).toMatchObject({ status: 0 });
  expect(await sign()).toBe(0);
});

it("for a time: when it is over the key is gone, until it is added again", async () => {
  await sand.answer("1234");
  expect(await sshAdd("-t", "1", "-s", "jpki")).toMatchObject({ status: 0 });
  await until("the lifetime is over", async () => (await sshAdd("-l")).status === 1);
  expect(await sign()).not.toBe(0);
  expect(await sshAdd("-s", "jpki")).toMatchObject({ status: 0 });
  expect(await sign()).toBe(0);
});

it("pin forget takes it back", async () => {
  await sand.answer("1234");
  expect(await sshAdd("-s", "jpki")).toMatchObject({ status: 0 });
  const forget = await run(process.execPath, [JPKI_AGENT, "pin", "forget"], { env: sand.env });
  expect(forget.stdout).toContain("1\n");
  expect(await sign()).not.toBe(0);
});

it("any other token, and what is no PIN, are refused", async () => {
  await sand.answer("1234");
  expect((await sshAdd("-s", "/usr/lib/other.so")).status).not.toBe(0);
  await sand.answer("123456");
  expect((await sshAdd("-s", "jpki")).status).not.toBe(0);
});
