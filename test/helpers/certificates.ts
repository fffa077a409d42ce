/** Certificates of any shape, signed by the test PKI's CA. */

import { createPrivateKey, createPublicKey } from "node:crypto";
import {
  type CertificateFields,
  issueCertificate,
  type KeyPair,
  type Name,
} from "../../lib/virtual-card/certificate.ts";
import type { VirtualPki } from "../../lib/virtual-card/pki.ts";
import { decodeCertificate } from "../../lib/x509/certificate-fields.ts";
import type { DistinguishedName } from "../../lib/x509/names.ts";

export const DAY_MS = 86_400_000;
export const ATTRIBUTES = "1.2.392.200149.8.5.5";
export const CLIENT_AUTH = "1.3.6.1.5.5.7.3.2";

/** A key pair of the PKCS #8 key. */
export function keyPairOf(privateKey: Uint8Array): KeyPair {
  const key = createPrivateKey({ key: Buffer.from(privateKey), format: "der", type: "pkcs8" });
  return { privateKey, publicKey: new Uint8Array(createPublicKey(key).export({ type: "spki", format: "der" })) };
}

/** The name of a CA of ours, to be put into what it issues. */
export function issuerName(ca: Uint8Array): Name {
  return nameParts(decodeCertificate(ca).subject);
}

/** A certificate of the authentication CA, with the authentication key; whole seconds around now. */
export function makeCertificate(pki: VirtualPki, fields: Partial<CertificateFields> = {}): Uint8Array {
  const now = Math.floor(Date.now() / 1000) * 1000;
  return issueCertificate({
    issuer: issuerName(pki.authCaCertificate),
    issuerKey: keyPairOf(pki.authCaKey),
    subject: [
      ["C", "JP"],
      ["CN", "TEST"],
    ],
    subjectKey: keyPairOf(pki.authKey).publicKey,
    notBefore: new Date(now - DAY_MS),
    notAfter: new Date(now + 30 * DAY_MS),
    keyUsage: ["digitalSignature"],
    isCa: false,
    extendedKeyUsage: [CLIENT_AUTH],
    policy: "1.2.392.200149.8.5.1.3.30",
    ...fields,
  });
}

function nameParts({ attributes }: DistinguishedName): Name {
  return attributes.map(({ type, value }) => {
    if (type !== "C" && type !== "O" && type !== "OU" && type !== "L" && type !== "CN")
      throw new Error(`no ${type} here`);
    return [type, value];
  });
}
