/** What the record keeps of a signature over a document, made for `sign` or for a program. */

import type { KeyName } from "../lib/card/files.ts";
import type { SignatureEntry } from "../lib/signature-entry.ts";
import { encodeRsaBlob, keyFingerprint } from "../lib/ssh/public-key.ts";
import { rsaPublicKeyOfCertificate } from "../lib/x509/certificate.ts";
import type { CardRecord } from "./card-registry.ts";
import { commentOf } from "./pin-commands.ts";

/**
 * @param certificate the signer's, DER, where it was read: the signature key shows itself only there. Without it the
 * entry names no signature key.
 */
export function documentEntry(
  card: CardRecord,
  key: KeyName,
  certificate?: Uint8Array | undefined,
): Omit<SignatureEntry, "result" | "reason"> {
  const own = card.identity.kind === "known" && key === "auth" ? card.identity.key.publicKey : undefined;
  const publicKey = own ?? (certificate && rsaPublicKeyOfCertificate(certificate));
  return {
    key: publicKey === undefined ? "" : keyFingerprint(encodeRsaBlob(publicKey)),
    comment: commentOf(card),
    data: key === "auth" ? "document-auth" : "document",
    forwarded: false,
  };
}
