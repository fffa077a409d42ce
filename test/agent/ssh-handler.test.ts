import { createHash, createPublicKey, randomBytes, verify } from "node:crypto";
import { beforeEach, describe, expect, it } from "vitest";
import { AgentLock } from "../../agent/agent-lock.ts";
import { type ConnectionState, newConnectionState } from "../../agent/connection-state.ts";
import { KeyConstraints } from "../../agent/key-constraints.ts";
import { OfferedKeys } from "../../agent/offered-keys.ts";
import type { SignPolicy } from "../../agent/sign-guard.ts";
import { createSshHandler, type SshHandler } from "../../agent/ssh-handler.ts";
import { utf8 } from "../../lib/bytes.ts";
import { PinError } from "../../lib/errors.ts";
import type { AgentRequest } from "../../lib/ssh/agent-protocol.ts";
import { decodeQueryNames, EXTENSION_FAILURE, FAILURE, SUCCESS } from "../../lib/ssh/agent-response.ts";
import { keyFingerprint } from "../../lib/ssh/public-key.ts";
import { encodeSessionBind } from "../../lib/ssh/session-bind.ts";
import { decodeSignature } from "../../lib/ssh/signature.ts";
import { encodeSshsig } from "../../lib/ssh/sshsig.ts";
import { encodeUserauth, METHOD_PUBLICKEY } from "../../lib/ssh/userauth.ts";
import { FakeKeyStore, fakeKey } from "../helpers/fake-key-store.ts";
import { hostKey } from "../helpers/host-key.ts";
import { type RecordingLogger, recordingLogger } from "../helpers/recording-logger.ts";

const first = fakeKey("first");
const second = fakeKey("二番目");
const server = hostKey();
const SESSION = new Uint8Array(randomBytes(32));
const GIT = encodeSshsig({ namespace: "git", hashAlgorithm: "sha512", digest: randomBytes(64) });

let keys: FakeKeyStore;
let log: RecordingLogger;
let state: ConnectionState;
let signal: AbortController;

beforeEach(() => {
  keys = new FakeKeyStore(first, second);
  log = recordingLogger();
  state = newConnectionState(log);
  signal = new AbortController();
});

function handler(policy: Partial<SignPolicy> = {}, waitingSignatures = 8): SshHandler {
  const clocks = { now: () => performance.now(), unixSeconds: () => Date.now() / 1000 };
  const constraints = new KeyConstraints(clocks);
  return createSshHandler({
    keys,
    offered: new OfferedKeys({ ...clocks, keys, constraints, certificates: () => [], log }),
    constraints,
    lock: new AgentLock(clocks),
    policy: { allowSha1: false, allowAnyData: false, ...policy },
    hostsOfKey: () => ["server.example"],
    limits: { waitingSignatures },
  });
}

const ask = (request: AgentRequest, handle = handler()) => handle(request, state, signal.signal);
const sign = (data: Uint8Array = GIT, flags = 4, keyBlob = first.blob): AgentRequest => ({
  kind: "sign",
  keyBlob,
  data,
  flags,
});
const login = (algorithm = "rsa-sha2-512", sessionId = SESSION): Uint8Array =>
  encodeUserauth({
    sessionId,
    user: "root",
    service: "ssh-connection",
    method: METHOD_PUBLICKEY,
    algorithm,
    keyBlob: first.blob,
    hostKey: undefined,
  });
const bindTo = (sessionId: Uint8Array, isForwarding = false): AgentRequest => ({
  kind: "extension",
  name: "session-bind@openssh.com",
  body: encodeSessionBind(server.bind(sessionId, isForwarding)),
});

describe("list", () => {
  it("gives every key the store knows, in its order", async () => {
    expect(await ask({ kind: "list" })).toEqual({
      kind: "identities",
      identities: [
        { keyBlob: first.blob, comment: utf8("first") },
        { keyBlob: second.blob, comment: utf8("二番目") },
      ],
    });
  });
});

