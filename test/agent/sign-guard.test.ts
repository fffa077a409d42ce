import { randomBytes } from "node:crypto";
import { describe, expect, it } from "vitest";
import {
  ALLOWED,
  BINDING,
  BOUND,
  bastion,
  decide,
  FLAGS,
  FORM,
  FORWARDED,
  FORWARDING_ONLY,
  hostbound,
  LOGIN,
  login,
  SESSION,
  STRICT,
  server,
  sshsig,
  UNBOUND_LOGINS,
} from "./sign-guard-cases.ts";

describe("signed", () => {
  it.each(ALLOWED)("$what", ({ data, change, purpose, algorithm = "rsa-sha2-512" }) => {
    expect(decide(data, change)).toEqual({ kind: "allowed", purpose, algorithm });
  });
});

describe("refused", () => {
  it.each([...FORM, ...BINDING, ...UNBOUND_LOGINS, ...FLAGS])("$what", ({ data, change, reason }) => {
    expect(decide(data, change)).toMatchObject({ kind: "refused", reason });
  });

  it("the forged requests are at least 30", () => {
    expect(FORM.length + BINDING.length + FLAGS.length).toBeGreaterThanOrEqual(30);
  });

  it("a login in which any one byte of the form is changed, or any number of bytes is cut off", () => {
    const good = hostbound();
    for (let end = 0; end < good.length; end++)
      expect(decide(good.subarray(0, end), { bindings: BOUND }).kind, `${end} bytes`).toBe("refused");
    const user = 4 + SESSION.length + 1 + 4; // any user's name is a good one
    for (let at = 0; at < good.length; at++) {
      if (at >= user && at < user + 4) continue;
      const bad = new Uint8Array(good);
      bad[at] = (bad[at] ?? 0) ^ 1;
      expect(decide(bad, { bindings: BOUND }).kind, `byte ${at}`).toBe("refused");
    }
  });
});

describe("--allow-any-data", () => {
  const policy = { ...STRICT, allowAnyData: true };

  it.each(FORM)("lifts: $what", ({ data, change }) => {
    const decision = decide(data, { ...change, policy });
    expect(decision).toMatchObject({ kind: "allowed", purpose: { kind: "any-data" }, algorithm: "rsa-sha2-512" });
  });

  it.each([...BINDING, ...UNBOUND_LOGINS, ...FLAGS])("does not lift: $what", ({ data, change, reason }) => {
    const decision = decide(data, { ...change, policy: { ...change?.policy, ...policy } });
    expect(decision).toMatchObject({ kind: "refused", reason });
  });

  it("does not hide what a login is", () => {
    expect(decide(login(), { policy })).toMatchObject({ kind: "allowed", purpose: LOGIN });
  });

  it("gives a forwarding host nothing", () => {
    expect(decide(randomBytes(100), { policy, bindings: FORWARDING_ONLY })).toMatchObject({ reason: "forwarded" });
  });
});

describe("the policy of forwarding", () => {
  it("says what is signed once a person agrees, where nothing else is against it", () => {
    expect(decide(hostbound(), { bindings: FORWARDED })).toMatchObject({
      kind: "refused",
      unlessAgreed: { kind: "allowed", purpose: { kind: "ssh-login", forwarded: true }, algorithm: "rsa-sha2-512" },
    });
    for (const { data, change } of [...FORM, ...FLAGS])
      expect(decide(data, { ...change, bindings: FORWARDED })).not.toHaveProperty("unlessAgreed");
    const anyData = decide(randomBytes(100), { bindings: FORWARDED, policy: { ...STRICT, allowAnyData: true } });
    expect(anyData).not.toHaveProperty("unlessAgreed");
  });

  it("lets what is no login through only if each hop is allowed: whoever sits on one can bind to the others", () => {
    const allow = (...allowed: readonly Uint8Array[]) => ({
      ...STRICT,
      allowAnyData: true,
      allowForwarded: (hostKeys: readonly Uint8Array[]) => allowed.includes(hostKeys.at(-1) ?? bastion.blob),
    });
    const onlyLast = { bindings: FORWARDED, policy: allow(FORWARDED.bindings[1]?.hostKey ?? bastion.blob) };
    expect(decide(hostbound(), onlyLast).kind).toBe("allowed");
    expect(decide(sshsig("git"), onlyLast)).toMatchObject({ reason: "forwarded", unlessAgreed: { kind: "allowed" } });
    expect(decide(randomBytes(100), onlyLast)).toMatchObject({ reason: "forwarded" });
    const both = { bindings: FORWARDED, policy: allow(...FORWARDED.bindings.map(({ hostKey }) => hostKey)) };
    for (const data of [sshsig("git"), randomBytes(100)]) expect(decide(data, both).kind).toBe("allowed");
  });

  it("is asked with the host keys of all hops in order", () => {
    const asked: (readonly Uint8Array[])[] = [];
    const allowForwarded = (hostKeys: readonly Uint8Array[]): boolean => {
      asked.push(hostKeys);
      return false;
    };
    decide(hostbound(), { bindings: FORWARDED, policy: { ...STRICT, allowForwarded } });
    decide(hostbound(), { bindings: BOUND, policy: { ...STRICT, allowForwarded } });
    expect(asked).toEqual([[bastion.blob, server.blob]]);
  });
});
