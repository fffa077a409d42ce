/**
 * The built agent with both faces, its built-in card, and Debian's own p11-kit-client.so loaded by OpenSC's pkcs11-tool:
 * slots, objects, logins, signatures that openssl verifies, and what the agent tells of them afterwards.
 */

import { createHash } from "node:crypto";
import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { fromHex } from "../../lib/bytes.ts";
import { type AgentProcess, JPKI_AGENT, type Sandbox, sandbox, startAgentProcess } from "../helpers/agent-process.ts";
import { type RunResult, run, runOk } from "../helpers/run.ts";
import { type TempDir, tempDir } from "../helpers/temp-dir.ts";
import { until } from "../helpers/until.ts";

const MODULE = "/usr/lib/x86_64-linux-gnu/pkcs11/p11-kit-client.so";
const DIGEST_INFO = fromHex("3031300d060960864801650304020105000420");
const CARD = ["--card", "virtual"];

let folder: TempDir;
let sand: Sandbox;
let agent: AgentProcess;

beforeAll(async () => {
  folder = await tempDir();
  sand = await sandbox(folder.path);
  agent = await startAgentProcess(sand, [...CARD, "--pkcs11-socket", "--pkcs11-signature-key"]);
  for (const key of ["auth", "sign"]) {
    await sand.answer("TEST1234");
    const pem = (await jpkiAgent(...CARD, "cert", key, "--format", "pem")).stdout;
    await writeFile(at(`${key}.pem`), pem);
    await runOk("openssl", ["x509", "-in", at(`${key}.pem`), "-pubkey", "-noout", "-out", at(`${key}.pub`)]);
  }
  const message = new TextEncoder().encode("what a server or a person wants signed");
  const hash = createHash("sha256").update(message).digest();
  await writeFile(at("message"), message);
  await writeFile(at("hash"), hash);
  await writeFile(at("digest-info"), Buffer.concat([DIGEST_INFO, hash]));
});

afterAll(async () => {
  expect(await agent?.stop()).toBe(0);
  await folder?.remove();
});

/** No PIN is remembered, and every answer is the right PIN. */
beforeEach(async () => {
  await forget();
  await sand.answer("1234");
});

const forget = () => runOk("ssh-add", ["-D"], { env: sand.env });
const at = (name: string) => join(folder.path, name);

function jpkiAgent(...args: readonly string[]): Promise<RunResult> {
  return runOk(process.execPath, [JPKI_AGENT, ...args], { env: sand.env });
}

/** The socket lies where the module looks: it needs no variable but XDG_RUNTIME_DIR. */
function pkcs11Tool(...args: readonly string[]): Promise<RunResult> {
  return run("pkcs11-tool", ["--module", MODULE, ...args], { env: sand.env });
}

async function sign(mechanism: string, input: string, ...more: readonly string[]): Promise<RunResult> {
  return pkcs11Tool(...["--login", "--sign", "-m", mechanism, "-i", at(input), "-o", at("signature"), ...more]);
}

function verify(key: string, ...how: readonly string[]): Promise<RunResult> {
  return run("openssl", ["dgst", ...how, "-verify", at(`${key}.pub`), "-signature", at("signature"), at("message")]);
}

async function triesLeft(): Promise<unknown> {
  const { devices } = JSON.parse((await jpkiAgent("--json", "status")).stdout);
  return devices.cards[0].triesLeft;
}

/** Questions asked since `before`. */
async function askedSince(before: number): Promise<readonly string[]> {
  return (await sand.questions()).slice(before);
}

