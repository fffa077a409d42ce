/** `ssh-add -s jpki` on the SSH face: who may bring a PIN, and what its constraints do to the key. */

import { randomBytes } from "node:crypto";
import { beforeEach, describe, expect, it } from "vitest";
import { AgentLock } from "../../agent/agent-lock.ts";
import { type ConnectionState, newConnectionState } from "../../agent/connection-state.ts";
import { KeyConstraints } from "../../agent/key-constraints.ts";
import { OfferedKeys } from "../../agent/offered-keys.ts";
import { createSshHandler, type SshHandler } from "../../agent/ssh-handler.ts";
import { utf8 } from "../../lib/bytes.ts";
import type { AgentRequest } from "../../lib/ssh/agent-protocol.ts";
import { FAILURE, SUCCESS } from "../../lib/ssh/agent-response.ts";
import { encodeSessionBind } from "../../lib/ssh/session-bind.ts";
import { encodeSshsig } from "../../lib/ssh/sshsig.ts";
import { FakeKeyStore, fakeKey } from "../helpers/fake-key-store.ts";
import { hostKey } from "../helpers/host-key.ts";
import { type RecordingLogger, recordingLogger } from "../helpers/recording-logger.ts";

const key = fakeKey("card");
const SIGN: AgentRequest = {
  kind: "sign",
  keyBlob: key.blob,
  data: encodeSshsig({ namespace: "git", hashAlgorithm: "sha512", digest: randomBytes(64) }),
  flags: 4,
};
const given = (seconds?: number): AgentRequest =>
  seconds === undefined
    ? { kind: "add-smartcard", tokenId: "jpki", pin: utf8("1234") }
    : {
        kind: "add-smartcard-constrained",
        tokenId: "jpki",
        pin: utf8("1234"),
        constraints: [{ kind: "lifetime", seconds }],
      };

let nowMs: number;
let taken: (number | undefined)[];
let takenBack: number;
let constraints: KeyConstraints;
let state: ConnectionState;
let log: RecordingLogger;
let handle: SshHandler;

beforeEach(() => {
  nowMs = 0;
  taken = [];
  takenBack = 0;
  const clocks = { now: () => nowMs, unixSeconds: () => 0 };
  constraints = new KeyConstraints(clocks);
  log = recordingLogger();
  state = newConnectionState(log);
  const keys = new FakeKeyStore(key);
  handle = createSshHandler({
    keys,
    offered: new OfferedKeys({ keys, constraints, certificates: () => [], unixSeconds: () => 0, log }),
    constraints,
    lock: new AgentLock(clocks),
    policy: { allowSha1: false, allowAnyData: false },
    hostsOfKey: () => [],
    limits: { waitingSignatures: 8 },
    token: {
      give: async (pin, lifetimeMs) => {
        pin.wipe();
        taken.push(lifetimeMs);
        return key.identity.id;
      },
      takeBack: async () => void takenBack++,
    },
  });
});

const ask = (request: AgentRequest) => handle(request, state, new AbortController().signal);
const keysListed = async () => {
  const answer = await ask({ kind: "list" });
  return answer.kind === "identities" ? answer.identities.length : answer.kind;
};

describe("ssh-add -t SECONDS -s jpki", () => {
  it.each([
    ["added again", () => ask(given())],
    ["its card is put on a reader again", () => constraints.restore(key.identity.id)],
  ])("the key is there for that time, and then only when %s", async (_what, comeBack) => {
    expect(await ask(given(60))).toEqual(SUCCESS);
    expect(taken).toEqual([60_000]);
    nowMs = 59_999;
    expect([await keysListed(), (await ask(SIGN)).kind]).toEqual([1, "signature"]);
    nowMs = 60_000;
    expect([await keysListed(), (await ask(SIGN)).kind]).toEqual([0, "failure"]);
    expect(log.lines.at(-1)?.fields).toMatchObject({ reason: "key-removed" });
    await comeBack();
    nowMs = 1e9;
    expect([await keysListed(), (await ask(SIGN)).kind]).toEqual([1, "signature"]);
  });

  it("with 0, for as long as the card is there", async () => {
    expect(await ask(given(0))).toEqual(SUCCESS);
    nowMs = 1e9;
    expect([taken, await keysListed()]).toEqual([[undefined], 1]);
  });
});

describe("over a connection that came from a server", () => {
  it.each([
    ["bound for forwarding", true],
    ["bound for a login", false],
    ["that could not be bound", undefined],
  ])("%s, no PIN is taken: it would cost tries", async (_what, isForwarding) => {
    const body =
      isForwarding === undefined ? utf8("x") : encodeSessionBind(hostKey().bind(randomBytes(32), isForwarding));
    await ask({ kind: "extension", name: "session-bind@openssh.com", body });
    const request = given();
    expect(await ask(request)).toEqual(FAILURE);
    expect([taken, request.kind === "add-smartcard" && request.pin]).toEqual([[], new Uint8Array(4)]);
    expect(log.lines.at(-1)?.fields).toMatchObject({ result: "refused", reason: "bound" });
    expect(await ask({ kind: "remove-smartcard", tokenId: "jpki", pin: utf8("") })).toEqual(SUCCESS);
    expect(takenBack).toBe(1);
  });
});
