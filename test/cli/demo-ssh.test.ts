import { generateKeyPairSync } from "node:crypto";
import { join } from "node:path";
import ssh2 from "ssh2";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type DemoServer, loginWithSsh2, makeHostKey, startDemoServer } from "../../cli/demo-ssh.ts";

/** Who is let in, and who is not; the keys are made for this run. */
const own = rsaKey();
const other = rsaKey();
let server: DemoServer;

beforeEach(async () => {
  server = await startDemoServer({ user: "demo", keyBlob: own.blob, greeting: "welcome" });
});
afterEach(() => server.close());

function rsaKey(): { blob: Uint8Array; pem: string } {
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const pem = privateKey.export({ format: "pem", type: "pkcs1" }).toString();
  const parsed = ssh2.utils.parseKey(pem);
  if (parsed instanceof Error) throw parsed;
  return { blob: parsed.getPublicSSH(), pem };
}

async function logIn(config: ssh2.ConnectConfig): Promise<void> {
  const client = new ssh2.Client();
  try {
    await new Promise<void>((resolve, reject) => {
      client
        .on("ready", resolve)
        .on("error", reject)
        .connect({ host: server.host, port: server.port, ...config });
    });
  } finally {
    client.end();
  }
}

describe("the server of demo", () => {
  it("listens on loopback only", () => {
    expect(server.host).toBe("127.0.0.1");
  });

  it("lets in its one user with its one key", async () => {
    await expect(logIn({ username: "demo", privateKey: own.pem })).resolves.toBeUndefined();
  });

  it.each([
    ["another key", { username: "demo", privateKey: other.pem }],
    ["another user", { username: "root", privateKey: own.pem }],
    ["a password", { username: "demo", password: "" }],
    ["nothing", { username: "demo" }],
  ])("refuses %s", async (_what, config) => {
    await expect(logIn(config)).rejects.toMatchObject({ level: "client-authentication" });
  });

  it("refuses the key with a signature made by another", async () => {
    const key = ssh2.utils.parseKey(other.pem);
    if (key instanceof Error) throw key;
    key.getPublicSSH = () => Buffer.from(own.blob);
    let tried = false;
    const authHandler: ssh2.AuthHandlerMiddleware = (_left, _partial, next) => {
      if (tried) return false;
      tried = true;
      next({ type: "publickey", username: "demo", key });
      return undefined;
    };
    await expect(logIn({ username: "demo", authHandler })).rejects.toMatchObject({ level: "client-authentication" });
  });
});

it("makes host keys that the server can always read", () => {
  for (let count = 0; count < 2000; count += 1) {
    const { pem, publicLine } = makeHostKey();
    const key = ssh2.utils.parseKey(pem);
    if (key instanceof Error) throw key;
    expect(publicLine).toBe(`ecdsa-sha2-nistp256 ${key.getPublicSSH().toString("base64")}`);
  }
});

describe("loginWithSsh2", () => {
  it("fails without an agent, and gives up when it is told to", async () => {
    const login = { server, user: "demo", socketPath: join("/nonexistent", "agent.sock") };
    await expect(loginWithSsh2({ ...login, signal: new AbortController().signal })).rejects.toThrow();
    await expect(loginWithSsh2({ ...login, signal: AbortSignal.abort() })).rejects.toThrow();
  });
});
