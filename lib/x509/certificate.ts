/** The public key of a certificate, by Node's own X.509 reader. */

import { X509Certificate } from "node:crypto";
import { MalformedError, messageOf } from "../errors.ts";
import type { RsaPublicKey } from "../keys.ts";

/**
 * The RSA key of a certificate in DER. Signature, dates and issuer are not looked at.
 *
 * @returns fresh arrays, owned by the caller.
 * @throws MALFORMED if it is not one DER certificate (also with bytes after it), or its key is not RSA.
 */
export function rsaPublicKeyOfCertificate(der: Uint8Array): RsaPublicKey {
  const { publicKey, raw } = readCertificate(der);
  if (raw.length !== der.length)
    throw new MalformedError(`read a certificate: ${der.length - raw.length} bytes after its end`);
  const { n, e } = publicKey.asymmetricKeyType === "rsa" ? publicKey.export({ format: "jwk" }) : {};
  if (n === undefined || e === undefined)
    throw new MalformedError(`read a certificate: its key is ${publicKey.asymmetricKeyType ?? "unknown"}, not rsa`);
  return { modulus: base64urlBytes(n), exponent: base64urlBytes(e) };
}

function readCertificate(der: Uint8Array): { publicKey: X509Certificate["publicKey"]; raw: Buffer } {
  // Node would take PEM too; DER begins with a SEQUENCE.
  if (der[0] !== 0x30) throw new MalformedError("read a certificate: it is not DER");
  try {
    const { publicKey, raw } = new X509Certificate(der);
    return { publicKey, raw };
  } catch (cause) {
    throw new MalformedError(`read a certificate: ${messageOf(cause)}`, { cause });
  }
}

function base64urlBytes(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, "base64url"));
}
