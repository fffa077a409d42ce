import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { concatBytes, fromHex, toHex, utf8 } from "../../../lib/bytes.ts";
import { describeSignData, type SignData } from "../../../lib/ssh/sign-data.ts";
import { rsaAlgorithmNamed } from "../../../lib/ssh/signature.ts";
import { decodeSshsig, encodeSshsig } from "../../../lib/ssh/sshsig.ts";
import { decodeUserauth, encodeUserauth, type UserauthRequest } from "../../../lib/ssh/userauth.ts";
import { expectTotal } from "../../helpers/mutations.ts";
import { asVector, loadVectors } from "../../helpers/vectors.ts";

interface DataVector {
  readonly name: string;
  readonly data: string;
  readonly flags?: number;
  readonly expect: { readonly kind: SignData["kind"] };
}

const { data: vectors } = loadVectors<{ data: readonly DataVector[] }>("sign-data.json");
const ofKind = (kind: SignData["kind"]) => vectors.filter((vector) => vector.expect.kind === kind);
const malformed = expect.objectContaining({ code: "MALFORMED" });
const refused = expect.objectContaining({ code: expect.stringMatching(/^(MALFORMED|TOO_LARGE)$/) });

test.each(vectors)("$name is $expect.kind", ({ data, expect: fields }) => {
  expect(asVector(describeSignData(fromHex(data)))).toEqual(fields);
});

test("every kind has a vector", () => {
  const kinds = ["userauth", "sshsig", "certificate", "host-key-proof", "bare-hash", "unknown"];
  expect(new Set(vectors.map((vector) => vector.expect.kind))).toEqual(new Set(kinds));
});

describe.each(ofKind("userauth"))("userauth: $name", ({ data, flags }) => {
  const bytes = fromHex(data);

  test("is encoded as it was; its algorithm fits the flags", () => {
    const request = decodeUserauth(bytes);
    if (request === null) return expect.fail("not mine");
    expect(toHex(encodeUserauth(request))).toBe(data);
    expect(rsaAlgorithmNamed(request.algorithm)).toBe(flags === 2 ? "rsa-sha2-256" : "rsa-sha2-512");
  });

  test("is broken, not unknown, when a byte follows or is missing", () => {
    const wrong = [concatBytes(bytes, new Uint8Array(1)), bytes.subarray(0, -1), bytes.subarray(0, 70)];
    for (const broken of wrong) {
      expect(() => decodeUserauth(broken)).toThrow(malformed);
      expect(describeSignData(broken)).toEqual({
        kind: "unknown",
        bytes: broken.length,
        fault: expect.stringContaining("user authentication request"),
      });
    }
  });
});

describe("userauth with one field wrong", () => {
  const good: Omit<UserauthRequest, "kind"> = {
    sessionId: new Uint8Array(32).fill(1),
    user: "root",
    service: "ssh-connection",
    method: "publickey-hostbound-v00@openssh.com",
    algorithm: "rsa-sha2-512",
    keyBlob: utf8("key"),
    hostKey: utf8("host key"),
  };
  const bytes = encodeUserauth(good);
  const flagAt = 4 + 32 + 1 + (4 + 4) + (4 + 14) + (4 + 35);

  test("the good one is taken", () => {
    expect(decodeUserauth(bytes)).toEqual({ kind: "userauth", ...good });
    expect(bytes[flagAt]).toBe(1);
  });

  test.each([0, 2, 255])("has_signature %i", (value) => {
    const wrong = new Uint8Array(bytes);
    wrong[flagAt] = value;
    expect(() => decodeUserauth(wrong)).toThrow(malformed);
  });

  test.each([49, 51, 0, 60])("message %i is not mine", (value) => {
    const other = new Uint8Array(bytes);
    other[36] = value;
    expect(decodeUserauth(other)).toBeNull();
  });

  test.each([0, 129, 200])("a session id of %i bytes is not mine", (length) => {
    expect(decodeUserauth(encodeUserauth({ ...good, sessionId: new Uint8Array(length) }))).toBeNull();
  });

  test.each([1, 20, 48, 64, 128])("a session id of %i bytes is taken", (length) => {
    expect(decodeUserauth(encodeUserauth({ ...good, sessionId: new Uint8Array(length) }))).not.toBeNull();
  });

  test("the plain method with a host key after it", () => {
    expect(() => decodeUserauth(encodeUserauth({ ...good, method: "publickey" }))).toThrow(malformed);
  });

  test("the hostbound method without a host key", () => {
    expect(() => decodeUserauth(encodeUserauth({ ...good, hostKey: undefined }))).toThrow(malformed);
  });

  test.each(["password", "hostbased", "publickey\0", "publickey-hostbound-v01@openssh.com", ""])(
    "method %j",
    (method) => {
      const at = toHex(bytes).indexOf(toHex(utf8(good.method))) / 2;
      const length = new Uint8Array(4);
      new DataView(length.buffer).setUint32(0, method.length);
      const wrong = concatBytes(bytes.subarray(0, at - 4), length, utf8(method), bytes.subarray(at + 35));
      expect(() => decodeUserauth(wrong)).toThrow(malformed);
    },
  );

  test("a user name that is not UTF-8", () => {
    const wrong = new Uint8Array(bytes);
    wrong[4 + 32 + 1 + 4] = 0xff;
    expect(() => decodeUserauth(wrong)).toThrow(malformed);
  });

  test("every cut after the message number, and every field's length changed", () => {
    for (let length = 37; length < bytes.length; length++)
      expect(() => decodeUserauth(bytes.subarray(0, length)), `${length} bytes`).toThrow(malformed);
    for (const at of [37, 45, 63, flagAt + 1, flagAt + 17, flagAt + 24]) {
      const wrong = new Uint8Array(bytes);
      wrong[at] = 0xff;
      expect(() => decodeUserauth(wrong), `length at ${at}`).toThrow(refused);
    }
  });
});

