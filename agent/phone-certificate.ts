/** A phone shows its authentication certificate, and so which key it has, only after its PIN. */

import type { CertificateOutcome } from "../lib/card/jpki.ts";
import { KeyError } from "../lib/errors.ts";
import type { CardRecord } from "./card-registry.ts";

/** @param read right after the PIN was verified. @returns DER. @throws KeyError `KEY_UNKNOWN` if it shows none all the same. */
export function phoneCertificate({ slot }: Pick<CardRecord, "slot">, read: CertificateOutcome): Uint8Array {
  if (read.kind === "certificate") return read.der;
  throw new KeyError("KEY_UNKNOWN", `read the certificate on ${slot.reader}: it shows none after its PIN`);
}