describe("pkcs11-tool", () => {
  it("finds a slot for each key, and before any login what is no secret", async () => {
    const slots = await pkcs11Tool("-L");
    expect(slots.stdout.match(/token label +: My Number card [0-9a-f]{8}( \(sign\))?$/gm)).toHaveLength(2);
    const objects = (await pkcs11Tool("-O", "--slot", "1")).stdout;
    expect(objects.match(/^Certificate Object/gm)).toHaveLength(2);
    expect(objects).not.toMatch(/Private Key Object/);
    expect((await pkcs11Tool("-O", "--slot", "2")).stdout).not.toMatch(/Object/);
    expect(await sand.questions()).toHaveLength(1); // for `cert sign`, before
  });

  it.each([
    ["SHA256-RSA-PKCS", "message", ["-sha256"]],
    ["SHA384-RSA-PKCS", "message", ["-sha384"]],
    ["SHA512-RSA-PKCS", "message", ["-sha512"]],
    ["RSA-PKCS", "digest-info", ["-sha256"]],
    ["RSA-PKCS-PSS", "hash", ["-sha256", "-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:32"]],
  ])("signs with %s, after one question that names the program", async (mechanism, input, how) => {
    const before = (await sand.questions()).length;
    const more = mechanism === "RSA-PKCS-PSS" ? ["--hash-algorithm", "SHA256"] : [];
    const { status, stderr } = await sign(mechanism, input, "--slot", "1", ...more);
    expect(status, stderr).toBe(0);
    expect((await verify("auth", ...how)).stdout).toBe("Verified OK\n");
    const asked = await askedSince(before);
    expect(asked).toHaveLength(1);
    expect(asked[0]).toMatch(/pkcs11-tool \(\d+\) < node/);
    expect(asked[0]).toMatch(/up to 1000 signatures within 60 min/);
  });

  it("asks for a yes where the PIN is remembered, and takes a no", async () => {
    expect((await sign("SHA256-RSA-PKCS", "message", "--slot", "1")).status).toBe(0);
    const before = (await sand.questions()).length;
    await sand.answer("yes", null);
    expect((await sign("SHA256-RSA-PKCS", "message", "--slot", "1")).status).toBe(0);
    const refused = await sign("SHA256-RSA-PKCS", "message", "--slot", "1");
    expect(refused.stderr).toMatch(/CKR_FUNCTION_CANCELED/);
    const asked = await askedSince(before);
    expect(asked.map((question) => question.includes("Use your My Number card for this?"))).toEqual([true, true]);
  });

  it("brings a PIN of its own: a wrong one costs one try, however often it comes", async () => {
    const before = (await sand.questions()).length;
    for (let i = 0; i < 3; i++) {
      const wrong = await sign("SHA256-RSA-PKCS", "message", "--slot", "1", "--pin", "9999");
      expect(wrong.stderr).toMatch(/CKR_PIN_INCORRECT/);
    }
    expect(await triesLeft()).toMatchObject({ auth: 2 });
    expect((await pkcs11Tool("-L")).stdout).toMatch(/user PIN count low/);
    const another = await sign("SHA256-RSA-PKCS", "message", "--slot", "1", "--pin", "1234");
    expect(another.stderr).toMatch(/C_Login failed.*0x200/);
    expect(await askedSince(before)).toEqual([]);
    await sand.answer("1234");
    expect((await sign("SHA256-RSA-PKCS", "message", "--slot", "1")).status).toBe(0);
    expect(await triesLeft()).toMatchObject({ auth: 3 });
    expect(await askedSince(before)).toHaveLength(1);
  });

  it("signs with the signature key after its password, asked for at the login and at the signature", async () => {
    const before = (await sand.questions()).length;
    await sand.answer("TEST1234");
    const { status, stderr } = await sign("SHA256-RSA-PKCS", "message", "--slot", "2");
    expect(status, stderr).toBe(0);
    expect((await verify("sign", "-sha256")).stdout).toBe("Verified OK\n");
    const asked = await askedSince(before);
    expect(asked).toHaveLength(2);
    expect(asked[0]).toMatch(/name, address, date of birth and sex/);
    expect(asked[1]).toMatch(/DIGITAL SIGNATURE for a program \(PKCS#11, CKM_SHA256_RSA_PKCS\)/);
    expect(await triesLeft()).toEqual({ auth: 3, sign: 5, text: 3 });
  });
});

describe("the agent", () => {
  it("tells a command that it runs where its socket is", async () => {
    const sockets = ["-a", at("other.sock"), "--pkcs11-socket", at("a folder/p11")];
    const listed = await jpkiAgent(...CARD, "agent", ...sockets, "--", "pkcs11-tool", "--module", MODULE, "-L");
    expect(listed.stdout).toMatch(/token label +: My Number card/);
    expect(listed.stdout).not.toMatch(/\(sign\)/);
  });

  it("records who had what signed, and refuses while it is locked", async () => {
    const { env } = sand;
    await runOk("ssh-add", ["-x"], { env });
    const refused = await sign("SHA256-RSA-PKCS", "message", "--slot", "1");
    expect(refused.stderr).toMatch(/C_Login failed: rv = .*0x200/); // CKR_FUNCTION_REJECTED, which it does not know
    await runOk("ssh-add", ["-X"], { env });
    expect((await sign("SHA256-RSA-PKCS", "message", "--slot", "1")).status).toBe(0);
    const [last] = JSON.parse((await jpkiAgent("--json", "log", "-n", "1")).stdout);
    expect(last).toMatchObject({ data: "pkcs11", mechanism: "CKM_SHA256_RSA_PKCS", result: "signed" });
    expect(last.program).toMatch(/^pkcs11-tool \(\d+\)/);
  });

  it("tells open logins in its status, and ends them with ssh-add -D", async () => {
    // A program that stays logged in: it waits for its data, which never comes.
    const fifo = at("never");
    await rm(fifo, { force: true });
    await runOk("mkfifo", [fifo]);
    const signing = sign("SHA256-RSA-PKCS", "never", "--slot", "1");
    const logins = async () => JSON.parse((await jpkiAgent("--json", "status")).stdout).agent.pkcs11.logins;
    await until("it is logged in", async () => (await logins()).length === 1);
    expect(await logins()).toMatchObject([{ key: "auth", signatures: 0, maxSignatures: 1000 }]);
    await forget();
    expect(await logins()).toEqual([]);
    await writeFile(fifo, "too late");
    expect((await signing).stderr).toMatch(/CKR_USER_NOT_LOGGED_IN|CKR_FUNCTION_REJECTED/);
  });
});
