/** SSH certificates for the cards' keys, as they lie in files: the port behind `--certificate`, and what one file says. */

import { MalformedError } from "./errors.ts";
import { decodeSshCertificate, type SshCertificate } from "./ssh/ssh-certificate.ts";

/** A certificate of a file. Nobody has checked its authority: the servers do. */
export interface CertificateFile {
  readonly path: string;
  /** The certificate's name in the protocol. */
  readonly blob: Uint8Array;
  readonly certificate: SshCertificate;
  /** What stands after it; may be empty. */
  readonly comment: string;
}

/** All files there are now, as they are now: at once, named ones first. Never throws. */
export type CertificateSource = () => readonly CertificateFile[];

/**
 * The first line of a `-cert.pub` file: `type base64 comment`.
 *
 * @throws MALFORMED, TOO_LARGE if it is none.
 */
export function parseCertificateFile(path: string, text: string): CertificateFile {
  const [line = ""] = text.trimStart().split(/\r?\n/, 1);
  const [, , base64 = "", comment = ""] = /^(\S+)[ \t]+(\S+)[ \t]*(.*)$/.exec(line) ?? [];
  const blob = new Uint8Array(Buffer.from(base64, "base64"));
  const certificate = decodeSshCertificate(blob);
  if (certificate === null) throw new MalformedError("it is no SSH certificate");
  return { path, blob, certificate, comment: comment.trim() };
}
