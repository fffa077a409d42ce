import { randomBytes } from "node:crypto";
import { beforeEach, describe, expect, it } from "vitest";
import type { ConnectionFacts } from "../../agent/destination-rules.ts";
import { KeyConstraints } from "../../agent/key-constraints.ts";
import { utf8 } from "../../lib/bytes.ts";
import type { Constraint } from "../../lib/ssh/constraints.ts";
import type { DestinationConstraint } from "../../lib/ssh/destination-constraint.ts";
import { encodeSshsig } from "../../lib/ssh/sshsig.ts";
import { encodeUserauth, METHOD_HOSTBOUND, METHOD_PUBLICKEY } from "../../lib/ssh/userauth.ts";
import { type CertifiedHost, certifiedHost } from "../helpers/host-certificate.ts";
import { hostKey } from "../helpers/host-key.ts";

const A = hostKey().blob;
const B = hostKey().blob;
const C = hostKey().blob;
const NOW = 1_800_000_000;
const authority = certifiedHost();

const hop = (hostname: string, keyBlob?: Uint8Array, user = "", isCa = false) => ({
  user,
  hostname,
  keys: keyBlob === undefined ? [] : [{ keyBlob, isCa }],
});
const ORIGIN = hop("");
const TO_A: DestinationConstraint = { from: ORIGIN, to: hop("a", A) };
const A_TO_B: DestinationConstraint = { from: hop("a", A), to: hop("b", B) };
const ROOT_AT_A: DestinationConstraint = { from: ORIGIN, to: hop("a", A, "ro?t") };
const ROOT_AT_B: DestinationConstraint = { from: hop("a", A), to: hop("b", B, "root") };
const TO_CERTIFIED: DestinationConstraint = { from: ORIGIN, to: hop("web.example", authority.authorityBlob, "", true) };

const forward = (key: Uint8Array) => ({ hostKey: key, sessionId: new Uint8Array(randomBytes(32)), isForwarding: true });
const bind = (key: Uint8Array) => ({ ...forward(key), isForwarding: false });
const connection = (...bindings: ConnectionFacts["bindings"]): ConnectionFacts => ({ bindings, bindAttempted: true });
const LOCAL: ConnectionFacts = { bindings: [], bindAttempted: false };
const FAILED_BIND: ConnectionFacts = { bindings: [], bindAttempted: true };

const login = (user: string, hostBound: boolean): Uint8Array =>
  encodeUserauth({
    sessionId: randomBytes(32),
    user,
    service: "ssh-connection",
    method: hostBound ? METHOD_HOSTBOUND : METHOD_PUBLICKEY,
    algorithm: "rsa-sha2-512",
    keyBlob: utf8("key"),
    hostKey: hostBound ? A : undefined,
  });
const SSHSIG = encodeSshsig({ namespace: "git", hashAlgorithm: "sha512", digest: randomBytes(64) });

let nowMs: number;
let constraints: KeyConstraints;

beforeEach(() => {
  nowMs = 5000;
  constraints = new KeyConstraints({ now: () => nowMs, unixSeconds: () => NOW });
});

const restrictTo = (...destinations: DestinationConstraint[]): Constraint => ({
  kind: "restrict-destination",
  destinations,
});

/** As in ssh-agent.c, identity_permitted and process_sign_request2. */
interface Case {
  readonly what: string;
  readonly to: readonly DestinationConstraint[];
  readonly on: ConnectionFacts;
  readonly listed: boolean;
  /** A login as `user` (default root); `plain`: without naming its host key. */
  readonly signs: boolean;
  readonly user?: string;
  readonly plain?: boolean;
}

const certified = (change: Parameters<CertifiedHost["certificate"]>[0] = {}) =>
  connection(bind(authority.certificate({ principals: ["web.example"], ...change })));

