/** OpenSSH's own ssh-agent beside ours, with the same key and the same requests: what it signs and ours refuses. */

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startDaemon } from "../../agent/daemon.ts";
import type { BindingFacts } from "../../agent/session-bindings.ts";
import type { GuardedRequest } from "../../agent/sign-guard.ts";
import { silentLogger } from "../../lib/log.ts";
import type { AgentRequest } from "../../lib/ssh/agent-protocol.ts";
import { type AgentResponse, FAILURE } from "../../lib/ssh/agent-response.ts";
import { encodeSessionBind } from "../../lib/ssh/session-bind.ts";
import { connectAgent } from "../helpers/agent-client.ts";
import { FakeKeyStore } from "../helpers/fake-key-store.ts";
import { runOk } from "../helpers/run.ts";
import { type TempDir, tempDir } from "../helpers/temp-dir.ts";
import { ALLOWED, BINDING, bastion, FLAGS, FORM, key, STRICT, server, UNBOUND_LOGINS } from "./sign-guard-cases.ts";

type Change = Partial<GuardedRequest> | undefined;

const FORGED = [...FORM, ...BINDING, ...UNBOUND_LOGINS, ...FLAGS];

let dir: TempDir;
let opensshAgent: ChildProcess;
let opensshSocket: string;

beforeAll(async () => {
  dir = await tempDir();
  opensshSocket = join(dir.path, "openssh.sock");
  opensshAgent = spawn("ssh-agent", ["-D", "-a", opensshSocket], { stdio: ["ignore", "pipe", "ignore"] });
  if (opensshAgent.stdout === null) throw new Error("ssh-agent has no output");
  await once(opensshAgent.stdout, "data"); // it says its socket once it listens there
  const file = join(dir.path, "key");
  await writeFile(file, key.privateKey.export({ type: "pkcs1", format: "pem" }), { mode: 0o600 });
  await runOk("ssh-add", ["-q", file], { env: { ...process.env, SSH_AUTH_SOCK: opensshSocket } });
});

afterAll(async () => {
  const ended = once(opensshAgent, "exit");
  opensshAgent.kill();
  await ended;
  await dir.remove();
});

/** One connection: its bindings, then the request. */
async function ask(socket: string, data: Uint8Array, change: Change): Promise<AgentResponse | undefined> {
  const client = await connectAgent(socket);
  try {
    for (const bind of bindsOf(change?.bindings)) await client.ask(bind);
    const keyBlob = change?.certificate ?? key.blob;
    return await client.ask({ kind: "sign", keyBlob, data, flags: change?.flags ?? 4 });
  } finally {
    client.close();
  }
}

function bindsOf(facts: BindingFacts = { bindings: [], unprovenForwarding: false }): readonly AgentRequest[] {
  const requests = facts.bindings.map(({ hostKey, sessionId, isForwarding }) => {
    const host = Buffer.compare(hostKey, server.blob) === 0 ? server : bastion;
    return encodeSessionBind(host.bind(sessionId, isForwarding));
  });
  const forged = encodeSessionBind({
    ...bastion.bind(new Uint8Array(32), true),
    sessionId: new Uint8Array(32).fill(1),
  });
  return (facts.unprovenForwarding ? [forged, ...requests] : requests).map((body) => ({
    kind: "extension",
    name: "session-bind@openssh.com",
    body,
  }));
}

/** Ours, with the policy of the case, the key being on no card. */
async function askOurs(data: Uint8Array, change: Change): Promise<AgentResponse | undefined> {
  const daemon = await startDaemon({
    socketPath: join(dir.path, "ours.sock"),
    keys: new FakeKeyStore(key),
    policy: change?.policy ?? STRICT,
    log: silentLogger,
  });
  try {
    return await ask(daemon.socketPath, data, change);
  } finally {
    await daemon.close();
  }
}

describe("what is honest", () => {
  it.each(ALLOWED.filter(({ change }) => change?.certificate === undefined))(
    "$what: both sign it, byte for byte alike",
    async ({ data, change }) => {
      const ours = await askOurs(data, change);
      expect(ours?.kind).toBe("signature");
      expect(await ask(opensshSocket, data, change)).toEqual(ours);
    },
  );
});

describe("what is forged", () => {
  it("ours refuses all of it; ssh-agent signs every one whose key it holds", async () => {
    const signedByOpenssh: string[] = [];
    for (const { what, data, change } of FORGED) {
      expect(await askOurs(data, change), what).toEqual(FAILURE);
      if ((await ask(opensshSocket, data, change))?.kind === "signature") signedByOpenssh.push(what);
    }
    // It was given no certificate, so it holds no key by that name.
    const keyHeld = FORGED.filter(({ change }) => change?.certificate === undefined);
    expect(signedByOpenssh).toEqual(keyHeld.map(({ what }) => what));
    expect(signedByOpenssh.length).toBeGreaterThanOrEqual(60);
  });
});
