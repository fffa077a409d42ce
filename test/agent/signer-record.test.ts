import { randomBytes } from "node:crypto";
import { beforeEach, describe, expect, it } from "vitest";
import { AgentLock } from "../../agent/agent-lock.ts";
import { type ConnectionState, newConnectionState } from "../../agent/connection-state.ts";
import { KeyConstraints } from "../../agent/key-constraints.ts";
import { OfferedKeys } from "../../agent/offered-keys.ts";
import { Signer } from "../../agent/signer.ts";
import { PinError } from "../../lib/errors.ts";
import type { UseRequest } from "../../lib/pin/prompt.ts";
import type { SignatureEntry } from "../../lib/signature-entry.ts";
import { keyFingerprint } from "../../lib/ssh/public-key.ts";
import { encodeSessionBind } from "../../lib/ssh/session-bind.ts";
import { encodeSshsig } from "../../lib/ssh/sshsig.ts";
import { encodeUserauth, METHOD_PUBLICKEY } from "../../lib/ssh/userauth.ts";
import { FakeKeyStore, fakeKey } from "../helpers/fake-key-store.ts";
import { hostKey } from "../helpers/host-key.ts";
import { type RecordingLogger, recordingLogger } from "../helpers/recording-logger.ts";

const key = fakeKey("My Number card 01234567");
const server = hostKey();
const SESSION = new Uint8Array(randomBytes(32));
const PROGRAM = "ssh < git";
const LOGIN = encodeUserauth({
  sessionId: SESSION,
  user: "花子",
  service: "ssh-connection",
  method: METHOD_PUBLICKEY,
  algorithm: "rsa-sha2-512",
  keyBlob: key.blob,
  hostKey: undefined,
});
const GIT = encodeSshsig({ namespace: "git", hashAlgorithm: "sha512", digest: randomBytes(64) });
const OF_KEY = { key: keyFingerprint(key.blob), comment: "My Number card 01234567", program: PROGRAM };
const OF_LOGIN = {
  ...{ data: "userauth", user: "花子", hosts: ["server.example"] },
  ...{ hostKey: keyFingerprint(server.blob), forwarded: false },
};

let keys: FakeKeyStore;
let log: RecordingLogger;
let state: ConnectionState;
let entries: SignatureEntry[];
let asked: UseRequest[];

beforeEach(() => {
  keys = new FakeKeyStore(key);
  log = recordingLogger();
  state = newConnectionState(log, async () => PROGRAM);
  entries = [];
  asked = [];
});

function sign(data: Uint8Array, keyBlob: Uint8Array = key.blob, signal = new AbortController().signal) {
  const clocks = { now: () => performance.now(), unixSeconds: () => Date.now() / 1000 };
  const constraints = new KeyConstraints(clocks);
  const signer = new Signer({
    ...{ keys, constraints, lock: new AgentLock(clocks), limits: { waitingSignatures: 8 } },
    offered: new OfferedKeys({ ...clocks, keys, constraints, certificates: () => [], log }),
    policy: { allowSha1: false, allowAnyData: false },
    hostsOfKey: () => ["server.example"],
    confirmUse: async (request) => {
      asked.push(request);
      return false;
    },
    record: { add: (entry) => void entries.push(entry) },
  });
  return signer.sign({ kind: "sign", keyBlob, data, flags: 4 }, state, signal);
}
const bind = (isForwarding: boolean) => state.bindings.bind(encodeSessionBind(server.bind(SESSION, isForwarding)));

describe("the record has one entry", () => {
  it("for a login that was signed: program, user, host and its key", async () => {
    bind(false);
    await sign(LOGIN);
    expect(entries).toEqual([{ ...OF_KEY, ...OF_LOGIN, result: "signed", reason: undefined, namespace: undefined }]);
  });

  it("for a signature without a connection to a host", async () => {
    await sign(GIT);
    expect(entries).toEqual([{ ...OF_KEY, result: "signed", data: "sshsig", namespace: "git", forwarded: false }]);
  });

  it("for what was refused, also by a person, who was told the program", async () => {
    bind(true);
    await sign(GIT);
    await sign(randomBytes(100));
    expect(entries.map(({ result, reason, data, forwarded }) => [result, reason, data, forwarded])).toEqual([
      ["refused", "forwarded", "sshsig", true],
      ["refused", expect.any(String), "unknown", true],
    ]);
    expect(asked).toEqual([expect.objectContaining({ kind: "forwarded", program: PROGRAM })]);
  });

  it("for what failed, with the error's code", async () => {
    keys.hold();
    const answer = sign(GIT);
    (await keys.nextHeld()).fail(new PinError("PIN_CANCELLED", "no"));
    await answer;
    expect(entries).toEqual([expect.objectContaining({ result: "failed", reason: "PIN_CANCELLED" })]);
  });

  it("for what a client left behind", async () => {
    keys.hold();
    const client = new AbortController();
    const answer = sign(GIT, key.blob, client.signal);
    await keys.nextHeld();
    client.abort();
    await answer;
    expect(entries).toEqual([expect.objectContaining({ result: "abandoned" })]);
  });

  it("but none for a key that is not ours", async () => {
    await sign(GIT, server.blob);
    expect(entries).toEqual([]);
  });
});

it("the program is told to the key store, for the prompt, and to the log", async () => {
  await sign(GIT);
  expect(keys.signed.map(({ context }) => context.program)).toEqual([PROGRAM]);
  expect(log.lines).toEqual([
    expect.objectContaining({ message: "signed", fields: expect.objectContaining({ program: PROGRAM }) }),
  ]);
});