const CASES: readonly Case[] = [
  { what: "no binding at all", to: [TO_A], on: LOCAL, listed: true, signs: false },
  { what: "a binding that was not proved", to: [TO_A], on: FAILED_BIND, listed: false, signs: false },
  { what: "the host", to: [TO_A], on: connection(bind(A)), listed: true, signs: true },
  { what: "the host, not naming its key", to: [TO_A], on: connection(bind(A)), listed: true, signs: true, plain: true },
  { what: "another host", to: [TO_A], on: connection(bind(B)), listed: false, signs: false },
  {
    what: "one of two hosts",
    to: [TO_A, { from: ORIGIN, to: hop("b", B) }],
    on: connection(bind(B)),
    listed: true,
    signs: true,
  },
  { what: "the host, as the right user", to: [ROOT_AT_A], on: connection(bind(A)), listed: true, signs: true },
  {
    what: "the host, as another user",
    to: [ROOT_AT_A],
    on: connection(bind(A)),
    listed: true,
    signs: false,
    user: "rot",
  },
  {
    what: "a host that is for the second hop only, directly",
    to: [TO_A, A_TO_B],
    on: connection(bind(B)),
    listed: false,
    signs: false,
  },
  { what: "the second hop", to: [TO_A, A_TO_B], on: connection(forward(A), bind(B)), listed: true, signs: true },
  {
    what: "the second hop, not naming its key",
    to: [TO_A, A_TO_B],
    on: connection(forward(A), bind(B)),
    listed: true,
    signs: false,
    plain: true,
  },
  {
    what: "the second hop, as another user",
    to: [TO_A, ROOT_AT_B],
    on: connection(forward(A), bind(B)),
    listed: true,
    signs: false,
    user: "guest",
  },
  {
    what: "the second hop from another host",
    to: [TO_A, A_TO_B, { from: ORIGIN, to: hop("c", C) }],
    on: connection(forward(C), bind(B)),
    listed: false,
    signs: false,
  },
  {
    what: "the second hop without the first",
    to: [A_TO_B],
    on: connection(forward(A), bind(B)),
    listed: false,
    signs: false,
  },
  {
    what: "a third hop",
    to: [TO_A, A_TO_B],
    on: connection(forward(A), forward(B), bind(C)),
    listed: false,
    signs: false,
  },
  {
    what: "forwarded to a host that it may go on from",
    to: [TO_A, A_TO_B],
    on: connection(forward(A)),
    listed: true,
    signs: false,
  },
  { what: "forwarded to a host that it ends at", to: [TO_A], on: connection(forward(A)), listed: false, signs: false },
  {
    what: "forwarded through a login",
    to: [TO_A, A_TO_B],
    on: connection(bind(A), bind(B)),
    listed: false,
    signs: false,
  },
  { what: "a certified host", to: [TO_CERTIFIED], on: certified(), listed: true, signs: true },
  {
    what: "a certified host with a pattern",
    to: [TO_CERTIFIED],
    on: certified({ principals: ["*.example"] }),
    listed: true,
    signs: true,
  },
  {
    what: "a certified host of another name",
    to: [TO_CERTIFIED],
    on: certified({ principals: ["db.example"] }),
    listed: false,
    signs: false,
  },
  {
    what: "a certified host without a name",
    to: [TO_CERTIFIED],
    on: certified({ principals: [] }),
    listed: false,
    signs: false,
  },
  {
    what: "a host certificate that is over",
    to: [TO_CERTIFIED],
    on: certified({ validBefore: BigInt(NOW) }),
    listed: false,
    signs: false,
  },
  {
    what: "a host certificate that has not begun",
    to: [TO_CERTIFIED],
    on: certified({ validAfter: BigInt(NOW + 1) }),
    listed: false,
    signs: false,
  },
  {
    what: "a user certificate of the authority",
    to: [TO_CERTIFIED],
    on: certified({ role: 1 }),
    listed: false,
    signs: false,
  },
  {
    what: "a host certificate with a critical option",
    to: [TO_CERTIFIED],
    on: certified({ criticalOption: "x@example.com" }),
    listed: false,
    signs: false,
  },
  {
    what: "a host certificate that the authority did not sign",
    to: [TO_CERTIFIED],
    on: certified({ forged: true }),
    listed: false,
    signs: false,
  },
  {
    what: "a certificate of another authority",
    to: [TO_CERTIFIED],
    on: connection(bind(certifiedHost().certificate({ principals: ["web.example"] }))),
    listed: false,
    signs: false,
  },
  {
    what: "the authority's own key as a host",
    to: [TO_CERTIFIED],
    on: connection(bind(authority.authorityBlob)),
    listed: false,
    signs: false,
  },
  {
    what: "a certificate for a host whose plain key is meant",
    to: [{ from: ORIGIN, to: hop("web.example", authority.hostBlob) }],
    on: certified(),
    listed: false,
    signs: false,
  },
  { what: "an empty list, which is no restriction", to: [], on: connection(bind(C)), listed: true, signs: true },
];

