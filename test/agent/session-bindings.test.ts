import { randomBytes } from "node:crypto";
import { beforeEach, describe, expect, it } from "vitest";
import { MAX_BINDINGS, SessionBindings } from "../../agent/session-bindings.ts";
import { ByteWriter } from "../../lib/bytes.ts";
import { encodeSessionBind, type SessionBind } from "../../lib/ssh/session-bind.ts";
import { hostKey } from "../helpers/host-key.ts";

const server = hostKey();
const other = hostKey();
const id = (): Uint8Array => new Uint8Array(randomBytes(32));

let bindings: SessionBindings;
beforeEach(() => {
  bindings = new SessionBindings();
});
const bind = (claim: SessionBind) => bindings.bind(encodeSessionBind(claim)).kind;

describe("a proved binding", () => {
  it("is kept with its own bytes", () => {
    const claim = server.bind(id(), true);
    const body = encodeSessionBind(claim);
    expect(bindings.bind(body).kind).toBe("bound");
    body.fill(0);
    expect(bindings.bindings).toEqual([{ hostKey: server.blob, sessionId: claim.sessionId, isForwarding: true }]);
    expect(bindings.unprovenForwarding).toBe(false);
  });

  it("may follow others of forwarding servers, also of the same server with another session", () => {
    expect([bind(server.bind(id(), true)), bind(server.bind(id(), true)), bind(other.bind(id()))]).toEqual([
      "bound",
      "bound",
      "bound",
    ]);
    expect(bindings.bindings.map(({ isForwarding }) => isForwarding)).toEqual([true, true, false]);
  });

  it("said again is fine, and adds nothing", () => {
    const claim = server.bind(id(), true);
    bind(claim);
    expect(bind(claim)).toBe("repeated");
    expect(bind({ ...claim, isForwarding: false })).toBe("repeated");
    expect(bindings.bindings).toHaveLength(1);
    expect(bindings.bindings[0]?.isForwarding).toBe(true);
  });
});

describe("refused", () => {
  it("anything after a binding for a login, even the same again", () => {
    const login = server.bind(id());
    bind(login);
    expect([bind(login), bind(other.bind(id())), bind(other.bind(id(), true))]).toEqual(Array(3).fill("refused"));
    expect(bindings.bindings).toHaveLength(1);
  });

  it("the same session with another host key", () => {
    const sessionId = id();
    bind(server.bind(sessionId, true));
    expect(bind(other.bind(sessionId, true))).toBe("refused");
  });

  it("one more than the cap", () => {
    for (let i = 0; i < MAX_BINDINGS; i++) expect(bind(server.bind(id(), true))).toBe("bound");
    expect(bind(server.bind(id()))).toBe("refused");
    expect(bindings.bindings).toHaveLength(MAX_BINDINGS);
  });

  const good = server.bind(id());
  const flipped = new Uint8Array(good.signature);
  flipped[flipped.length - 1] = (flipped.at(-1) ?? 0) ^ 1;
  const unknownKey = new ByteWriter().string("ssh-mldsa44-ed25519@openssh.com").string("key").finish();
  it.each([
    { what: "a signature with a flipped bit", claim: { ...good, signature: flipped } },
    { what: "another host's signature", claim: { ...good, hostKey: other.blob } },
    { what: "a signature over another session", claim: { ...good, sessionId: id() } },
    { what: "an unknown type of host key", claim: { ...good, hostKey: unknownKey } },
    { what: "a host key that is none", claim: { ...good, hostKey: new Uint8Array(3) } },
    { what: "a signature that is none", claim: { ...good, signature: new Uint8Array(2) } },
    { what: "an empty session id", claim: { ...good, sessionId: new Uint8Array() } },
  ])("$what", ({ claim }) => {
    expect(bind(claim)).toBe("refused");
    expect(bindings.bindings).toEqual([]);
    // A claim that cannot be read at all may have been one of forwarding.
    expect(bindings.unprovenForwarding).toBe(claim.sessionId.length === 0);
    expect(bind({ ...claim, isForwarding: true })).toBe("refused");
    expect(bindings.unprovenForwarding).toBe(true);
  });

  it.each([
    { what: "no body", body: new Uint8Array() },
    { what: "a body cut short", body: encodeSessionBind(good).subarray(0, -1) },
    { what: "a byte too many", body: Uint8Array.of(...encodeSessionBind(good), 0) },
  ])("$what, which may have been a forwarding", ({ body }) => {
    expect(bindings.bind(body).kind).toBe("refused");
    expect(bindings.unprovenForwarding).toBe(true);
  });
});
