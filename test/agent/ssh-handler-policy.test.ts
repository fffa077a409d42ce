/** The SSH face where a person, a lock or a constraint has a word. */

import { randomBytes } from "node:crypto";
import { beforeEach, describe, expect, it } from "vitest";
import { AgentLock } from "../../agent/agent-lock.ts";
import { type ConnectionState, newConnectionState } from "../../agent/connection-state.ts";
import { KeyConstraints } from "../../agent/key-constraints.ts";
import { OfferedKeys } from "../../agent/offered-keys.ts";
import type { SignPolicy } from "../../agent/sign-guard.ts";
import { createSshHandler, type SshHandler } from "../../agent/ssh-handler.ts";
import { utf8 } from "../../lib/bytes.ts";
import { PinError } from "../../lib/errors.ts";
import type { UseRequest } from "../../lib/pin/prompt.ts";
import type { AgentRequest } from "../../lib/ssh/agent-protocol.ts";
import { EXTENSION_FAILURE, FAILURE, SUCCESS } from "../../lib/ssh/agent-response.ts";
import { keyFingerprint } from "../../lib/ssh/public-key.ts";
import { encodeSessionBind } from "../../lib/ssh/session-bind.ts";
import { decodeSignature } from "../../lib/ssh/signature.ts";
import { encodeSshsig } from "../../lib/ssh/sshsig.ts";
import { encodeUserauth, METHOD_HOSTBOUND } from "../../lib/ssh/userauth.ts";
import { deferred } from "../helpers/deferred.ts";
import { FakeKeyStore, fakeKey } from "../helpers/fake-key-store.ts";
import { hostKey } from "../helpers/host-key.ts";
import { type RecordingLogger, recordingLogger } from "../helpers/recording-logger.ts";
import { userCertificate } from "../helpers/user-certificate.ts";

const key = fakeKey("card");
const other = fakeKey("other card");
const bastion = hostKey();
const web = hostKey();
const HERE = new Uint8Array(randomBytes(32));
const THERE = new Uint8Array(randomBytes(32));
const GIT = encodeSshsig({ namespace: "git", hashAlgorithm: "sha512", digest: randomBytes(64) });
const PASSWORD = utf8("open sesame");

let keys: FakeKeyStore;
let log: RecordingLogger;
let state: ConnectionState;
let client: AbortController;
let constraints: KeyConstraints;
let lock: AgentLock;
let nowMs: number;
/** Holds back the answer to a wrong password. */
let wait: (ms: number) => Promise<void>;
/** What a person was asked, and the answers to come; none left: the question stays open. */
let asked: UseRequest[];
let answers: (boolean | Error)[];
/** What happens while the question is on the screen. */
let onAsk: () => void;
let handle: SshHandler;

beforeEach(() => {
  keys = new FakeKeyStore(key, other);
  log = recordingLogger();
  state = newConnectionState(log, async () => "git");
  client = new AbortController();
  nowMs = 0;
  wait = async (ms) => {
    nowMs += ms;
  };
  asked = [];
  onAsk = () => {};
  answers = [];
  const clocks = { now: () => nowMs, unixSeconds: () => 1_800_000_000 };
  constraints = new KeyConstraints(clocks);
  lock = new AgentLock({ ...clocks, wait: (ms) => wait(ms) });
  handle = handlerWith({});
});

function handlerWith(policy: Partial<SignPolicy>, prompt = true): SshHandler {
  return createSshHandler({
    keys,
    offered: new OfferedKeys({ keys, constraints, certificates: () => [], unixSeconds: () => 0, log }),
    constraints,
    lock,
    policy: { allowSha1: false, allowAnyData: false, ...policy },
    confirmUse: prompt ? answerUse : undefined,
    hostsOfKey: (blob) => (Buffer.compare(blob, web.blob) === 0 ? ["web.example"] : []),
    limits: { waitingSignatures: 8 },
  });
}

async function answerUse(request: UseRequest, signal: AbortSignal): Promise<boolean> {
  asked.push(request);
  onAsk();
  const answer = answers.shift();
  if (answer instanceof Error) throw answer;
  if (answer !== undefined) return answer;
  return new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason), { once: true }));
}

