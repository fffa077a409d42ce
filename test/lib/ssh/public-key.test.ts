import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ByteWriter, concatBytes, fromHex, toHex, utf8 } from "../../../lib/bytes.ts";
import {
  decodePublicKey,
  decodeRsaBlob,
  encodeRsaBlob,
  keyFingerprint,
  keyTypeOf,
} from "../../../lib/ssh/public-key.ts";
import { stripZeros } from "../../../lib/ssh/wire.ts";
import { expectTotal } from "../../helpers/mutations.ts";
import { asVector, loadVectors } from "../../helpers/vectors.ts";

interface KeyVector {
  readonly name: string;
  readonly blob: string;
  readonly fingerprint: string;
  readonly expect: { readonly kind: string };
}

const { keys } = loadVectors<{ keys: readonly KeyVector[] }>("keys.json");
const malformed = expect.objectContaining({ code: "MALFORMED" });
const zeros = (length: number) => new Uint8Array(length);

describe.each(keys)("$name", ({ name, blob, fingerprint, expect: fields }) => {
  test("is what ssh-keygen says", () => {
    expect(asVector(decodePublicKey(fromHex(blob)))).toEqual(fields);
    expect(keyTypeOf(fromHex(blob))).toBe(name);
    expect(keyFingerprint(fromHex(blob))).toBe(fingerprint);
  });

  test("nothing may follow or be missing", () => {
    expect(() => decodePublicKey(concatBytes(fromHex(blob), zeros(1)))).toThrow(malformed);
    expect(() => decodePublicKey(fromHex(blob).subarray(0, -1))).toThrow(malformed);
  });
});

test("the RSA blob is encoded as ssh-keygen encodes it: 279 bytes for 2048 bits", () => {
  const [rsa, ...others] = keys;
  const blob = fromHex(rsa?.blob ?? "");
  expect(blob.length).toBe(279);
  expect(toHex(encodeRsaBlob(decodeRsaBlob(blob)))).toBe(rsa?.blob);
  for (const other of others) expect(() => decodeRsaBlob(fromHex(other.blob))).toThrow(malformed);
});

test("RSA round trip; leading zeros of the card's numbers do not change the key's name", () => {
  const number = fc.uint8Array({ minLength: 1, maxLength: 300 }).filter((bytes) => stripZeros(bytes).length > 0);
  fc.assert(
    fc.property(number, number, (modulus, exponent) => {
      const decoded = decodeRsaBlob(encodeRsaBlob({ modulus, exponent }));
      expect(decoded).toEqual({ modulus: stripZeros(modulus), exponent: stripZeros(exponent) });
      expect(encodeRsaBlob(decoded)).toEqual(encodeRsaBlob({ modulus, exponent }));
    }),
  );
});

const blob = (type: string, ...fields: readonly (Uint8Array | string)[]) =>
  fields.reduce<ByteWriter>((writer, field) => writer.string(field), new ByteWriter().string(type)).finish();

test("FIDO keys carry their application", () => {
  expect(decodePublicKey(blob("sk-ssh-ed25519@openssh.com", zeros(32), "ssh:"))).toEqual({
    kind: "sk-ed25519",
    key: zeros(32),
    application: utf8("ssh:"),
  });
  const point = concatBytes(Uint8Array.of(4), zeros(64));
  expect(decodePublicKey(blob("sk-ecdsa-sha2-nistp256@openssh.com", "nistp256", point, "ssh:"))).toEqual({
    kind: "sk-ecdsa",
    point,
    application: utf8("ssh:"),
  });
});

test("a type not known here is a value, whatever follows", () => {
  const type = "ssh-mldsa44-ed25519@openssh.com";
  expect(decodePublicKey(blob(type, zeros(1312)))).toEqual({ kind: "other", type });
});

test.each([
  ["an empty blob", zeros(0)],
  ["RSA with e = 0", blob("ssh-rsa", "", "n")],
  ["RSA with n = 0", blob("ssh-rsa", "e", "")],
  ["RSA with a negative n", blob("ssh-rsa", "e", Uint8Array.of(0x80))],
  ["RSA with a needless zero", blob("ssh-rsa", Uint8Array.of(0, 1), "n")],
  ["Ed25519 with 31 bytes", blob("ssh-ed25519", zeros(31))],
  ["Ed25519 with 33 bytes", blob("ssh-ed25519", zeros(33))],
  ["ECDSA with the curve of another type", blob("ecdsa-sha2-nistp256", "nistp384", zeros(97).fill(4, 0, 1))],
  ["ECDSA with a compressed point", blob("ecdsa-sha2-nistp256", "nistp256", zeros(33).fill(2, 0, 1))],
  ["ECDSA with a point of a wrong form", blob("ecdsa-sha2-nistp256", "nistp256", zeros(65).fill(6, 0, 1))],
])("%s is malformed", (_name, bytes) => {
  expect(() => decodePublicKey(bytes)).toThrow(malformed);
});

test("random and mutated blobs give a value or a named error", () => {
  expectTotal(
    decodePublicKey,
    keys.map((key) => fromHex(key.blob)),
    1000,
  );
});