describe("destinations", () => {
  it.each(CASES)("$what", ({ to, on, listed, signs, user = "root", plain = false }) => {
    expect(constraints.set("key", [restrictTo(...to)])).toBe(true);
    expect(constraints.lists("key", on)).toBe(listed);
    const permission = constraints.permits("key", on, login(user, !plain));
    expect(permission).toMatchObject(signs ? { kind: "permitted", confirm: false } : { reason: "destination" });
  });

  it("let nothing be signed but logins", () => {
    constraints.set("key", [restrictTo(TO_A)]);
    const on = connection(bind(A));
    expect(constraints.permits("key", on, SSHSIG)).toMatchObject({ kind: "refused", reason: "destination" });
    expect(constraints.permits("other", on, SSHSIG)).toEqual({ kind: "permitted", confirm: false });
  });

  it("are kept when the frame that they came in is wiped", () => {
    const blob = new Uint8Array(A);
    constraints.set("key", [restrictTo({ from: ORIGIN, to: hop("a", blob) })]);
    blob.fill(0);
    expect(constraints.lists("key", connection(bind(A)))).toBe(true);
  });
});

describe("lifetime", () => {
  it("ends by the monotonic clock; then the key counts as removed", () => {
    constraints.set("key", [{ kind: "lifetime", seconds: 60 }]);
    nowMs += 59_999;
    expect(constraints.permits("key", LOCAL, SSHSIG)).toMatchObject({ kind: "permitted" });
    nowMs += 1;
    expect(constraints.permits("key", LOCAL, SSHSIG)).toMatchObject({ kind: "refused", reason: "key-removed" });
    expect(constraints.lists("key", LOCAL)).toBe(false);
    expect(constraints.remove("key")).toBe(false);
    constraints.restore("key");
    expect(constraints.lists("key", LOCAL)).toBe(true);
  });

  it("of 0 is none", () => {
    constraints.set("key", [{ kind: "lifetime", seconds: 0 }]);
    nowMs = Number.MAX_SAFE_INTEGER;
    expect(constraints.lists("key", LOCAL)).toBe(true);
  });
});

describe("a key", () => {
  it("that was removed is not listed and signs nothing, until its card is there again", () => {
    expect(constraints.remove("key")).toBe(true);
    expect(constraints.remove("key")).toBe(false);
    expect(constraints.lists("key", LOCAL)).toBe(false);
    expect(constraints.permits("key", LOCAL, SSHSIG)).toMatchObject({ reason: "key-removed" });
    expect(constraints.lists("other", LOCAL)).toBe(true);
    constraints.restore("key");
    expect(constraints.lists("key", LOCAL)).toBe(true);
  });

  it("that is added again has the new constraints alone", () => {
    constraints.set("key", [{ kind: "confirm" }, restrictTo(TO_A)]);
    expect(constraints.permits("key", connection(bind(A)), login("root", true))).toEqual({
      kind: "permitted",
      confirm: true,
    });
    constraints.set("key", [{ kind: "lifetime", seconds: 1 }]);
    expect(constraints.permits("key", LOCAL, SSHSIG)).toEqual({ kind: "permitted", confirm: false });
    constraints.remove("key");
    constraints.set("key", []);
    expect(constraints.lists("key", LOCAL)).toBe(true);
  });

  it("keeps its constraints when its card comes back", () => {
    constraints.set("key", [{ kind: "confirm" }]);
    constraints.restore("key");
    expect(constraints.permits("key", LOCAL, SSHSIG)).toEqual({ kind: "permitted", confirm: true });
  });

  it.each<Constraint>([
    { kind: "sk-provider", path: "/usr/lib/x.so" },
    { kind: "associated-certs", certsOnly: false, certificates: [] },
  ])("takes no $kind, and stays as it was", (constraint) => {
    constraints.set("key", [{ kind: "confirm" }]);
    expect(constraints.set("key", [constraint])).toBe(false);
    expect(constraints.permits("key", LOCAL, SSHSIG)).toEqual({ kind: "permitted", confirm: true });
  });
});
