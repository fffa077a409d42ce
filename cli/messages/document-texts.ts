/** What `sign` and `verify` say, in any language. */

import type { CheckName } from "../../lib/x509/checks.ts";
import type { CertificateTexts } from "./certificate-texts.ts";

export interface DocumentTexts {
  /** Before a signature that holds the signature certificate. */
  readonly disclosure: string;
  /** Before one of the signature key that holds nothing. */
  readonly disclosureRaw: string;
  /** Before a raw one of the authentication key. */
  readonly rawAuthWarning: string;
  /** On the line of progress; `name` is printable. */
  hashing(name: string): string;
  writing(name: string): string;
  /** In the place of a file's name. */
  readonly standardInput: string;
  /** Labels. */
  readonly signer: string;
  readonly signerName: string;
  readonly signingTime: string;
  readonly verdicts: CertificateTexts["verdicts"];
}

/** The checks of a signature over a document, beside those of its certificate. */
export type DocumentCheckName = Exclude<
  CheckName,
  "chain" | "dates" | "key-usage" | "purpose" | "revocation" | "crl" | "ocsp" | "stapled"
>;
export type DocumentReason =
  | "one-signature"
  | "not-one-signer"
  | "malformed"
  | "content-type-fits"
  | "content-type-differs"
  | "content-fits"
  | "content-differs"
  | "content-is-attributes"
  | "signed"
  | "signature-wrong"
  | "no-signer-certificate"
  | "unsupported-algorithm"
  | "certificate-bound"
  | "other-certificate-bound"
  | "signed-in-force"
  | "signed-out-of-force"
  | "signed-in-the-future"
  | "unsigned-attributes";
