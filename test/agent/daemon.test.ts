import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type Daemon, type DaemonOptions, startDaemon } from "../../agent/daemon.ts";
import type { AgentRequest } from "../../lib/ssh/agent-protocol.ts";
import { FAILURE, SUCCESS } from "../../lib/ssh/agent-response.ts";
import { encodeSessionBind } from "../../lib/ssh/session-bind.ts";
import { encodeSshsig } from "../../lib/ssh/sshsig.ts";
import { encodeUserauth, METHOD_PUBLICKEY } from "../../lib/ssh/userauth.ts";
import { type AgentClient, connectAgent } from "../helpers/agent-client.ts";
import { FakeKeyStore, fakeKey } from "../helpers/fake-key-store.ts";
import { hostKey } from "../helpers/host-key.ts";
import { recordingLogger } from "../helpers/recording-logger.ts";
import { type TempDir, tempDir } from "../helpers/temp-dir.ts";

const key = fakeKey();
const LIST: AgentRequest = { kind: "list" };
const SIGN: AgentRequest = {
  kind: "sign",
  keyBlob: key.blob,
  data: encodeSshsig({ namespace: "file", hashAlgorithm: "sha512", digest: randomBytes(64) }),
  flags: 4,
};

let folder: TempDir;
let keys: FakeKeyStore;
let daemon: Daemon | undefined;
const clients: AgentClient[] = [];
const log = recordingLogger();

beforeEach(async () => {
  folder = await tempDir();
  keys = new FakeKeyStore(key);
});
afterEach(async () => {
  for (const client of clients.splice(0)) client.close();
  await daemon?.close();
  await folder.remove();
});

async function start(some: Partial<DaemonOptions> = {}): Promise<Daemon> {
  const socketPath = join(folder.path, "run", "agent.sock");
  daemon = await startDaemon({ socketPath, keys, policy: { allowSha1: false, allowAnyData: false }, log, ...some });
  return daemon;
}

async function client({ socketPath }: Daemon): Promise<AgentClient> {
  const made = await connectAgent(socketPath);
  clients.push(made);
  return made;
}

describe("start", () => {
  it("makes the folder 0700 and the socket 0600, and says where", async () => {
    const { socketPath } = await start();
    expect(socketPath).toBe(join(folder.path, "run", "agent.sock"));
    expect((await stat(join(folder.path, "run"))).mode & 0o777).toBe(0o700);
    expect((await stat(socketPath)).mode & 0o777).toBe(0o600);
  });

  it("refuses to take the place of a live agent, which goes on", async () => {
    const first = await start();
    await expect(
      startDaemon({ socketPath: first.socketPath, keys, policy: { allowSha1: false, allowAnyData: false }, log }),
    ).rejects.toMatchObject({ code: "SOCKET_IN_USE" });
    expect((await (await client(first)).ask(LIST))?.kind).toBe("identities");
  });

  it("warns when data of any form is allowed", async () => {
    const own = recordingLogger();
    await start({ policy: { allowSha1: false, allowAnyData: true }, log: own });
    expect(own.lines).toContainEqual(expect.objectContaining({ level: "warn", fields: { event: "start" } }));
  });
});

describe("while a signature waits", () => {
  it("the list answers at once, to others and after it", async () => {
    keys.hold();
    const running = await start();
    const waiting = await client(running);
    waiting.send(SIGN, LIST);
    const held = await keys.nextHeld();
    const other = await client(running);
    expect((await other.ask(LIST))?.kind).toBe("identities");
    held.release();
    expect([(await waiting.next())?.kind, (await waiting.next())?.kind]).toEqual(["signature", "identities"]);
  });

  it("a client that hangs up aborts its own signature and no other", async () => {
    keys.hold();
    const running = await start();
    const leaving = await client(running);
    leaving.send(SIGN);
    const first = await keys.nextHeld();
    const staying = await client(running);
    staying.send(SIGN);
    const second = await keys.nextHeld();
    const aborted = new Promise((resolve) => first.context.signal.addEventListener("abort", resolve));
    leaving.close();
    await aborted;
    expect(second.context.signal.aborted).toBe(false);
    second.release();
    expect((await staying.next())?.kind).toBe("signature");
  });

  it("close aborts it, hangs up, and removes the socket", async () => {
    keys.hold();
    const running = await start();
    const waiting = await client(running);
    waiting.send(SIGN);
    const held = await keys.nextHeld();
    await running.close();
    expect(held.context.signal.aborted).toBe(true);
    await waiting.ended;
    expect(existsSync(running.socketPath)).toBe(false);
    await running.close();
  });
});

describe("connections", () => {
  it("40 at once, each listing and signing", async () => {
    const running = await start();
    const all = await Promise.all(Array.from({ length: 40 }, () => client(running)));
    for (const one of all) one.send(LIST, SIGN, LIST);
    for (const one of all) {
      const kinds = [await one.next(), await one.next(), await one.next()].map((answer) => answer?.kind);
      expect(kinds).toEqual(["identities", "signature", "identities"]);
    }
  });

  it("what one has bound holds for itself alone", async () => {
    const running = await start();
    const server = hostKey();
    const login = (sessionId: Uint8Array): AgentRequest => ({
      kind: "sign",
      keyBlob: key.blob,
      data: encodeUserauth({
        sessionId,
        user: "root",
        service: "ssh-connection",
        method: METHOD_PUBLICKEY,
        algorithm: "rsa-sha2-512",
        keyBlob: key.blob,
        hostKey: undefined,
      }),
      flags: 4,
    });
    const [bound, unbound] = [await client(running), await client(running)];
    const session = randomBytes(32);
    const bind: AgentRequest = {
      kind: "extension",
      name: "session-bind@openssh.com",
      body: encodeSessionBind(server.bind(session)),
    };
    expect(await bound.ask(bind)).toEqual(SUCCESS);
    expect((await bound.ask(login(session)))?.kind).toBe("signature");
    expect(await bound.ask(login(randomBytes(32)))).toEqual(FAILURE);
    expect((await unbound.ask(login(randomBytes(32))))?.kind).toBe("signature");
  });

  it("are told apart in the log", async () => {
    const own = recordingLogger();
    const running = await start({ log: own });
    for (let i = 0; i < 2; i++) await (await client(running)).ask(SIGN);
    const ids = own.lines.filter(({ message }) => message === "signed").map(({ fields }) => fields["connection"]);
    expect(ids).toEqual([1, 2]);
  });
});
