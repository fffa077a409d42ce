/** PEM (RFC 7468) beside plain DER: files of certificates and CRLs come in either form. */

import { MalformedError } from "../errors.ts";

export type PemLabel = "CERTIFICATE" | "X509 CRL" | "CMS" | "PKCS7";

const DER_SEQUENCE = 0x30;
const LINE_CHARACTERS = 64;

/**
 * What a file holds: every block with this label, or the file itself if it is DER.
 *
 * @returns at least one; fresh bytes, or a view of `file`.
 * @throws MALFORMED if there is neither.
 */
export function readPemOrDer(file: Uint8Array, label: PemLabel): readonly Uint8Array[] {
  if (file[0] === DER_SEQUENCE) return [file];
  const text = new TextDecoder("latin1").decode(file);
  const blocks = text.matchAll(new RegExp(`-----BEGIN ${label}-----([A-Za-z0-9+/=\\s]*)-----END ${label}-----`, "g"));
  const found = Array.from(blocks, ([, base64 = ""]) => new Uint8Array(Buffer.from(base64, "base64")));
  if (found.length === 0) throw new MalformedError(`read a file: it is neither DER nor PEM with "BEGIN ${label}"`);
  return found;
}

/** One block, with a line end after it. */
export function encodePem(der: Uint8Array, label: PemLabel): string {
  const base64 = Buffer.from(der).toString("base64");
  const lines = base64.match(new RegExp(`.{1,${LINE_CHARACTERS}}`, "g")) ?? [];
  return [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`, ""].join("\n");
}
