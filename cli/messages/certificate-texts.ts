/** What `cert` and `verify-cert` say, in any language. */

import type { Check } from "../../lib/x509/checks.ts";
import type { BirthDate, Holder } from "../../lib/x509/holder.ts";
import type { ValidityState } from "../../lib/x509/validity.ts";

export interface CertificateTexts {
  /** Before the signature certificate is read to be shown: what is in it. */
  readonly disclosure: string;
  /** Before it is read to be verified. */
  readonly disclosureToVerify: string;
  /** Before revocation is looked up. */
  readonly revocationLaw: string;
  readonly labels: Readonly<Record<CertificateLabel, string>>;
  /** After the last day. */
  validity(state: ValidityState): string;
  /** Of a CA: the generation of the pinned one; undefined if it is none. */
  pinned(generation: number | undefined): string;
  readonly sexes: Readonly<Record<NonNullable<Holder["sex"]>, string>>;
  birthDate(date: BirthDate): string;
  /** One line. */
  check(check: Check): string;
  readonly verdicts: Readonly<Record<"valid" | "valid-so-far" | "not-valid", string>>;
}

export type CertificateLabel =
  | "subject"
  | "issuer"
  | "serial"
  | "notBefore"
  | "notAfter"
  | "key"
  | "keyUsage"
  | "extendedKeyUsage"
  | "policies"
  | "pinned"
  | "name"
  | "nameSubstitutes"
  | "birthDate"
  | "sex"
  | "address"
  | "addressSubstitutes";
