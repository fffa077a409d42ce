/** Debian's p11-kit-client.so at the built agent, with the card inside: no reader, no pcscd. */

import { randomBytes, verify, X509Certificate } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { type AgentProcess, type Sandbox, sandbox, startAgentProcess } from "../helpers/agent-process.ts";
import { type RunResult, run } from "../helpers/run.ts";
import { type TempDir, tempDir } from "../helpers/temp-dir.ts";
import { until } from "../helpers/until.ts";

const MODULE = "/usr/lib/x86_64-linux-gnu/pkcs11/p11-kit-client.so";

let folder: TempDir;
let sand: Sandbox;
let agent: AgentProcess;

beforeEach(async () => {
  folder = await tempDir();
  sand = await sandbox(folder.path);
  await sand.answer("1234", "yes");
  agent = await startAgentProcess(sand, ["--card", "virtual", "--pkcs11-socket", join(folder.path, "run/pkcs11")]);
});
afterEach(async () => {
  await agent.stop();
  await folder.remove();
});

function pkcs11Tool(...args: readonly string[]): Promise<RunResult> {
  const env = { ...sand.env, P11_KIT_SERVER_ADDRESS: `unix:path=${join(folder.path, "run/pkcs11")}` };
  return run("pkcs11-tool", ["--module", MODULE, ...args], { env });
}

it("a program lists, logs in and signs; the PIN is asked for once, and for the next program a yes", async () => {
  const at = (name: string) => join(folder.path, name);
  const data = new Uint8Array(randomBytes(100));
  await writeFile(at("data"), data);
  const listed = await pkcs11Tool("-O");
  expect(listed.stdout).toMatch(/Certificate Object/);
  expect(listed.stdout).not.toMatch(/Private Key/);
  expect(await sand.questions()).toEqual([]);

  const read = ["-r", "--type", "cert", "--label", "JPKI authentication", "-o", at("cert.der")];
  expect(await pkcs11Tool(...read)).toMatchObject({ status: 0 });
  const { publicKey } = new X509Certificate(await readFile(at("cert.der")));
  for (const mechanism of ["SHA256-RSA-PKCS", "SHA512-RSA-PKCS"]) {
    const sign = ["--login", "--sign", "-m", mechanism, "-i", at("data"), "-o", at(mechanism)];
    expect(await pkcs11Tool(...sign)).toMatchObject({ status: 0 });
    const hash = mechanism.slice(0, 6).toLowerCase();
    expect(verify(hash, data, publicKey, await readFile(at(mechanism))), mechanism).toBe(true);
  }
  const questions = await sand.questions();
  expect(questions.filter((question) => question.includes("PIN of"))).toHaveLength(1);
  expect(questions).toHaveLength(2);
  for (const question of questions) expect(question).toMatch(/pkcs11-tool \(\d+\)/);
});

it("a program is not ended by a signal when the agent ends while a person is asked", async () => {
  await writeFile(join(folder.path, "askpass"), "#!/bin/sh\nexec sleep 60\n");
  const login = pkcs11Tool("--login", "-O");
  await until("the person is asked", () => agent.log().includes("asking a person"));
  expect(await agent.stop()).toBe(0);
  expect(await login).toMatchObject({ status: 1, signal: null });
});
