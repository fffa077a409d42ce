import { beforeAll, describe, expect, it } from "vitest";
import type { CertificateFields } from "../../../lib/virtual-card/certificate.ts";
import type { VirtualPki } from "../../../lib/virtual-card/pki.ts";
import { decodeCertificate } from "../../../lib/x509/certificate-fields.ts";
import { type CaCandidate, verifyChain } from "../../../lib/x509/chain.ts";
import { isValid } from "../../../lib/x509/checks.ts";
import { findPinnedCa, PINNED_CAS } from "../../../lib/x509/trust.ts";
import { DAY_MS, issuerName, keyPairOf, makeCertificate } from "../../helpers/certificates.ts";
import { testPki } from "../../helpers/pki.ts";

let pki: VirtualPki;
let ca: CaCandidate;
beforeAll(async () => {
  pki = await testPki();
  ca = { certificate: decodeCertificate(pki.authCaCertificate), trusted: true };
});

function verify(
  der: Uint8Array,
  { purpose = "auth" as "auth" | "sign", candidates = [ca], now = new Date() } = {},
): Readonly<Record<string, string>> {
  const { checks } = verifyChain(decodeCertificate(der), purpose, candidates, now);
  return Object.fromEntries(checks.map(({ check, reason }) => [check, reason]));
}

const GOOD = { chain: "named-ca", dates: "in-force", "key-usage": "usage-fits", purpose: "purpose-fits" };
const inDays = (days: number) => new Date(Date.now() + days * DAY_MS);

describe("good", () => {
  it("an authentication certificate with its CA", () => {
    expect(verify(pki.authCertificate)).toEqual(GOOD);
  });

  it("a signature certificate with its CA", () => {
    const candidates = [{ certificate: decodeCertificate(pki.signCaCertificate), trusted: true }];
    expect(verify(pki.signCertificate, { purpose: "sign", candidates })).toEqual(GOOD);
  });

  it("the CA is found among others of the same name by its signature", () => {
    const fields: Partial<CertificateFields> = {
      subject: issuerName(pki.authCaCertificate),
      keyUsage: ["keyCertSign"],
      isCa: true,
    };
    const other = { certificate: decodeCertificate(makeCertificate(pki, fields)), trusted: true };
    const { checks, issuer } = verifyChain(decodeCertificate(pki.authCertificate), "auth", [other, ca], new Date());
    expect(isValid(checks)).toBe(true);
    expect(issuer).toBe(ca.certificate);
  });
});

describe("not good", () => {
  it("no CA at hand", () => {
    expect(verify(pki.authCertificate, { candidates: [] })).toEqual({ ...GOOD, chain: "no-ca-given" });
  });

  it("another CA, also one with the right name", () => {
    const wrong = { certificate: decodeCertificate(pki.signCaCertificate), trusted: true };
    expect(verify(pki.authCertificate, { candidates: [wrong] })).toEqual({ ...GOOD, chain: "no-issuer" });
    const fields: Partial<CertificateFields> = { subject: issuerName(pki.authCaCertificate), isCa: true };
    const forged = { certificate: decodeCertificate(makeCertificate(pki, fields)), trusted: true };
    expect(verify(pki.authCertificate, { candidates: [forged] })).toEqual({ ...GOOD, chain: "no-issuer" });
  });

  it("the card's CA that nobody has named and that is not pinned", () => {
    expect(verify(pki.authCertificate, { candidates: [{ ...ca, trusted: false }] })).toEqual({
      ...GOOD,
      chain: "untrusted-ca",
    });
  });

  it.each<[string, Partial<CertificateFields>, string]>([
    ["is no CA", { isCa: false, keyUsage: ["keyCertSign"] }, "not-a-ca"],
    ["may not sign certificates", { isCa: true, keyUsage: ["cRLSign"] }, "not-a-ca"],
  ])("a CA that %s", (_, fields, reason) => {
    const subject = issuerName(pki.authCaCertificate);
    const subjectKey = keyPairOf(pki.authCaKey).publicKey;
    const bad = {
      certificate: decodeCertificate(makeCertificate(pki, { subject, subjectKey, ...fields })),
      trusted: true,
    };
    expect(verify(pki.authCertificate, { candidates: [bad] })["chain"]).toBe(reason);
  });

  it.each([
    ["not-yet-valid", -2],
    ["in-force", 29],
    ["expired", 31],
  ])("dates: %s after %d days", (dates, days) => {
    expect(verify(makeCertificate(pki), { now: inDays(days) })).toEqual({ ...GOOD, dates });
  });

  it("the CA's dates count too", () => {
    const der = makeCertificate(pki, { notBefore: inDays(-8000), notAfter: inDays(8000) });
    expect(verify(der, { now: inDays(9 * 365) })["dates"]).toBe("ca-expired");
    expect(verify(der, { now: inDays(-3 * 365) })["dates"]).toBe("ca-not-yet-valid");
  });

  it.each<[string, "auth" | "sign", Partial<CertificateFields>, object]>([
    ["no digitalSignature", "auth", { keyUsage: ["nonRepudiation"] }, { "key-usage": "usage-missing" }],
    ["no clientAuth", "auth", { extendedKeyUsage: undefined }, { purpose: "purpose-differs" }],
    ["another purpose", "auth", { extendedKeyUsage: ["1.3.6.1.5.5.7.3.1"] }, { purpose: "purpose-differs" }],
    ["a CA", "auth", { isCa: true }, { purpose: "purpose-differs" }],
    [
      "an authentication certificate as a signature one",
      "sign",
      {},
      { "key-usage": "usage-missing", purpose: "purpose-differs" },
    ],
  ])("%s", (_, purpose, fields, expected) => {
    expect(verify(makeCertificate(pki, fields), { purpose })).toEqual({ ...GOOD, ...expected });
  });

  it("a certificate changed in one bit of its signature", () => {
    const der = new Uint8Array(pki.authCertificate);
    der[der.length - 1] = (der.at(-1) ?? 0) ^ 1;
    expect(verify(der)["chain"]).toBe("no-issuer");
  });
});

describe("pinned CAs", () => {
  it("are told by the whole certificate", () => {
    expect(findPinnedCa(pki.authCaCertificate)).toBeUndefined();
    expect(new Set(PINNED_CAS.map(({ sha256 }) => sha256)).size).toBe(PINNED_CAS.length);
    expect(PINNED_CAS.every(({ sha256 }) => /^[0-9a-f]{64}$/.test(sha256))).toBe(true);
  });
});