const ask = (request: AgentRequest, on = state) => handle(request, on, client.signal);
const sign = (data: Uint8Array = GIT, keyBlob = key.blob): AgentRequest => ({ kind: "sign", keyBlob, data, flags: 4 });
const bind = (server: typeof web, sessionId: Uint8Array, isForwarding: boolean): AgentRequest => ({
  kind: "extension",
  name: "session-bind@openssh.com",
  body: encodeSessionBind(server.bind(sessionId, isForwarding)),
});
const login = (sessionId = THERE, user = "root", certificate?: Uint8Array): Uint8Array =>
  encodeUserauth({
    sessionId,
    user,
    service: "ssh-connection",
    method: METHOD_HOSTBOUND,
    algorithm: certificate ? "rsa-sha2-512-cert-v01@openssh.com" : "rsa-sha2-512",
    keyBlob: certificate ?? key.blob,
    hostKey: web.blob,
  });
const forwardedLogin = async (on = state): Promise<void> => {
  expect(await ask(bind(bastion, HERE, true), on)).toEqual(SUCCESS);
  expect(await ask(bind(web, THERE, false), on)).toEqual(SUCCESS);
};
const reasons = () => log.lines.flatMap(({ fields }) => (fields["reason"] === undefined ? [] : [fields["reason"]]));

describe("a forwarded request", () => {
  it("is signed after a yes, which is asked once for the connection and names every hop", async () => {
    await forwardedLogin();
    answers = [true];
    for (let i = 0; i < 3; i++) expect((await ask(sign(login()))).kind).toBe("signature");
    expect(asked).toEqual([
      {
        kind: "forwarded",
        card: "card",
        program: "git",
        purpose: expect.objectContaining({ kind: "ssh-login", user: "root", hosts: ["web.example"], forwarded: true }),
        hops: [
          { names: [], fingerprint: keyFingerprint(bastion.blob) },
          { names: ["web.example"], fingerprint: keyFingerprint(web.blob) },
        ],
      },
    ]);
    answers = [false];
    expect([await ask(sign(GIT)), asked.length]).toEqual([FAILURE, 2]);
  });

  it("is refused after a no, which holds for the connection", async () => {
    await forwardedLogin();
    answers = [false];
    for (let i = 0; i < 3; i++) expect(await ask(sign(login()))).toEqual(FAILURE);
    expect(asked).toHaveLength(1);
    expect(reasons()).toEqual(["forwarded", "forwarded", "forwarded"]);
  });

  it("after a no on one connection is asked on another", async () => {
    answers = [false, true];
    const second = newConnectionState(log);
    for (const on of [state, second]) await forwardedLogin(on);
    expect([(await ask(sign(login()))).kind, (await ask(sign(login()), second)).kind]).toEqual([
      "failure",
      "signature",
    ]);
  });

  it("is asked again when the connection goes on to another server; a no is not", async () => {
    await ask(bind(bastion, HERE, true));
    answers = [true, false];
    expect((await ask(sign(GIT))).kind).toBe("signature");
    await ask(bind(web, THERE, false));
    expect(await ask(sign(login()))).toEqual(FAILURE);
    expect(asked.map((request) => request.kind === "forwarded" && request.hops.length)).toEqual([1, 2]);
  });

  it("is not asked about where the destination is allowed, or nothing would be signed anyway", async () => {
    await forwardedLogin();
    for (const data of [randomBytes(100), login(HERE), login().subarray(0, -1)])
      expect(await ask(sign(data))).toEqual(FAILURE);
    expect(await ask(sign(login(), fakeKey().blob))).toEqual(FAILURE);
    handle = handlerWith({ allowForwarded: (hostKeys) => hostKeys.length === 2 });
    expect((await ask(sign(login()))).kind).toBe("signature");
    expect(asked).toEqual([]);
  });

  it("over bytes of any form is refused without a question, whatever --allow-any-data says", async () => {
    handle = handlerWith({ allowAnyData: true });
    await ask(bind(bastion, HERE, true));
    expect(await ask(sign(randomBytes(100)))).toEqual(FAILURE);
    expect(asked).toEqual([]);
  });

  it.each([
    { what: "there is no prompt", make: () => handlerWith({}, false) },
    {
      what: "the prompt cannot be shown",
      make: () => {
        answers = [new PinError("PIN_NO_PROMPT", "no terminal")];
        return handlerWith({});
      },
    },
  ])("is refused where $what", async ({ make }) => {
    handle = make();
    await forwardedLogin();
    expect(await ask(sign(login()))).toEqual(FAILURE);
    expect(reasons()).toEqual(["forwarded"]);
    expect(keys.signed).toEqual([]);
  });

  it("takes its question away when the client leaves", async () => {
    await forwardedLogin();
    const answer = ask(sign(login()));
    await expect.poll(() => asked.length).toBe(1);
    client.abort(new Error("gone"));
    expect(await answer).toEqual(FAILURE);
    expect(log.lines.at(-1)?.fields).toMatchObject({ result: "abandoned" });
    expect(keys.signed).toEqual([]);
  });
});