describe("sign", () => {
  it.each([
    { flags: 2, algorithm: "rsa-sha2-256", hash: "sha256" },
    { flags: 4, algorithm: "rsa-sha2-512", hash: "sha512" },
    { flags: 0, algorithm: "ssh-rsa", hash: "sha1" },
  ])("flags $flags: $algorithm, as node:crypto verifies", async ({ flags, algorithm, hash }) => {
    const data = login(algorithm);
    const answer = await ask(sign(data, flags), handler({ allowSha1: true }));
    if (answer.kind !== "signature") throw new Error(answer.kind);
    const signature = decodeSignature(answer.signature);
    expect(signature.algorithm).toBe(algorithm);
    expect(verify(hash, data, createPublicKey(first.privateKey), signature.bytes)).toBe(true);
  });

  it("asks the right key, and tells it what for and for whom", async () => {
    await ask(sign(GIT, 4, second.blob));
    expect(keys.signed).toHaveLength(1);
    expect(keys.signed[0]?.context).toEqual({
      purpose: { kind: "sshsig", namespace: "git" },
      signal: expect.any(AbortSignal),
    });
    expect(keys.signed[0]?.digestInfo.subarray(-64)).toEqual(new Uint8Array(createHash("sha512").update(GIT).digest()));
  });

  it("leaves one line in the log", async () => {
    await ask(bindTo(SESSION));
    await ask(sign(login()));
    expect(log.lines.filter(({ fields }) => fields["event"] === "sign")).toEqual([
      {
        level: "info",
        message: "signed",
        fields: {
          event: "sign",
          result: "signed",
          key: keyFingerprint(first.blob),
          algorithm: "rsa-sha2-512",
          purpose: {
            kind: "ssh-login",
            user: "root",
            hosts: ["server.example"],
            hostKeyFingerprint: keyFingerprint(server.blob),
            forwarded: false,
          },
        },
      },
    ]);
  });

  it.each([
    { what: "an unknown key", request: sign(GIT, 4, fakeKey().blob), reason: "unknown-key" },
    { what: "data of no known form", request: sign(randomBytes(100)), reason: "unknown-data" },
    { what: "SHA-1", request: sign(login("ssh-rsa"), 0), reason: "sha1" },
  ])("refuses $what with the reason in the log, and asks no card", async ({ request, reason }) => {
    expect(await ask(request)).toEqual(FAILURE);
    expect(keys.signed).toEqual([]);
    expect(log.lines).toEqual([
      expect.objectContaining({ level: "warn", fields: expect.objectContaining({ result: "refused", reason }) }),
    ]);
  });

  it("marks a signature over any data in the log", async () => {
    const answer = await ask(sign(randomBytes(100)), handler({ allowAnyData: true }));
    expect(answer.kind).toBe("signature");
    expect(log.lines).toEqual([
      expect.objectContaining({
        level: "warn",
        fields: expect.objectContaining({ purpose: expect.objectContaining({ kind: "any-data" }) }),
      }),
    ]);
  });

  it("a store that says no is a failure with its code in the log", async () => {
    keys.hold();
    const answer = ask(sign());
    (await keys.nextHeld()).fail(new PinError("PIN_CANCELLED", "ask for the PIN: cancelled"));
    expect(await answer).toEqual(FAILURE);
    expect(log.lines).toEqual([
      expect.objectContaining({ level: "warn", fields: expect.objectContaining({ reason: "PIN_CANCELLED" }) }),
    ]);
  });

  it("a store that breaks rejects: the fault is ours", async () => {
    keys.hold();
    const answer = ask(sign());
    (await keys.nextHeld()).fail(new TypeError("boom"));
    await expect(answer).rejects.toBeInstanceOf(TypeError);
  });

  it("is abandoned when the client is gone, quietly", async () => {
    keys.hold();
    const answer = ask(sign());
    await keys.nextHeld();
    signal.abort();
    expect(await answer).toEqual(FAILURE);
    expect(log.lines).toEqual([
      expect.objectContaining({ level: "info", fields: expect.objectContaining({ result: "abandoned" }) }),
    ]);
  });

  it("waits for as many as the cap says, and a place is free again after any end", async () => {
    const handle = handler({}, 2);
    keys.hold();
    const waiting = [ask(sign(), handle), ask(sign(), handle)];
    const [one, two] = [await keys.nextHeld(), await keys.nextHeld()];
    expect(await ask(sign(), handle)).toEqual(FAILURE);
    expect(log.lines.at(-1)?.fields).toMatchObject({ reason: "busy" });
    one.fail(new PinError("PIN_CANCELLED", "cancelled"));
    two.release();
    expect((await Promise.all(waiting)).map(({ kind }) => kind)).toEqual(["failure", "signature"]);
    const next = ask(sign(), handle);
    (await keys.nextHeld()).release();
    expect((await next).kind).toBe("signature");
  });
});

