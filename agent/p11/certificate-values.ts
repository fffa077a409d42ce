/** What a certificate gives to the attributes of PKCS #11 objects. */

import { createHash } from "node:crypto";
import { concatBytes, fromHex } from "../../lib/bytes.ts";
import { MalformedError } from "../../lib/errors.ts";
import { rsaPublicKeyOfCertificate } from "../../lib/x509/certificate.ts";
import { decodeCertificate } from "../../lib/x509/certificate-fields.ts";

export interface CertificateValues {
  readonly der: Uint8Array;
  /** DER of the name. */
  readonly subject: Uint8Array;
  /** DER of the name. */
  readonly issuer: Uint8Array;
  /** DER, an INTEGER with its tag. */
  readonly serialNumber: Uint8Array;
  /** Without leading zeros. */
  readonly modulus: Uint8Array;
  readonly publicExponent: Uint8Array;
  /** DER of SubjectPublicKeyInfo. */
  readonly publicKeyInfo: Uint8Array;
  /**
   * SHA-1 of the modulus: what NSS computes to find a certificate's private key, and what other programs use too. A name,
   * nothing that is relied on.
   */
  readonly id: Uint8Array;
}

const INTEGER = 0x02;
/** Longer ones have another form of DER length; RFC 5280 section 4.1.2.2 allows 20 bytes. */
const MAX_SERIAL_BYTES = 127;

/** @param der kept. @throws MALFORMED if it is not one certificate of an RSA key; TOO_LARGE. */
export function certificateValues(der: Uint8Array): CertificateValues {
  const { subject, issuer, serial, publicKey } = decodeCertificate(der);
  const { modulus, exponent } = rsaPublicKeyOfCertificate(der);
  return {
    der,
    subject: fromHex(subject.der),
    issuer: fromHex(issuer.der),
    serialNumber: derInteger(fromHex(serial)),
    modulus,
    publicExponent: exponent,
    publicKeyInfo: new Uint8Array(publicKey.export({ type: "spki", format: "der" })),
    id: new Uint8Array(createHash("sha1").update(modulus).digest()),
  };
}

/** @param content as it stood in the certificate, so it is minimal already or is to stay as it is. */
function derInteger(content: Uint8Array): Uint8Array {
  if (content.length > MAX_SERIAL_BYTES)
    throw new MalformedError(`read a certificate: its serial number has ${content.length} bytes`);
  return concatBytes(Uint8Array.of(INTEGER, content.length), content);
}