describe("--confirm", () => {
  beforeEach(() => {
    handle = handlerWith({ confirm: true });
  });

  it("asks before each signature, with program and purpose", async () => {
    answers = [true, true];
    for (let i = 0; i < 2; i++) expect((await ask(sign())).kind).toBe("signature");
    const purpose = { kind: "sshsig", namespace: "git" };
    expect(asked).toEqual(Array(2).fill({ kind: "use", card: "card", program: "git", purpose }));
  });

  it.each([
    { what: "a no", answer: false },
    { what: "no way to ask", answer: new PinError("PIN_NO_PROMPT", "no terminal") },
  ])("fails the request at $what", async ({ answer }) => {
    answers = [answer];
    expect(await ask(sign())).toEqual(FAILURE);
    expect(reasons()).toEqual(["not-confirmed"]);
    expect(keys.signed).toEqual([]);
  });

  it("asks one question, not two, at the first forwarded request, and then one for each use", async () => {
    await forwardedLogin();
    answers = [true, true];
    for (let i = 0; i < 2; i++) expect((await ask(sign(login()))).kind).toBe("signature");
    expect(asked.map(({ kind }) => kind)).toEqual(["forwarded", "use"]);
  });
});

describe("a constrained key", () => {
  it("with confirm is asked about, and no other key", async () => {
    constraints.set("card", [{ kind: "confirm" }]);
    answers = [false];
    expect(await ask(sign())).toEqual(FAILURE);
    expect((await ask(sign(GIT, other.blob))).kind).toBe("signature");
    expect(asked).toHaveLength(1);
  });

  it("is seen and used only on the way that it is for", async () => {
    const to = { user: "", hostname: "web.example", keys: [{ keyBlob: web.blob, isCa: false }] };
    const from = { user: "", hostname: "", keys: [] };
    constraints.set("card", [{ kind: "restrict-destination", destinations: [{ from, to }] }]);
    const [toWeb, toBastion] = [newConnectionState(log), newConnectionState(log)];
    await ask(bind(web, THERE, false), toWeb);
    await ask(bind(bastion, HERE, false), toBastion);
    const listed = async (on: ConnectionState) => {
      const answer = await ask({ kind: "list" }, on);
      return answer.kind === "identities" && answer.identities.length === 2;
    };
    expect([await listed(state), await listed(toWeb), await listed(toBastion)]).toEqual([true, true, false]);
    expect((await ask(sign(login()), toWeb)).kind).toBe("signature");
    expect(await ask(sign(login()))).toEqual(FAILURE);
    expect(await ask(sign(GIT), toWeb)).toEqual(FAILURE);
    expect(reasons()).toEqual(["destination", "destination"]);
  });

  it("whose time ends while a person is asked signs nothing", async () => {
    constraints.set("card", [{ kind: "confirm" }, { kind: "lifetime", seconds: 60 }]);
    onAsk = () => {
      nowMs = 60_000;
    };
    answers = [true];
    expect(await ask(sign())).toEqual(FAILURE);
    expect(reasons()).toEqual(["key-removed"]);
  });
});

describe("remove", () => {
  it("takes the key out until its card is there again, and forgets its PIN", async () => {
    expect(await ask({ kind: "remove", keyBlob: key.blob })).toEqual(SUCCESS);
    expect(keys.forgotten).toBe(1);
    expect(await ask({ kind: "list" })).toMatchObject({ identities: [{ keyBlob: other.blob }] });
    expect(await ask(sign())).toEqual(FAILURE);
    expect(await ask({ kind: "remove", keyBlob: key.blob })).toEqual(FAILURE);
    constraints.restore("card");
    expect((await ask(sign())).kind).toBe("signature");
  });

  it.each([
    { what: "an unknown key", blob: fakeKey().blob },
    { what: "a certificate, which is a file", blob: userCertificate(key.blob) },
  ])("refuses $what", async ({ blob }) => {
    expect(await ask({ kind: "remove", keyBlob: blob })).toEqual(FAILURE);
    expect((await ask(sign())).kind).toBe("signature");
  });
});

