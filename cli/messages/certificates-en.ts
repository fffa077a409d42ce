/** What `cert` and `verify-cert` say, in English. */

import type { Era } from "../../lib/japanese-era.ts";
import { printable } from "../../lib/printable.ts";
import type { Check, CheckName, CheckResult, FindingDetails, Reason } from "../../lib/x509/checks.ts";
import { type BirthDate, eraYear } from "../../lib/x509/holder.ts";
import type { CertificateTexts } from "./certificate-texts.ts";
import { isoDate } from "./dates.ts";
import { DOCUMENT_CHECKS, DOCUMENT_WORDS } from "./documents-en.ts";

export const englishCertificates: CertificateTexts = {
  disclosure:
    "The signature certificate holds your name, address, birth date and sex. It is read from the card with your " +
    "signature password and shown or saved now; who gets a copy gets all of that.",
  disclosureToVerify:
    "The signature certificate holds your name, address, birth date and sex. It is read from the card with your " +
    "signature password and verified here; nothing of that is shown, and no server is told more than its serial number.",
  revocationLaw:
    "Note: JPKI tells revocation only to verifiers certified by the minister in charge; checking other people's " +
    "certificates as a business needs that certification.",
  labels: {
    subject: "Subject",
    issuer: "Issuer",
    serial: "Serial number",
    notBefore: "Valid from",
    notAfter: "Valid until",
    key: "Public key",
    keyUsage: "Key usage",
    extendedKeyUsage: "Extended key usage",
    policies: "Policies",
    pinned: "Known CA of JPKI",
    name: "Name",
    nameSubstitutes: "Substituted characters of the name",
    birthDate: "Birth date",
    sex: "Sex",
    address: "Address",
    addressSubstitutes: "Substituted characters of the address",
  },
  validity: ({ kind, daysLeft }) => {
    if (kind === "expired") return "(expired)";
    return kind === "not-yet-valid" ? "(not valid yet)" : `(${daysLeft} days left)`;
  },
  pinned: (generation) => (generation === undefined ? "no" : `yes, generation ${generation}`),
  sexes: { male: "male", female: "female", unknown: "unknown" },
  birthDate,
  check: ({ check, result, reason, details }: Check) =>
    `${NAMES[check]}: ${RESULTS[result]} - ${printable(WORDS[reason](details), MAX_SHOWN)}`,
  verdicts: {
    valid: "The certificate is valid.",
    "valid-so-far": "The certificate is valid, as far as can be told without asking whether it was revoked.",
    "not-valid": "The certificate is NOT valid, or could not be verified.",
  },
};

const MAX_SHOWN = 500;
const ERAS: Readonly<Record<Era, string>> = {
  meiji: "Meiji",
  taisho: "Taisho",
  showa: "Showa",
  heisei: "Heisei",
  reiwa: "Reiwa",
};

/** `1990-04-01 (Heisei 2)`; what is not known is `??`. */
function birthDate(date: BirthDate): string {
  const { year, month, day, era, raw } = date;
  if (year === undefined && month === undefined && day === undefined) return `unknown (${raw})`;
  const text = [year ?? "????", two(month), two(day)].join("-");
  const inEra = eraYear(date);
  if (era === undefined) return text;
  return inEra === undefined ? `${text} (${ERAS[era]})` : `${text} (${ERAS[era]} ${inEra})`;
}

function two(part: number | undefined): string {
  return part === undefined ? "??" : String(part).padStart(2, "0");
}

const NAMES: Readonly<Record<CheckName, string>> = {
  ...DOCUMENT_CHECKS,
  chain: "issuer",
  dates: "dates",
  "key-usage": "key usage",
  purpose: "purpose",
  revocation: "revocation",
  crl: "revocation list",
  ocsp: "OCSP",
  stapled: "OCSP response from the file",
};

const RESULTS: Readonly<Record<CheckResult, string>> = { good: "good", bad: "BAD", "not-checked": "NOT CHECKED" };

const WORDS: Readonly<Record<Reason, (details: FindingDetails) => string>> = {
  ...DOCUMENT_WORDS,
  "pinned-ca": ({ ca, generation }) => `signed by JPKI's CA, generation ${generation} (${ca})`,
  "named-ca": ({ ca, sha256 }) => `signed by a CA of --ca (${ca}; SHA-256 ${sha256})`,
  "other-purpose-ca": ({ ca }) => `signed by JPKI's CA for another kind of certificate (${ca})`,
  "untrusted-ca": ({ ca, sha256 }) =>
    `signed by a CA that is neither one of JPKI's known ones nor of --ca (${ca}; SHA-256 ${sha256})`,
  "no-issuer": ({ issuer }) => `none of the CAs at hand signed it (its issuer is ${issuer})`,
  "not-a-ca": () => "whose key signed it may not sign certificates",
  "weak-signature": () =>
    "its signature is of a kind that does not count here (SHA-2 with RSA, PKCS #1 v1.5, or ECDSA does)",
  "unknown-critical": ({ extensions }) => `critical extensions that nobody here understands: ${extensions}`,
  "no-ca-given": () => "no CA certificate is at hand; name it with --ca",
  "in-force": ({ until, daysLeft }) => `until ${isoDate(until)}, ${daysLeft} days left`,
  expired: ({ until }) => `expired on ${isoDate(until)}`,
  "not-yet-valid": ({ from }) => `not valid before ${isoDate(from)}; look at this computer's clock`,
  "ca-expired": ({ until }) => `its CA's certificate expired on ${isoDate(until)}`,
  "ca-not-yet-valid": ({ from }) => `its CA's certificate is not valid before ${isoDate(from)}`,
  "usage-fits": ({ usage }) => `${usage}`,
  "usage-missing": ({ missing }) => `missing: ${missing}`,
  "purpose-fits": ({ purpose }) => (purpose === "auth" ? "user authentication" : "digital signature"),
  "purpose-differs": ({ purpose }) =>
    `it is no certificate for ${purpose === "auth" ? "user authentication" : "digital signature"}`,
  "not-asked": () =>
    "individuals have no public service for it: JPKI tells revocation only to certified verifiers (with data of your own: --crl, --ocsp, --stapled)",
  "not-revoked": ({ until }) => (until === undefined ? "not revoked" : `not revoked; holds until ${isoDate(until)}`),
  revoked: ({ since, reason }) => `revoked${since === undefined ? "" : ` on ${isoDate(since)}`} (${reason})`,
  "no-issuer-known": () => "without the CA's certificate nobody can tell whether the answer is genuine",
  "no-answer": ({ error }) => `${error}`,
  unreadable: ({ error }) => `${error}`,
  "wrong-signer": () => "neither the certificate's CA nor a responder of it signed the answer",
  "other-issuer": () => "the list is another CA's",
  "other-certificate": () => "the answer is about another certificate",
  "other-scope": () => "the list is not for this kind of certificate, or for another region",
  unsupported: ({ what }) => `it has a critical extension that nobody here understands: ${what}`,
  stale: ({ until }) => `out of date since ${isoDate(until)}`,
  "from-the-future": () => "it was made in the future; look at this computer's clock",
  "no-end": ({ from }) => `of ${isoDate(from)}; it does not say until when it holds`,
  "nonce-missing": () => "the answer does not repeat the question's nonce: it may be an old one",
  "nonce-differs": () => "the answer belongs to another question",
  "responder-refused": ({ status }) => `the responder did not answer: ${status}`,
  "responder-does-not-know": () => "the responder does not know this certificate",
};
