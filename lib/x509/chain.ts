/**
 * Whether a certificate of the card is one: made by a trusted CA, in force, with the key usage and for the purpose that
 * its kind has. JPKI's chains have two certificates, and the upper one is trusted as such (RFC 5280, 6.1).
 */

import type { Certificate, KeyUsage } from "./certificate-fields.ts";
import { type Check, checkOf, type Finding, finding } from "./checks.ts";
import { nameText } from "./names.ts";
import { isStrongSignature } from "./signature-algorithms.ts";
import { type CertificatePurpose, findPinnedCa } from "./trust.ts";

/** A CA's certificate at hand. */
export interface CaCandidate {
  readonly certificate: Certificate;
  /** Named by the user as one to trust; else it must be pinned. */
  readonly trusted: boolean;
}

export interface ChainVerification {
  readonly checks: readonly Check[];
  /** The CA that signed the certificate, trusted or not; undefined if it is not at hand. */
  readonly issuer: Certificate | undefined;
}

const DAY_MS = 86_400_000;
const CLIENT_AUTH = "1.3.6.1.5.5.7.3.2";

/** card.md, "Certificates". */
const NEEDED: Readonly<Record<CertificatePurpose, readonly KeyUsage[]>> = {
  auth: ["digitalSignature"],
  sign: ["digitalSignature", "nonRepudiation"],
};

/** Chain, dates, key usage and purpose, in this order. */
export function verifyChain(
  certificate: Certificate,
  purpose: CertificatePurpose,
  candidates: readonly CaCandidate[],
  now: Date,
): ChainVerification {
  const issuer = findIssuer(certificate, candidates);
  const checks = [
    checkOf("chain", chainFinding(certificate, purpose, candidates, issuer)),
    checkOf("dates", datesFinding(certificate, issuer?.certificate, now)),
    checkOf("key-usage", usageFinding(certificate, purpose)),
    checkOf("purpose", purposeFinding(certificate, purpose)),
  ];
  return { checks, issuer: issuer?.certificate };
}

/** Three generations share one name: the signature tells which one it is. */
function findIssuer(certificate: Certificate, candidates: readonly CaCandidate[]): CaCandidate | undefined {
  const signers = candidates.filter(({ certificate: ca }) => isIssuedBy(certificate, ca));
  return signers.find(({ trusted }) => trusted) ?? signers[0];
}

/** By name and by signature. */
export function isIssuedBy(certificate: Certificate, ca: Certificate): boolean {
  return certificate.issuer.der === ca.subject.der && isSignatureOf(certificate, ca);
}

function isSignatureOf({ x509 }: Certificate, { publicKey }: Certificate): boolean {
  try {
    return x509.verify(publicKey);
  } catch {
    // A key of another kind than the signature.
    return false;
  }
}

function chainFinding(
  certificate: Certificate,
  purpose: CertificatePurpose,
  candidates: readonly CaCandidate[],
  issuer: CaCandidate | undefined,
): Finding {
  if (candidates.length === 0) return finding("no-ca-given");
  if (issuer === undefined) return finding("no-issuer", { issuer: nameText(certificate.issuer) });
  const { certificate: ca, trusted } = issuer;
  const critical = [...certificate.unknownCritical, ...ca.unknownCritical];
  if (critical.length > 0) return finding("unknown-critical", { extensions: critical.join(", ") });
  if (!isStrongSignature(certificate.signatureAlgorithm)) return finding("weak-signature");
  if (!ca.isCa || ca.keyUsage?.includes("keyCertSign") === false) return finding("not-a-ca");
  const details = { ca: nameText(ca.subject), sha256: sha256Of(ca) };
  if (trusted) return finding("named-ca", details);
  const pinned = findPinnedCa(ca.der);
  if (pinned === undefined) return finding("untrusted-ca", details);
  if (pinned.purpose !== purpose) return finding("other-purpose-ca", details);
  return finding("pinned-ca", { ...details, generation: pinned.generation });
}

function datesFinding({ notBefore, notAfter }: Certificate, ca: Certificate | undefined, now: Date): Finding {
  if (now < notBefore) return finding("not-yet-valid", { from: notBefore.toISOString() });
  if (now > notAfter) return finding("expired", { until: notAfter.toISOString() });
  if (ca !== undefined && now < ca.notBefore) return finding("ca-not-yet-valid", { from: ca.notBefore.toISOString() });
  if (ca !== undefined && now > ca.notAfter) return finding("ca-expired", { until: ca.notAfter.toISOString() });
  const daysLeft = Math.floor((notAfter.getTime() - now.getTime()) / DAY_MS);
  return finding("in-force", { until: notAfter.toISOString(), daysLeft });
}

function usageFinding({ keyUsage = [] }: Certificate, purpose: CertificatePurpose): Finding {
  const missing = NEEDED[purpose].filter((usage) => !keyUsage.includes(usage));
  if (missing.length > 0) return finding("usage-missing", { missing: missing.join(", ") });
  return finding("usage-fits", { usage: keyUsage.join(", ") });
}

/** For user authentication clientAuth is named; a signature certificate names no purpose. Neither is a CA's. */
function purposeFinding({ isCa, extendedKeyUsage }: Certificate, purpose: CertificatePurpose): Finding {
  const fits = purpose === "auth" ? extendedKeyUsage?.includes(CLIENT_AUTH) === true : extendedKeyUsage === undefined;
  return finding(fits && !isCa ? "purpose-fits" : "purpose-differs", { purpose });
}

function sha256Of({ x509 }: Certificate): string {
  return x509.fingerprint256.replaceAll(":", "").toLowerCase();
}
