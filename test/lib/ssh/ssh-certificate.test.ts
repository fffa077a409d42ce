import { describe, expect, test } from "vitest";
import { concatBytes, fromHex, toHex } from "../../../lib/bytes.ts";
import { decodePublicKey } from "../../../lib/ssh/public-key.ts";
import { decodeSshCertificate, validityAt } from "../../../lib/ssh/ssh-certificate.ts";
import { verifySshSignature } from "../../../lib/ssh/verify.ts";
import { expectTotal } from "../../helpers/mutations.ts";
import { asVector, loadVectors } from "../../helpers/vectors.ts";

interface CertificateVector {
  readonly name: string;
  readonly blob: string;
  /** The plain key. */
  readonly keyBlob: string;
  readonly signatureKey: string;
  readonly expect: Readonly<Record<string, unknown>>;
}

const { certificates, keys } = loadVectors<{
  certificates: readonly CertificateVector[];
  keys: readonly { readonly blob: string }[];
}>("keys.json");
const malformed = expect.objectContaining({ code: "MALFORMED" });

describe.each(certificates)("$name", ({ blob, keyBlob, signatureKey, expect: fields }) => {
  const bytes = fromHex(blob);

  test("says what ssh-keygen was told", () => {
    const certificate = decodeSshCertificate(bytes);
    expect(asVector(certificate)).toMatchObject(fields);
    expect(toHex(certificate?.keyBlob ?? new Uint8Array())).toBe(keyBlob);
    expect(certificate?.publicKey).toEqual(decodePublicKey(fromHex(keyBlob)));
    expect(toHex(certificate?.signatureKey ?? new Uint8Array())).toBe(signatureKey);
  });

  test("is for its plain key", () => {});

  test("what its authority signed verifies", () => {
    const certificate = decodeSshCertificate(bytes);
    if (certificate === null) return expect.fail("no certificate");
    const authority = decodePublicKey(certificate.signatureKey);
    expect(verifySshSignature(authority, certificate.signature, certificate.signed)).toBe("valid");
    expect(verifySshSignature(authority, certificate.signature, certificate.signed.subarray(1))).toBe("invalid");
  });

  test("nothing may follow or be missing", () => {
    expect(() => decodeSshCertificate(concatBytes(bytes, new Uint8Array(1)))).toThrow(malformed);
    for (let length = 40; length < bytes.length; length++)
      expect(() => decodeSshCertificate(bytes.subarray(0, length))).toThrow(malformed);
  });
});

test.each(keys)("a plain key is no certificate", ({ blob }) => {
  expect(decodeSshCertificate(fromHex(blob))).toBeNull();
});

test("a role other than user and host is malformed", () => {
  const blob = fromHex(certificates[0]?.blob ?? "");
  const serialAndRole = fromHex("000000000000000700000001");
  const at = toHex(blob).indexOf(toHex(serialAndRole)) / 2 + 11;
  expect(blob[at]).toBe(1);
  for (const role of [0, 3]) {
    blob[at] = role;
    expect(() => decodeSshCertificate(blob)).toThrow(malformed);
  }
});

test.each([
  [99, "not-yet-valid"],
  [99.9, "not-yet-valid"],
  [100, "valid"],
  [199.9, "valid"],
  [200, "expired"],
] as const)("valid from 100 up to 200: at %d it is %s", (now, state) => {
  expect(validityAt({ validAfter: 100n, validBefore: 200n }, now)).toBe(state);
});

test("2^64 - 1 is for ever", () => {
  expect(validityAt({ validAfter: 0n, validBefore: 0xffff_ffff_ffff_ffffn }, 4e9)).toBe("valid");
});

test("random and mutated blobs give a value or a named error", () => {
  const seeds = certificates.map(({ blob }) => fromHex(blob));
  expectTotal(decodeSshCertificate, seeds, 2000);
});
