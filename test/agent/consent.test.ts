import { describe, expect, it } from "vitest";
import { ForwardingConsent } from "../../agent/consent.ts";
import type { Binding } from "../../agent/session-bindings.ts";
import type { SignPurpose } from "../../lib/keys.ts";

const ONE: Binding = { hostKey: new Uint8Array(1), sessionId: new Uint8Array(1), isForwarding: true };
const WAY = [ONE, ONE];
const LOGIN: SignPurpose = { kind: "ssh-login", user: "root", hosts: [], forwarded: true };
const GIT: SignPurpose = { kind: "sshsig", namespace: "git" };
const FILE: SignPurpose = { kind: "sshsig", namespace: "file" };

function answered(yes: boolean, purpose: SignPurpose): ForwardingConsent {
  const consent = new ForwardingConsent();
  expect(consent.answerFor(WAY, purpose)).toBeUndefined();
  consent.keep(yes, WAY, purpose);
  return consent;
}

describe("ForwardingConsent", () => {
  it("a yes is for the same use over the same way", () => {
    const consent = answered(true, LOGIN);
    expect(consent.answerFor(WAY, { ...LOGIN, user: "git" })).toBe(true);
    expect(consent.answerFor([...WAY, ONE], LOGIN)).toBeUndefined();
    for (const purpose of [GIT, FILE]) expect(consent.answerFor(WAY, purpose)).toBeUndefined();
  });

  it("a yes to one namespace is none to another, nor to a login", () => {
    const consent = answered(true, GIT);
    expect([GIT, FILE, LOGIN].map((purpose) => consent.answerFor(WAY, purpose))).toEqual([true, undefined, undefined]);
  });

  it("a no is for all that comes later", () => {
    const consent = answered(false, GIT);
    for (const purpose of [GIT, FILE, LOGIN]) expect(consent.answerFor([...WAY, ONE], purpose)).toBe(false);
  });
});
