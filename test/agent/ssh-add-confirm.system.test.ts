/** `ssh-add -c -s jpki`: the real ssh-add gives the PIN, and each signature needs a yes of the agent's askpass program. */

import { chmod, readFile, rm, writeFile } from "node:fs/promises";
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from "vitest";
import { type AgentProcess, type Sandbox, sandbox, startAgentProcess } from "../helpers/agent-process.ts";
import { askSignature, sshsigData } from "../helpers/ask-signature.ts";
import { run } from "../helpers/run.ts";
import { type TempDir, tempDir } from "../helpers/temp-dir.ts";
import { until } from "../helpers/until.ts";

/** That of `--card virtual`. */
const PIN = "1234";

let dir: TempDir;
let sand: Sandbox;
let agent: AgentProcess;
let messages = 0;

beforeAll(async () => {
  dir = await tempDir();
  sand = await sandbox(dir.path);
});
afterAll(() => dir.remove());

/** The agent's askpass program is not the one of ssh-add: it answers by its exit status alone. */
beforeEach(async () => {
  const askpass = `${dir.path}/agent-askpass`;
  await writeFile(
    askpass,
    `#!/bin/sh\ncd '${dir.path}'\necho "kind=$SSH_ASKPASS_PROMPT" >>asked\necho "$1" >text\nexit "$(cat status)"\n`,
  );
  await chmod(askpass, 0o700);
  await writeFile(`${dir.path}/asked`, "");
  await sand.answer(PIN);
  const env = { ...sand.env, SSH_ASKPASS: askpass };
  agent = await startAgentProcess({ ...sand, env }, ["--card", "virtual", "--card-hold", "0"]);
});
afterEach(async () => {
  await agent.stop();
  await rm(`${dir.path}/asked`);
});

const give = (...constraints: readonly string[]) => run("ssh-add", [...constraints, "-s", "jpki"], { env: sand.env });
const answerWith = (status: number) => writeFile(`${dir.path}/status`, `${status}\n`);
const asked = async () => (await readFile(`${dir.path}/asked`, "utf8")).split("\n").filter((line) => line !== "");
/** Of another message each time: a no holds for the same one. */
const isSigned = async () => (await askSignature(sand.socketPath, sshsigData(`${messages++}`))) !== undefined;

it("asks before each signature, as OpenSSH's askpass programs know it", async () => {
  await answerWith(0);
  expect(await give("-c")).toMatchObject({ status: 0 });
  expect(await asked()).toEqual([]);
  expect([await isSigned(), await isSigned()]).toEqual([true, true]);
  expect(await asked()).toEqual(["kind=confirm", "kind=confirm"]);
  const text = await readFile(`${dir.path}/text`, "utf8");
  expect(text).toContain("file");
  expect(text).not.toContain(PIN);
});

it("a no refuses the signature, and holds for a moment for the client that repeats it", async () => {
  await answerWith(1);
  expect(await give("-c")).toMatchObject({ status: 0 });
  expect([await isSigned(), await isSigned()]).toEqual([false, false]);
  expect(await asked()).toEqual(["kind=confirm"]);
});

it("without -c nobody is asked", async () => {
  await answerWith(1);
  expect(await give()).toMatchObject({ status: 0 });
  expect(await isSigned()).toBe(true);
  expect(await asked()).toEqual([]);
});

it("with -t too: a yes is needed for each signature, until the key is gone", async () => {
  await answerWith(0);
  expect(await give("-c", "-t", "5")).toMatchObject({ status: 0 });
  expect(await isSigned()).toBe(true);
  const listed = () => run("ssh-add", ["-l"], { env: sand.env });
  await until("the lifetime is over", async () => (await listed()).status === 1);
  expect(await asked()).toEqual(["kind=confirm"]);
});
