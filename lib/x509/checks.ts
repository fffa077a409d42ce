/** What a verification says: one finding for each thing that was checked, and what follows from all of them. */

export type CheckName =
  | "form"
  | "content-type"
  | "content"
  | "signature"
  | "signing-certificate"
  | "signing-time"
  | "unsigned-attributes"
  | "chain"
  | "dates"
  | "key-usage"
  | "purpose"
  | "revocation"
  | "crl"
  | "ocsp"
  | "stapled";

/** `not-checked`: it could not be told; never the same as good. */
export type CheckResult = "good" | "bad" | "not-checked";

export const REASONS = {
  // form of a signature
  "one-signature": "good",
  "not-one-signer": "bad",
  malformed: "bad",
  // what is signed
  "content-type-fits": "good",
  "content-type-differs": "bad",
  "content-fits": "good",
  "content-differs": "bad",
  "content-is-attributes": "bad",
  signed: "good",
  "signature-wrong": "bad",
  "no-signer-certificate": "not-checked",
  "unsupported-algorithm": "not-checked",
  "certificate-bound": "good",
  "other-certificate-bound": "bad",
  "signed-in-force": "good",
  "signed-out-of-force": "bad",
  "signed-in-the-future": "bad",
  "unsigned-attributes": "not-checked",
  // chain
  "pinned-ca": "good",
  "named-ca": "good",
  "other-purpose-ca": "bad",
  "untrusted-ca": "bad",
  "no-issuer": "bad",
  "not-a-ca": "bad",
  "weak-signature": "bad",
  "unknown-critical": "bad",
  "no-ca-given": "not-checked",
  // dates
  "in-force": "good",
  expired: "bad",
  "not-yet-valid": "bad",
  "ca-expired": "bad",
  "ca-not-yet-valid": "bad",
  // key usage, purpose
  "usage-fits": "good",
  "usage-missing": "bad",
  "purpose-fits": "good",
  "purpose-differs": "bad",
  // revocation
  "not-asked": "not-checked",
  "not-revoked": "good",
  revoked: "bad",
  "no-issuer-known": "not-checked",
  "no-answer": "not-checked",
  unreadable: "not-checked",
  "wrong-signer": "not-checked",
  "other-issuer": "not-checked",
  "other-certificate": "not-checked",
  "other-scope": "not-checked",
  unsupported: "not-checked",
  stale: "not-checked",
  "from-the-future": "not-checked",
  "no-end": "not-checked",
  "nonce-missing": "not-checked",
  "nonce-differs": "not-checked",
  "responder-refused": "not-checked",
  "responder-does-not-know": "not-checked",
} as const satisfies Record<string, CheckResult>;

export type Reason = keyof typeof REASONS;

/** Facts of a finding, for its words; times as ISO 8601. */
export type FindingDetails = Readonly<Record<string, string | number>>;

export interface Finding {
  readonly reason: Reason;
  readonly details: FindingDetails;
}

export interface Check extends Finding {
  readonly check: CheckName;
  readonly result: CheckResult;
}

export function finding(reason: Reason, details: FindingDetails = {}): Finding {
  return { reason, details };
}

export function checkOf(check: CheckName, { reason, details }: Finding): Check {
  return { check, result: REASONS[reason], reason, details };
}

/** Whether everything that was asked for is good. That revocation was not asked for is no fault. */
export function isValid(checks: readonly Check[]): boolean {
  return checks.every(({ result, reason }) => result === "good" || reason === "not-asked");
}
