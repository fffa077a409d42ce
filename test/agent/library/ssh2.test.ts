import { join } from "node:path";
import ssh2 from "ssh2";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { openJpki } from "../../../agent/library/jpki.ts";
import type { JpkiOptions } from "../../../agent/library/options.ts";
import { JpkiAgent } from "../../../agent/library/ssh2.ts";
import { type DemoServer, startDemoServer } from "../../../cli/demo-ssh.ts";
import { ByteWriter } from "../../../lib/bytes.ts";
import { readSignatures } from "../../../lib/node.ts";
import type { PinRequest } from "../../../lib/pin/prompt.ts";
import { encodeRsaBlob } from "../../../lib/ssh/public-key.ts";
import { DEFAULT_AUTH_PIN } from "../../../lib/virtual-card/card.ts";
import { type TempDir, tempDir } from "../../helpers/temp-dir.ts";

let dir: TempDir;
let env: Record<string, string>;
let keyBlob: Buffer;
let server: DemoServer;
const agents: JpkiAgent[] = [];

beforeAll(async () => {
  dir = await tempDir();
  env = { XDG_STATE_HOME: dir.path };
  const jpki = await openJpki({ card: "virtual", env });
  keyBlob = Buffer.from(encodeRsaBlob((await jpki.readKey()).publicKey));
  await jpki.close();
  server = await startDemoServer({ user: "taro", keyBlob, greeting: "welcome" });
});
afterEach(async () => {
  for (const agent of agents.splice(0)) await agent.close();
});
afterAll(async () => {
  await server.close();
  await dir.remove();
});

function open(pins: readonly string[], options: JpkiOptions = {}) {
  const questions: PinRequest[] = [];
  const askPin = async (request: PinRequest) => {
    const pin = pins[questions.length];
    questions.push(request);
    return pin === undefined ? undefined : new TextEncoder().encode(pin);
  };
  const agent = new JpkiAgent({ card: "virtual", env, prompt: { askPin }, program: "a test", ...options });
  agents.push(agent);
  return { agent, questions };
}

/** @returns the errors that the client told, none if it is in. */
async function logIn(agent: JpkiAgent): Promise<readonly (Error & { level?: string; code?: unknown })[]> {
  const client = new ssh2.Client();
  const errors: Error[] = [];
  const { host, port } = server;
  const closed = new Promise<void>((resolve) => client.on("close", () => resolve()));
  client.on("error", (error) => errors.push(error));
  client.on("ready", () => client.end());
  client.connect({ host, port, username: "taro", agent });
  await closed;
  return errors;
}

function sign(agent: JpkiAgent, data: Buffer, hash?: "sha1" | "sha256" | "sha512"): Promise<Buffer | undefined> {
  return new Promise((resolve, reject) => {
    const options = hash === undefined ? {} : { hash };
    agent.sign(keyBlob, data, options, (error, signature) => (error ? reject(error) : resolve(signature)));
  });
}

/** A login of this key, as ssh2 makes it (RFC 4252 section 7). */
function loginRequest(service = "ssh-connection", algorithm = "rsa-sha2-512"): Buffer {
  const writer = new ByteWriter().string(Buffer.alloc(32, 7)).u8(50);
  for (const text of ["taro", service, "publickey"]) writer.string(text);
  return Buffer.from(writer.u8(1).string(algorithm).string(keyBlob).finish());
}

/** What `ssh-keygen -Y sign` lets an agent sign (OpenSSH's PROTOCOL.sshsig). */
function sshsigRequest(): Buffer {
  const fields = new ByteWriter().string("file").string("").string("sha512").string(Buffer.alloc(64, 7)).finish();
  return Buffer.concat([Buffer.from("SSHSIG"), fields]);
}

