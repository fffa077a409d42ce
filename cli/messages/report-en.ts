/** What `doctor --report` says, in English. */

import type { ReportTexts } from "./doctor-texts.ts";

export const englishReport: ReportTexts = {
  intro:
    "What this card and reader do. It holds no name, no number, no certificate and no serial number; look it through, " +
    "then please send it to the makers of jpki-agent.",
  reader: "Reader",
  times: "Commands, with their time",
  verdicts: { confirmed: "confirmed", refuted: "REFUTED  ", "not-tried": "not tried" },
  steps: {
    verify: "verify the PIN once, and look what the card answers afterwards",
    sign: "also sign zeros a few times; the signatures are thrown away",
  },
  beliefs: {
    "first-command-6f00": "the first command after power-up is answered 6F00",
    "application-jpki": "the JPKI application is there",
    "application-text": "the text application is there",
    "application-surface": "the surface application is there",
    "application-juki": "the resident register application is there",
    "token-name": "EF 0006 begins with a known token name",
    "token-160-bytes": "EF 0006 has 160 bytes",
    "presence-3-bytes": "EF 0008 has 3 bytes",
    "tries-query": "a VERIFY without a PIN tells the tries left",
    "short-ef-pin": "it takes a short EF id",
    "short-ef-read": "READ BINARY takes a short EF id",
    "extended-le": "READ BINARY takes an extended Le",
    "past-end-6b00": "reading past the end is answered 6B00",
    "auth-certificate-free": "the authentication certificate needs no PIN",
    "sign-certificate-guarded": "the signature certificate needs the signature password",
    "ca-certificates-free": "the CA certificates need no PIN",
    "sign-guarded": "a signature without a PIN is answered 6982",
    "short-ef-sign": "COMPUTE DIGITAL SIGNATURE takes a short EF id",
    "scheme-02": "P1 02 (SHA-256 made into a DigestInfo) is known",
    "scheme-03": "P1 03 (the card hashes) is known",
    "scheme-04": "P1 04 (RSASSA-PSS) is known",
    "query-after-verify": "a VERIFY without a PIN is answered 9000 once verified",
    "sign-256-bytes": "a signature over a SHA-256 DigestInfo has 256 bytes",
    "sign-sha512": "a SHA-512 DigestInfo is signed too",
    "short-ef-same-signature": "with a short EF id the signature is the same",
    "select-keeps-verified": "a SELECT of the application keeps the PIN verified",
    "power-clears-verified": "cutting the power clears the verified PIN",
  },
};
