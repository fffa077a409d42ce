import { createPrivateKey, createPublicKey, X509Certificate } from "node:crypto";
import { beforeAll, describe, expect, test } from "vitest";
import {
  createVirtualPki,
  decodeVirtualPki,
  encodeVirtualPki,
  VIRTUAL_MARK,
  type VirtualPki,
} from "../../../lib/virtual-card/pki.ts";
import { asn1js, pkijs } from "../../../lib/x509/asn1.ts";

const NOW = new Date("2030-01-02T03:04:05.678Z");
const KEY_USAGE = "2.5.29.15";
const SUBJECT_ALT_NAME = "2.5.29.17";
const POLICIES = "2.5.29.32";

let pki: VirtualPki;

beforeAll(async () => {
  pki = await createVirtualPki(NOW);
});

function extension(der: Uint8Array, oid: string): pkijs.Extension | undefined {
  return pkijs.Certificate.fromBER(der).extensions?.find((candidate) => candidate.extnID === oid);
}

function keyUsage(der: Uint8Array): string {
  const value = extension(der, KEY_USAGE);
  expect(value?.critical).toBe(true);
  return Buffer.from(value?.extnValue.valueBlock.valueHexView ?? []).toString("hex");
}

function policy(der: Uint8Array): string | undefined {
  const value = extension(der, POLICIES)?.parsedValue;
  return value instanceof pkijs.CertificatePolicies ? value.certificatePolicies[0]?.policyIdentifier : undefined;
}

describe("certificates", () => {
  test.each([
    ["authCertificate", "authKey", "authCaCertificate"],
    ["authCaCertificate", "authCaKey", "authCaCertificate"],
    ["signCertificate", "signKey", "signCaCertificate"],
    ["signCaCertificate", "signCaKey", "signCaCertificate"],
  ] as const)("%s belongs to its key and is signed by %s's issuer", (name, keyName, issuerName) => {
    const certificate = new X509Certificate(pki[name]);
    const issuer = new X509Certificate(pki[issuerName]);
    const key = createPrivateKey({ key: Buffer.from(pki[keyName]), format: "der", type: "pkcs8" });
    expect(certificate.checkPrivateKey(key)).toBe(true);
    expect(createPublicKey(key).asymmetricKeyDetails?.modulusLength).toBe(2048);
    expect(certificate.checkIssued(issuer)).toBe(true);
    expect(certificate.verify(issuer.publicKey)).toBe(true);
    expect(certificate.issuer).toContain(`OU=${VIRTUAL_MARK}`);
    expect(new Date(certificate.validFrom).getTime()).toBeLessThan(NOW.getTime());
    expect(new Date(certificate.validTo).getTime()).toBeGreaterThan(NOW.getTime());
  });

  test("the authentication certificate has JPKI's form", () => {
    const certificate = new X509Certificate(pki.authCertificate);
    expect(certificate.subject).toMatch(/^C=JP\nCN=[0-9A-Z]{14}[0-9]{9}$/);
    expect(certificate.issuer).toMatch(/^C=JP\nO=JPKI\nOU=JPKI for user authentication\nOU=Japan Agency for Local/);
    expect(certificate.keyUsage).toEqual(["1.3.6.1.5.5.7.3.2"]);
    expect(certificate.subjectAltName).toBeUndefined();
    expect(certificate.ca).toBe(false);
    expect(keyUsage(pki.authCertificate)).toBe("03020780");
    expect(policy(pki.authCertificate)).toBe("1.2.392.200149.8.5.1.3.30");
  });

  test("the signature certificate has JPKI's form and a holder who is nobody", () => {
    const certificate = new X509Certificate(pki.signCertificate);
    expect(certificate.subject).toMatch(/^C=JP\nL=Mihon-ken\nL=Kakuu-shi\nCN=20300102030405[0-9]{13}$/);
    expect(keyUsage(pki.signCertificate)).toBe("030206c0");
    expect(policy(pki.signCertificate)).toBe("1.2.392.200149.8.5.1.1.20");
    const names = extension(pki.signCertificate, SUBJECT_ALT_NAME)?.extnValue.valueBlock.valueHexView;
    const parsed = asn1js.fromBER(names ?? new Uint8Array(0)).result;
    expect(Buffer.from(parsed.toBER()).toString()).toContain("見本　花子");
    expect(parsed instanceof asn1js.Sequence ? parsed.valueBlock.value : []).toHaveLength(6);
  });

  test("the CAs may sign certificates and lists, nothing else", () => {
    for (const der of [pki.authCaCertificate, pki.signCaCertificate]) {
      expect(new X509Certificate(der).ca).toBe(true);
      expect(keyUsage(der)).toBe("03020106");
    }
  });
});

describe("the record", () => {
  test("survives JSON", () => {
    expect(decodeVirtualPki(JSON.parse(JSON.stringify(encodeVirtualPki(pki))))).toEqual(pki);
  });

  test.each([[undefined], [null], ["text"], [{}], [[]]])("%j is none", (record) => {
    expect(() => decodeVirtualPki(record)).toThrow(expect.objectContaining({ code: "MALFORMED" }));
  });

  test.each(Object.keys({ authKey: 0, signCaCertificate: 0 }))("without %s it is none", (field) => {
    expect(() => decodeVirtualPki({ ...encodeVirtualPki(pki), [field]: "" })).toThrow(
      expect.objectContaining({ code: "MALFORMED" }),
    );
  });
});