describe("session-bind", () => {
  it("holds for the connection: its login is signed, another is not", async () => {
    expect(await ask(bindTo(SESSION))).toEqual(SUCCESS);
    expect((await ask(sign(login()))).kind).toBe("signature");
    expect(await ask(sign(login("rsa-sha2-512", randomBytes(32))))).toEqual(FAILURE);
    expect(log.lines.at(-1)?.fields).toMatchObject({ reason: "wrong-session" });
    const elsewhere = newConnectionState(log);
    const free = await handler()(sign(login("rsa-sha2-512", randomBytes(32))), elsewhere, signal.signal);
    expect(free.kind).toBe("signature");
  });

  it("of a forwarding refuses what comes through it, unless the policy allows the host", async () => {
    await ask(bindTo(SESSION, true));
    expect(await ask(sign())).toEqual(FAILURE);
    expect(log.lines.at(-1)?.fields).toMatchObject({ reason: "forwarded" });
    const allowForwarded = (hostKeys: readonly Uint8Array[]) =>
      hostKeys.length === 1 && hostKeys.every((blob) => Buffer.compare(blob, server.blob) === 0);
    expect((await ask(sign(), handler({ allowForwarded }))).kind).toBe("signature");
  });

  it("repeated is a success; broken or contradictory is an extension failure", async () => {
    expect(await ask(bindTo(SESSION, true))).toEqual(SUCCESS);
    expect(await ask(bindTo(SESSION, true))).toEqual(SUCCESS);
    expect(await ask({ kind: "extension", name: "session-bind@openssh.com", body: utf8("x") })).toEqual(
      EXTENSION_FAILURE,
    );
    expect(log.lines.at(-1)).toMatchObject({ level: "warn", fields: { event: "bind", result: "refused" } });
  });
});

describe("the rest", () => {
  it("remove-all forgets PINs and lets go of the card", async () => {
    expect(await ask({ kind: "remove-all" })).toEqual(SUCCESS);
    expect(keys.forgotten).toBe(1);
  });

  it.each([new Uint8Array(), utf8("\0\0\0\0")])("query lists what works, whatever follows it", async (body) => {
    const answer = await ask({ kind: "extension", name: "query", body });
    if (answer.kind !== "extension-response") throw new Error(answer.kind);
    expect(answer.name).toBe("query");
    expect(decodeQueryNames(answer.body)).toEqual([
      "session-bind@openssh.com",
      "forget@jpki-agent",
      "release@jpki-agent",
      "status@jpki-agent",
    ]);
  });

  it.each<AgentRequest>([
    { kind: "extension", name: "restrict@example.com", body: new Uint8Array() },
    { kind: "lock", passphrase: new Uint8Array() },
    { kind: "unlock", passphrase: utf8("secret") },
    { kind: "remove", keyBlob: server.blob },
    { kind: "add-smartcard", tokenId: "/usr/lib/opensc-pkcs11.so", pin: utf8("1234") },
    { kind: "remove-smartcard", tokenId: "/usr/lib/opensc-pkcs11.so", pin: utf8("1234") },
    { kind: "unsupported", type: 1 },
    { kind: "unsupported", type: 9 },
    { kind: "unsupported", type: 255 },
  ])("$kind is a failure, and its secrets are in no log", async (request) => {
    expect(await ask(request)).toEqual(FAILURE);
    expect(log.lines).toHaveLength(1);
    expect(JSON.stringify(log.lines)).not.toMatch(/secret|1234/);
  });
});