describe("SSHSIG", () => {
  test.each(ofKind("sshsig"))("$name is encoded as it was", ({ data }) => {
    const decoded = decodeSshsig(fromHex(data));
    if (decoded === null) return expect.fail("not mine");
    expect(toHex(encodeSshsig(decoded))).toBe(data);
  });

  const digest = new Uint8Array(64);
  const good = encodeSshsig({ namespace: "git", hashAlgorithm: "sha512", digest });

  test("git's has 95 bytes", () => {
    expect(good.length).toBe(95);
  });

  test.each([
    ["an empty namespace", encodeSshsig({ namespace: "", hashAlgorithm: "sha512", digest })],
    ["a digest of the other hash", encodeSshsig({ namespace: "git", hashAlgorithm: "sha256", digest })],
    ["a short digest", encodeSshsig({ namespace: "git", hashAlgorithm: "sha512", digest: digest.subarray(1) })],
    ["another hash", concatBytes(good.subarray(0, 17), fromHex("00000004"), utf8("sha1"), good.subarray(27))],
    ["a hash in capitals", concatBytes(good.subarray(0, 21), utf8("SHA512"), good.subarray(27))],
    ["a byte after it", concatBytes(good, new Uint8Array(1))],
    ["the signature file's form", concatBytes(utf8("SSHSIG"), fromHex("00000001"), good.subarray(6))],
    ["the magic alone", utf8("SSHSIG")],
  ])("%s is malformed", (_name, data) => {
    expect(() => decodeSshsig(data)).toThrow(refused);
    expect(describeSignData(data)).toMatchObject({ kind: "unknown", fault: expect.stringContaining("SSHSIG") });
  });

  test("something in the reserved field is refused", () => {
    const data = concatBytes(good.subarray(0, 13), fromHex("0000000178"), good.subarray(17));
    expect(() => decodeSshsig(data)).toThrow(refused);
  });

  test("every cut after the magic is malformed, before it not mine", () => {
    for (let length = 0; length < good.length; length++) {
      if (length < 6) expect(decodeSshsig(good.subarray(0, length))).toBeNull();
      else expect(() => decodeSshsig(good.subarray(0, length)), `${length} bytes`).toThrow(refused);
    }
  });

  test("other capitals are not mine", () => {
    expect(decodeSshsig(concatBytes(utf8("SSHSig"), good.subarray(6)))).toBeNull();
  });
});

test("decode(encode(x)) = x", () => {
  const bytes = fc.uint8Array({ maxLength: 80 });
  const text = fc.string({ unit: "grapheme", maxLength: 30 });
  const fields = { sessionId: fc.uint8Array({ minLength: 1, maxLength: 128 }), user: text, service: text };
  const more = { algorithm: text, keyBlob: bytes };
  const userauth = fc.oneof(
    fc.record({ ...fields, method: fc.constant("publickey" as const), ...more, hostKey: fc.constant(undefined) }),
    fc.record({
      ...fields,
      method: fc.constant("publickey-hostbound-v00@openssh.com" as const),
      ...more,
      hostKey: bytes,
    }),
  );
  fc.assert(
    fc.property(userauth, (request) => {
      expect(decodeUserauth(encodeUserauth(request))).toEqual({ kind: "userauth", ...request });
    }),
  );
  const sshsig = fc.record({
    namespace: fc.string({ unit: "grapheme", minLength: 1, maxLength: 30 }),
    hashAlgorithm: fc.constant("sha256" as const),
    digest: fc.uint8Array({ minLength: 32, maxLength: 32 }),
  });
  fc.assert(
    fc.property(sshsig, (value) => {
      expect(decodeSshsig(encodeSshsig(value))).toEqual({ kind: "sshsig", ...value });
    }),
  );
});

test("random and mutated data are described without an error", () => {
  const seeds = vectors.map(({ data }) => fromHex(data));
  expectTotal(decodeUserauth, seeds, 1000);
  expectTotal(decodeSshsig, seeds, 1000);
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (data) => {
      expect(["bare-hash", "unknown"]).toContain(describeSignData(data).kind);
    }),
  );
});
