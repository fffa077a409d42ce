/** A signature that waits for a card or a PIN: what was permitted when it was asked for may be so no longer. */

import { randomBytes } from "node:crypto";
import { beforeEach, expect, it } from "vitest";
import { AgentLock } from "../../agent/agent-lock.ts";
import { newConnectionState } from "../../agent/connection-state.ts";
import { KeyConstraints } from "../../agent/key-constraints.ts";
import { OfferedKeys } from "../../agent/offered-keys.ts";
import { Signer } from "../../agent/signer.ts";
import { utf8 } from "../../lib/bytes.ts";
import { FAILURE } from "../../lib/ssh/agent-response.ts";
import { encodeSshsig } from "../../lib/ssh/sshsig.ts";
import { FakeKeyStore, fakeKey } from "../helpers/fake-key-store.ts";
import { type RecordingLogger, recordingLogger } from "../helpers/recording-logger.ts";

const key = fakeKey("card");
const GIT = encodeSshsig({ namespace: "git", hashAlgorithm: "sha512", digest: randomBytes(64) });
const clocks = { now: () => performance.now(), unixSeconds: () => 0 };

let constraints: KeyConstraints;
let lock: AgentLock;
let log: RecordingLogger;

beforeEach(() => {
  constraints = new KeyConstraints(clocks);
  lock = new AgentLock(clocks);
  log = recordingLogger();
});

/** A person says yes to every question; while the card works, `meanwhile` happens. */
async function signWhile(meanwhile: () => unknown, policy: { readonly confirm?: boolean } = {}) {
  const keys = new FakeKeyStore(key);
  const signer = new Signer({
    ...{ keys, constraints, lock, limits: { waitingSignatures: 8 }, hostsOfKey: () => [] },
    offered: new OfferedKeys({ ...clocks, keys, constraints, certificates: () => [], log }),
    policy: { allowSha1: false, allowAnyData: false, ...policy },
    confirmUse: async () => true,
  });
  keys.hold();
  const request = { kind: "sign", keyBlob: key.blob, data: GIT, flags: 4 } as const;
  const signed = signer.sign(request, newConnectionState(log), new AbortController().signal);
  const held = await keys.nextHeld();
  meanwhile();
  held.release();
  return signed;
}

const layConfirm = () => constraints.set("card", [{ kind: "confirm" }]);

it.each([
  ["confirm was laid on the key", "not-confirmed", layConfirm],
  ["the key was removed", "key-removed", () => constraints.remove("card")],
  ["the agent was locked", "locked", () => lock.lock(utf8("password"))],
])("is not handed out: %s", async (_why, reason, meanwhile) => {
  expect(await signWhile(meanwhile)).toEqual(FAILURE);
  expect(log.lines.map(({ fields }) => fields["reason"])).toEqual([reason]);
});

it("is handed out where a person has said yes to it, though confirm was laid on the key again", async () => {
  layConfirm();
  expect((await signWhile(layConfirm)).kind).toBe("signature");
  constraints.set("card", []);
  expect((await signWhile(layConfirm, { confirm: true })).kind).toBe("signature");
});
