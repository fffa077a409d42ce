/** Debian's own p11-kit-client.so at our socket, loaded by OpenSC's pkcs11-tool; the token is a key in memory. */

import { randomBytes, verify, X509Certificate } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type P11Face, startP11Face } from "../../../agent/p11/face.ts";
import { createApplications } from "../../../agent/p11/handler.ts";
import { silentLogger } from "../../../lib/log.ts";
import { FakeSlots, FakeToken } from "../../helpers/fake-p11-tokens.ts";
import { testPki } from "../../helpers/pki.ts";
import { type RunResult, run } from "../../helpers/run.ts";
import { type TempDir, tempDir } from "../../helpers/temp-dir.ts";

const MODULE = "/usr/lib/x86_64-linux-gnu/pkcs11/p11-kit-client.so";

let folder: TempDir;
let token: FakeToken;
let face: P11Face;

beforeEach(async () => {
  folder = await tempDir();
  token = new FakeToken(await testPki(), { pss: true });
  const open = createApplications({
    slots: new FakeSlots(token),
    allowSha1: false,
    version: "1.2.3",
    log: silentLogger,
  });
  face = await startP11Face({ socketPath: join(folder.path, "pkcs11"), open, log: silentLogger });
});

afterEach(async () => {
  await face.close();
  await folder.remove();
});

function pkcs11Tool(...args: readonly string[]): Promise<RunResult> {
  const env = { ...process.env, LANG: "C.UTF-8", P11_KIT_SERVER_ADDRESS: `unix:path=${face.socketPath}` };
  return run("pkcs11-tool", ["--module", MODULE, ...args], { env });
}

/** Signs a file with the token. @returns whether the certificate's key made the signature. */
async function signs(data: Uint8Array, mechanism: string, name: string): Promise<boolean> {
  const [input, output] = [join(folder.path, `${name}.in`), join(folder.path, `${name}.sig`)];
  await writeFile(input, data);
  const { status, stderr } = await pkcs11Tool("--login", "--sign", "-m", mechanism, "-i", input, "-o", output);
  expect(status, stderr).toBe(0);
  const { publicKey } = new X509Certificate(token.shown.certificate ?? "");
  return verify("sha256", data, publicKey, await readFile(output));
}

describe("pkcs11-tool through p11-kit-client.so", () => {
  it("lists the slot and its mechanisms", async () => {
    const { status, stdout, stderr } = await pkcs11Tool("-L", "-M");
    expect(status, stderr).toBe(0);
    expect(stdout).toMatch(/token label +: My Number card 01234567/);
    expect(stdout).toMatch(/login required, PIN pad present/);
    expect(stdout.match(/^ {2}\S+, keySize=\{2048,2048\}, hw, sign$/gm)).toHaveLength(5);
  });

  it("sees the private key after login only, and brings no PIN", async () => {
    const before = await pkcs11Tool("-O");
    expect(before.stdout).toMatch(/Certificate Object/);
    expect(before.stdout).not.toMatch(/Private Key Object/);
    const after = await pkcs11Tool("--login", "-O");
    expect(after.stdout).toMatch(/Private Key Object; RSA/);
    expect(token.asked.map(({ digits }) => digits)).toEqual([undefined]);
  });

  it("signs, in one part and in a hundred", async () => {
    expect(await signs(new Uint8Array(randomBytes(40)), "SHA256-RSA-PKCS", "small")).toBe(true);
    expect(await signs(new Uint8Array(randomBytes(100_000)), "SHA256-RSA-PKCS", "large")).toBe(true);
  });

  it("signs in twelve programs at once", async () => {
    const names = Array.from({ length: 12 }, (_, i) => `program-${i}`);
    const data = new Uint8Array(randomBytes(40));
    expect(await Promise.all(names.map((name) => signs(data, "SHA256-RSA-PKCS", name)))).toEqual(names.map(() => true));
  });

  it("ends with an error, and by no signal, when the agent goes away while a person is asked", async () => {
    token.questions.hold();
    const held = token.questions.next();
    const login = pkcs11Tool("--login", "-O");
    await held;
    await face.close();
    expect(await login).toMatchObject({ status: 1, signal: null });
  });
});