describe("a login by ssh2's client", () => {
  it("asks for the PIN, saying for what, and leaves an entry in the record", async () => {
    const { agent, questions } = open([DEFAULT_AUTH_PIN]);
    expect(await logIn(agent)).toEqual([]);
    expect(questions).toMatchObject([
      { pin: "auth", purpose: { kind: "ssh-login", user: "taro" }, program: "a test", triesLeft: 3 },
    ]);
    const [entry] = (await readSignatures({ env, home: "/nonexistent" })).slice(-1);
    expect(entry).toMatchObject({ result: "signed", data: "userauth", user: "taro", program: "a test" });
  });

  it("needs one PIN for several where a session may remember it", async () => {
    const { agent, questions } = open([DEFAULT_AUTH_PIN], { pinCache: "session" });
    expect(await logIn(agent)).toEqual([]);
    expect(await logIn(agent)).toEqual([]);
    expect(questions).toHaveLength(1);
  });

  it("that is cancelled fails, with the reason as an error of the client", async () => {
    const { agent } = open([]);
    const [first] = await logIn(agent);
    expect(first).toMatchObject({ code: "PIN_CANCELLED", level: "agent" });
    const [entry] = (await readSignatures({ env, home: "/nonexistent" })).slice(-1);
    expect(entry).toMatchObject({ result: "failed", reason: "PIN_CANCELLED", user: "taro" });
  });

  it("without a card fails with what is missing", async () => {
    const { agent } = open([], { reader: "no such reader", env: { XDG_STATE_HOME: join(dir.path, "empty") } });
    const [first] = await logIn(agent);
    expect(first).toMatchObject({ code: "READER_ABSENT", level: "agent" });
  });
});

describe("what is signed", () => {
  it("a login of this key", async () => {
    const { agent } = open([DEFAULT_AUTH_PIN]);
    const data = loginRequest();
    const signature = await sign(agent, data, "sha512");
    const key = ssh2.utils.parseKey(keyBlob);
    if (key instanceof Error || signature === undefined) throw new TypeError("a key and a signature");
    expect(key.verify(data, signature, "sha512")).toBe(true);
  });

  it.each([
    ["a bare hash", () => Buffer.alloc(32), "sha256", "bare-hash"],
    [
      "a TLS transcript",
      () => Buffer.from(`${" ".repeat(64)}TLS 1.3, client CertificateVerify\0abc`),
      "sha256",
      "unknown-data",
    ],
    ["an SSH signature", () => sshsigRequest(), "sha512", "no-login"],
    ["a login to another service", () => loginRequest("ssh-other"), "sha512", "wrong-service"],
    ["a login with another hash than it names", () => loginRequest(), "sha256", "wrong-algorithm"],
    ["SHA-1", () => loginRequest("ssh-connection", "ssh-rsa"), undefined, "sha1"],
  ] as const)("not %s: nobody is asked", async (_, dataOf, hash, reason) => {
    const { agent, questions } = open([DEFAULT_AUTH_PIN]);
    const refusal = { code: "POLICY_REFUSED", details: { problem: reason } };
    await expect(sign(agent, dataOf(), hash)).rejects.toMatchObject(refusal);
    expect(questions).toEqual([]);
    const [entry] = (await readSignatures({ env, home: "/nonexistent" })).slice(-1);
    expect(entry).toMatchObject({ result: "refused", reason });
  });

  it("not with a key that no card here has", async () => {
    const { agent } = open([DEFAULT_AUTH_PIN]);
    const other = Buffer.from(keyBlob);
    other[other.length - 2] = (other[other.length - 2] ?? 0) ^ 1;
    const signed = new Promise((resolve, reject) => {
      agent.sign(other, loginRequest(), (error, signature) => (error ? reject(error) : resolve(signature)));
    });
    await expect(signed).rejects.toMatchObject({ code: "KEY_UNKNOWN" });
  });
});

describe("close", () => {
  it("takes the question away and ends the agent", async () => {
    let asked = () => {};
    const shown = new Promise<void>((resolve) => {
      asked = resolve;
    });
    const askPin = () => {
      asked();
      return new Promise<undefined>(() => {});
    };
    const agent = new JpkiAgent({ card: "virtual", env, prompt: { askPin } });
    const outcome = sign(agent, loginRequest(), "sha512").catch((error: unknown) => error);
    await shown;
    await agent.close();
    expect(await outcome).toMatchObject({ name: "AbortError" });
    await expect(sign(agent, loginRequest(), "sha512")).rejects.toMatchObject({ code: "KEY_UNKNOWN" });
    await agent.close();
  });

  it("of one that was never used opens nothing", async () => {
    await new JpkiAgent().close();
  });
});
