import { describe, expect, test } from "vitest";
import { concatBytes, fromHex, toHex, utf8 } from "../../../lib/bytes.ts";
import { rsaPublicKeyOfCertificate } from "../../../lib/x509/certificate.ts";
import { expectTotal } from "../../helpers/mutations.ts";
import { loadVectors } from "../../helpers/vectors.ts";

interface CertificateVector {
  readonly name: string;
  readonly der: string;
  readonly modulus?: string;
  readonly exponent?: string;
}

const { x509 } = loadVectors<{ x509: readonly CertificateVector[] }>("keys.json");
const [rsa, ec] = x509;
const der = fromHex(rsa?.der ?? "");

test("the key that ssh-keygen finds", () => {
  const key = rsaPublicKeyOfCertificate(der);
  expect(toHex(key.modulus)).toBe(rsa?.modulus);
  expect(toHex(key.exponent)).toBe(rsa?.exponent);
});

describe("malformed", () => {
  test.each([
    ["a key of another type", fromHex(ec?.der ?? "")],
    ["nothing", new Uint8Array(0)],
    ["a byte after it", concatBytes(der, new Uint8Array(1))],
    ["a byte missing", der.subarray(0, -1)],
    ["PEM", utf8(`-----BEGIN CERTIFICATE-----\n${Buffer.from(der).toString("base64")}\n-----END CERTIFICATE-----\n`)],
  ])("%s", (_name, bytes) => {
    expect(() => rsaPublicKeyOfCertificate(bytes)).toThrow(expect.objectContaining({ code: "MALFORMED" }));
  });

  test("random and mutated bytes give a key or a named error", () => {
    expectTotal(rsaPublicKeyOfCertificate, [der]);
  });
});