describe("a key asked for by a certificate", () => {
  const certificate = userCertificate(key.blob);

  it("signs the login with that certificate, under the plain algorithm's name", async () => {
    const answer = await ask(sign(login(THERE, "root", certificate), certificate));
    if (answer.kind !== "signature") throw new Error(answer.kind);
    expect(decodeSignature(answer.signature).algorithm).toBe("rsa-sha2-512");
    expect(log.lines.at(-1)?.fields).toMatchObject({ key: keyFingerprint(key.blob), result: "signed" });
  });

  it.each([
    { what: "the plain key", data: login() },
    { what: "another certificate for it", data: login(THERE, "root", userCertificate(key.blob)) },
  ])("does not sign a login with $what", async ({ data }) => {
    expect(await ask(sign(data, certificate))).toEqual(FAILURE);
    expect(reasons().length).toBe(1);
  });
});

describe("a locked agent", () => {
  const LOCK: AgentRequest = { kind: "lock", passphrase: PASSWORD };
  const UNLOCK: AgentRequest = { kind: "unlock", passphrase: PASSWORD };

  it("has forgotten the PIN, lists nothing and signs nothing, until it is unlocked", async () => {
    expect(await ask(LOCK)).toEqual(SUCCESS);
    expect(keys.forgotten).toBe(1);
    expect(await ask({ kind: "list" })).toEqual({ kind: "identities", identities: [] });
    expect(await ask(sign())).toEqual(FAILURE);
    expect(await ask(LOCK)).toEqual(FAILURE);
    expect(await ask({ kind: "unlock", passphrase: utf8("wrong") })).toEqual(FAILURE);
    expect(await ask(sign())).toEqual(FAILURE);
    expect(await ask(UNLOCK)).toEqual(SUCCESS);
    expect((await ask(sign())).kind).toBe("signature");
    expect(await ask(UNLOCK)).toEqual(FAILURE);
    expect(JSON.stringify(log.lines)).not.toMatch(/sesame|wrong"/);
  });

  it("binds sessions as ever, and answers no other extension", async () => {
    await ask(LOCK);
    expect(await ask(bind(web, THERE, false))).toEqual(SUCCESS);
    expect(await ask({ kind: "extension", name: "session-bind@openssh.com", body: utf8("x") })).toEqual(
      EXTENSION_FAILURE,
    );
    expect(await ask({ kind: "extension", name: "query", body: new Uint8Array() })).toEqual(FAILURE);
  });

  it("honours remove-all, and no other change", async () => {
    await ask(LOCK);
    expect(await ask({ kind: "remove-all" })).toEqual(SUCCESS);
    expect(keys.forgotten).toBe(2);
    expect(await ask({ kind: "remove", keyBlob: key.blob })).toEqual(FAILURE);
    await ask(UNLOCK);
    expect((await ask(sign())).kind).toBe("signature");
  });

  it("ends what waits for a card or a person", async () => {
    keys.hold();
    constraints.set("other card", [{ kind: "confirm" }]);
    const waiting = [ask(sign()), ask(sign(GIT, other.blob))];
    await keys.nextHeld();
    await expect.poll(() => asked.length).toBe(1);
    expect(await ask(LOCK)).toEqual(SUCCESS);
    expect(await Promise.all(waiting)).toEqual([FAILURE, FAILURE]);
    expect(keys.signed).toEqual([]);
  });

  it("signs nothing that was asked for just before", async () => {
    onAsk = () => void lock.lock(PASSWORD);
    handle = handlerWith({ confirm: true });
    answers = [true];
    expect(await ask(sign())).toEqual(FAILURE);
    expect(reasons()).toEqual(["locked"]);
  });

  it("answers others while a wrong password is held back", async () => {
    await ask(LOCK);
    const held = deferred<void>();
    wait = () => held.promise;
    const refused = ask({ kind: "unlock", passphrase: utf8("wrong") });
    expect(await ask({ kind: "list" })).toEqual({ kind: "identities", identities: [] });
    expect(await ask(bind(web, THERE, false))).toEqual(SUCCESS);
    held.resolve();
    expect(await refused).toEqual(FAILURE);
  });
});

describe("--require-binding", () => {
  beforeEach(() => {
    handle = handlerWith({ requireBinding: true });
  });

  it("refuses a login on a connection that is not bound, and nothing else", async () => {
    expect(await ask(sign(login()))).toEqual(FAILURE);
    expect(reasons()).toEqual(["unbound"]);
    expect((await ask(sign())).kind).toBe("signature");
    await ask(bind(web, THERE, false));
    expect((await ask(sign(login()))).kind).toBe("signature");
  });
});
