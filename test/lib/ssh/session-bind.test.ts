import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ByteWriter, concatBytes, fromHex, toHex, utf8 } from "../../../lib/bytes.ts";
import { keyTypeOf } from "../../../lib/ssh/public-key.ts";
import { decodeSessionBind, encodeSessionBind, verifySessionBind } from "../../../lib/ssh/session-bind.ts";
import { decodeSignature } from "../../../lib/ssh/signature.ts";
import { expectTotal } from "../../helpers/mutations.ts";
import { loadVectors } from "../../helpers/vectors.ts";

interface BindVector {
  readonly name: string;
  readonly body: string;
  readonly expect: {
    readonly hostKeyType: string;
    readonly sessionIdBytes: number;
    readonly algorithm: string;
    readonly isForwarding: boolean;
  };
}

const { binds } = loadVectors<{ binds: readonly BindVector[] }>("session-bind.json");
const malformed = expect.objectContaining({ code: "MALFORMED" });

describe.each(binds)("$name: $expect.hostKeyType, $expect.algorithm, $expect.sessionIdBytes bytes", (vector) => {
  const body = fromHex(vector.body);
  const bind = decodeSessionBind(body);

  test("has the fields a separate parser found, and is encoded as it was", () => {
    expect({
      hostKeyType: keyTypeOf(bind.hostKey),
      sessionIdBytes: bind.sessionId.length,
      algorithm: decodeSignature(bind.signature).algorithm,
      isForwarding: bind.isForwarding,
    }).toEqual(vector.expect);
    expect(toHex(encodeSessionBind(bind))).toBe(vector.body);
  });

  test("is a real server's signature", () => {
    expect(verifySessionBind(bind)).toBe("valid");
  });

  test("a changed session id, a session id cut short and another server's key are not", () => {
    const sessionId = new Uint8Array(bind.sessionId);
    sessionId[0] = (sessionId[0] ?? 0) ^ 1;
    expect(verifySessionBind({ ...bind, sessionId })).toBe("invalid");
    expect(verifySessionBind({ ...bind, sessionId: bind.sessionId.subarray(1) })).toBe("invalid");
  });

  test("nor is a changed signature", () => {
    const signature = new Uint8Array(bind.signature);
    signature[signature.length - 1] = (signature.at(-1) ?? 0) ^ 1;
    expect(verifySessionBind({ ...bind, signature })).toBe("invalid");
  });

  test("nothing may follow or be missing", () => {
    expect(() => decodeSessionBind(concatBytes(body, new Uint8Array(1)))).toThrow(malformed);
    for (let length = 0; length < body.length; length++)
      expect(() => decodeSessionBind(body.subarray(0, length)), `${length} bytes`).toThrow(malformed);
  });
});

test("there is a vector for every type of host key, plain and certified, and every length of session id", () => {
  const types = new Set(binds.map((vector) => vector.expect.hostKeyType));
  for (const type of ["ssh-rsa", "ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521"])
    for (const name of [type, `${type}-cert-v01@openssh.com`]) expect(types).toContain(name);
  expect(new Set(binds.map((vector) => vector.expect.sessionIdBytes))).toEqual(new Set([32, 48, 64]));
});

test("a signature by one server's key is not another's", () => {
  const [a, b] = binds
    .filter((vector) => vector.expect.algorithm === "rsa-sha2-512")
    .map((vector) => decodeSessionBind(fromHex(vector.body)));
  if (a === undefined || b === undefined) return expect.fail("two RSA binds are needed");
  expect(verifySessionBind({ ...a, signature: b.signature })).toBe("invalid");
});

describe("limits", () => {
  const bind = { hostKey: utf8("key"), signature: utf8("signature"), isForwarding: true };

  test("a session id of 1 to 128 bytes", () => {
    for (const length of [1, 128]) {
      const sessionId = new Uint8Array(length);
      expect(decodeSessionBind(encodeSessionBind({ ...bind, sessionId })).sessionId).toEqual(sessionId);
    }
    expect(() => decodeSessionBind(encodeSessionBind({ ...bind, sessionId: new Uint8Array(0) }))).toThrow(malformed);
    expect(() => decodeSessionBind(encodeSessionBind({ ...bind, sessionId: new Uint8Array(129) }))).toThrow(
      expect.objectContaining({ code: "TOO_LARGE" }),
    );
  });

  test("a type of host key not known here is unsupported, whatever its signature looks like", () => {
    const hostKey = new ByteWriter().string("ssh-mldsa44-ed25519@openssh.com").string("key").finish();
    expect(verifySessionBind({ ...bind, hostKey, sessionId: new Uint8Array(32) })).toBe("unsupported");
  });
});

test("decode(encode(x)) = x", () => {
  const bytes = fc.uint8Array({ maxLength: 80 });
  const any = fc.record({
    hostKey: bytes,
    sessionId: fc.uint8Array({ minLength: 1, maxLength: 128 }),
    signature: bytes,
    isForwarding: fc.boolean(),
  });
  fc.assert(
    fc.property(any, (bind) => {
      expect(decodeSessionBind(encodeSessionBind(bind))).toEqual(bind);
    }),
  );
});

test("random and mutated binds are decoded and verified without any other error", () => {
  const seeds = binds.map((vector) => fromHex(vector.body));
  expectTotal((bytes) => verifySessionBind(decodeSessionBind(bytes)), seeds, 3000);
});
