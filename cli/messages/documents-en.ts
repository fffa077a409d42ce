/** What `sign` and `verify` say, in English. */

import type { FindingDetails } from "../../lib/x509/checks.ts";
import type { DocumentCheckName, DocumentReason, DocumentTexts } from "./document-texts.ts";

export const englishDocuments: DocumentTexts = {
  disclosure:
    "The signature will hold your signature certificate: your name, address, birth date and sex. Whoever gets the " +
    "signature gets all of that. Your signature password is asked for next; cancel there if you do not want it.",
  disclosureRaw:
    "The signature itself holds nothing of you; who is to verify it also needs your signature certificate, which holds " +
    "your name, address, birth date and sex (jpki-agent cert sign). Your signature password is asked for next.",
  rawAuthWarning:
    "Warning: a raw signature of the authentication key is what servers take for a login. Sign only files that you know " +
    "and have made yourself.",
  hashing: (name) => `hashing ${name}`,
  writing: (name) => `writing ${name}`,
  standardInput: "standard input",
  signer: "Signer",
  signerName: "Name",
  signingTime: "Signing time, as the signer says",
  verdicts: {
    valid: "The signature is valid.",
    "valid-so-far": "The signature is valid, as far as can be told without asking whether the certificate was revoked.",
    "not-valid": "The signature is NOT valid, or could not be verified.",
  },
};

export const DOCUMENT_CHECKS: Readonly<Record<DocumentCheckName, string>> = {
  form: "form",
  "content-type": "content type",
  content: "content",
  signature: "signature",
  "signing-certificate": "signed certificate",
  "signing-time": "signing time",
  "unsigned-attributes": "unsigned attributes",
};

export const DOCUMENT_WORDS: Readonly<Record<DocumentReason, (details: FindingDetails) => string>> = {
  "one-signature": ({ kind }) => (kind === "raw" ? "a raw RSA signature" : "CMS, one signer"),
  "not-one-signer": ({ signers }) => `it has ${signers} signers, not one`,
  malformed: ({ error }) => `${error}`,
  "content-type-fits": () => "the one that was signed",
  "content-type-differs": () => "not the one that was signed",
  "content-fits": ({ hash }) => `unchanged since it was signed (${hash})`,
  "content-differs": () => "it is not what was signed",
  "content-is-attributes": () => "it is the signed attributes of a CMS signature, passed off as what was signed",
  signed: () => "made by the key of the signer's certificate",
  "signature-wrong": () => "the key of the signer's certificate did not make it over this",
  "no-signer-certificate": () => "the signer's certificate is not at hand; name it, and no other, with --cert",
  "unsupported-algorithm": ({ algorithm }) => `an algorithm that is not verified here: ${algorithm}`,
  "certificate-bound": () => "the signer has named this very certificate",
  "other-certificate-bound": () => "the signer has named another certificate",
  "signed-in-force": ({ time }) => `${time}, while the certificate was in force (the signer's own word)`,
  "signed-out-of-force": ({ time }) => `${time}, when the certificate was not in force`,
  "signed-in-the-future": ({ time }) => `${time} has not come yet; look at this computer's clock`,
  "unsigned-attributes": ({ attributes }) => `time stamps and countersignatures are not verified here: ${attributes}`,
};
