/** What is said of a certificate: every check of it, and the verdict that follows. */

import { randomBytes } from "node:crypto";
import type { Certificate } from "../lib/x509/certificate-fields.ts";
import type { CaCandidate } from "../lib/x509/chain.ts";
import type { Check } from "../lib/x509/checks.ts";
import type { RevocationSources } from "../lib/x509/revocation.ts";
import type { CertificatePurpose } from "../lib/x509/trust.ts";

export interface CertificateQuestion {
  readonly purpose: CertificatePurpose;
  readonly candidates: readonly CaCandidate[];
  readonly sources: RevocationSources;
  readonly now: Date;
}

/** `valid-so-far`: nobody was asked whether it was revoked. */
export type Verdict = "valid" | "valid-so-far" | "not-valid";

/** Chain, dates, key usage, purpose and revocation. */
export async function checkCertificate(
  certificate: Certificate,
  { purpose, candidates, sources, now }: CertificateQuestion,
): Promise<readonly Check[]> {
  const { verifyChain } = await import("../lib/x509/chain.ts");
  const { verifyRevocation } = await import("../lib/x509/revocation.ts");
  const { OCSP_NONCE_BYTES } = await import("../lib/x509/revocation-ocsp.ts");
  const { checks, issuer } = verifyChain(certificate, purpose, candidates, now);
  const nonce = new Uint8Array(randomBytes(OCSP_NONCE_BYTES));
  return [...checks, ...(await verifyRevocation(sources, { certificate, issuer, nonce, now }))];
}

export async function verdictOf(checks: readonly Check[]): Promise<Verdict> {
  const { isValid } = await import("../lib/x509/checks.ts");
  if (!isValid(checks)) return "not-valid";
  return checks.some(({ reason }) => reason === "not-revoked") ? "valid" : "valid-so-far";
}
