/**
 * Writes the X.509 certificates of the virtual card (RFC 5280) with the fields of card.md ("Certificates").
 */

import { createHash, createPrivateKey, randomBytes, sign } from "node:crypto";
import { asn1js, pkijs } from "../x509/asn1.ts";

/** A key pair as node:crypto hands it out. */
export interface KeyPair {
  /** PKCS #8 DER. */
  readonly privateKey: Uint8Array;
  /** SubjectPublicKeyInfo DER. */
  readonly publicKey: Uint8Array;
}

/** One attribute of a distinguished name, in order; values are printable ASCII. */
export type NamePart = readonly [type: "C" | "O" | "OU" | "L" | "CN", value: string];
export type Name = readonly NamePart[];

/** Bits of keyUsage, RFC 5280 section 4.2.1.3. */
export type KeyUsageBit = "digitalSignature" | "nonRepudiation" | "keyCertSign" | "cRLSign";

export interface CertificateFields {
  readonly issuer: Name;
  readonly issuerKey: KeyPair;
  readonly subject: Name;
  /** SubjectPublicKeyInfo DER of the subject. */
  readonly subjectKey: Uint8Array;
  readonly notBefore: Date;
  readonly notAfter: Date;
  readonly keyUsage: readonly KeyUsageBit[];
  readonly isCa: boolean;
  /** Key purposes, dotted; none leaves the extension out. */
  readonly extendedKeyUsage?: readonly string[] | undefined;
  /** Certificate policy, dotted. */
  readonly policy: string;
  /** Where the CRL lies in the directory. */
  readonly crlDirectoryName?: Name | undefined;
  /** subjectAltName otherNames: dotted type and UTF8String value. */
  readonly otherNames?: readonly (readonly [type: string, value: string])[] | undefined;
}

const NAME_TYPES = { C: "2.5.4.6", O: "2.5.4.10", OU: "2.5.4.11", L: "2.5.4.7", CN: "2.5.4.3" } as const;
const USAGE_BITS = { digitalSignature: 0, nonRepudiation: 1, keyCertSign: 5, cRLSign: 6 } as const;
const SHA256_WITH_RSA = "1.2.840.113549.1.1.11";
const OID = {
  subjectKeyIdentifier: "2.5.29.14",
  keyUsage: "2.5.29.15",
  subjectAltName: "2.5.29.17",
  basicConstraints: "2.5.29.19",
  crlDistributionPoints: "2.5.29.31",
  certificatePolicies: "2.5.29.32",
  authorityKeyIdentifier: "2.5.29.35",
  extKeyUsage: "2.5.29.37",
} as const;

/** Writes and signs (sha256WithRSAEncryption) one certificate. @returns DER, owned by the caller. */
export function issueCertificate(fields: CertificateFields): Uint8Array {
  const algorithm = new pkijs.AlgorithmIdentifier({ algorithmId: SHA256_WITH_RSA, algorithmParams: new asn1js.Null() });
  const certificate = new pkijs.Certificate({
    version: 2,
    serialNumber: new asn1js.Integer({ valueHex: serialNumber() }),
    signature: algorithm,
    signatureAlgorithm: algorithm,
    issuer: distinguishedName(fields.issuer),
    subject: distinguishedName(fields.subject),
    notBefore: new pkijs.Time({ type: 0, value: fields.notBefore }),
    notAfter: new pkijs.Time({ type: 0, value: fields.notAfter }),
    subjectPublicKeyInfo: pkijs.PublicKeyInfo.fromBER(fields.subjectKey),
    extensions: extensions(fields),
  });
  const toBeSigned = new Uint8Array(certificate.encodeTBS().toBER());
  const issuerKey = createPrivateKey({ key: Buffer.from(fields.issuerKey.privateKey), format: "der", type: "pkcs8" });
  certificate.signatureValue = new asn1js.BitString({ valueHex: sign("sha256", toBeSigned, issuerKey) });
  return new Uint8Array(certificate.toSchema(true).toBER());
}

function extensions(fields: CertificateFields): pkijs.Extension[] {
  const list = [
    extension(OID.keyUsage, true, keyUsage(fields.keyUsage)),
    extension(OID.certificatePolicies, true, policies(fields.policy)),
    extension(OID.authorityKeyIdentifier, false, authorityKeyIdentifier(fields.issuerKey.publicKey)),
    extension(OID.subjectKeyIdentifier, false, new asn1js.OctetString({ valueHex: keyIdentifier(fields.subjectKey) })),
  ];
  if (fields.isCa)
    list.push(extension(OID.basicConstraints, true, new pkijs.BasicConstraints({ cA: true }).toSchema()));
  if (fields.extendedKeyUsage !== undefined) {
    const purposes = new pkijs.ExtKeyUsage({ keyPurposes: [...fields.extendedKeyUsage] });
    list.push(extension(OID.extKeyUsage, false, purposes.toSchema()));
  }
  if (fields.otherNames !== undefined) {
    const names = fields.otherNames.map(([type, value]) => otherName(type, value));
    list.push(extension(OID.subjectAltName, false, new asn1js.Sequence({ value: names })));
  }
  if (fields.crlDirectoryName !== undefined)
    list.push(extension(OID.crlDistributionPoints, false, crlDistributionPoints(fields.crlDirectoryName)));
  return list;
}

function extension(extnID: string, critical: boolean, value: asn1js.BaseBlock): pkijs.Extension {
  return new pkijs.Extension({ extnID, critical, extnValue: value.toBER() });
}

/** One RDN for each attribute; pkijs by itself would put all of them into one multi-valued RDN. */
function distinguishedName(name: Name): pkijs.RelativeDistinguishedNames {
  const rdns = name.map(([type, value]) => {
    const attribute = [new asn1js.ObjectIdentifier({ value: NAME_TYPES[type] }), new asn1js.PrintableString({ value })];
    return new asn1js.Set({ value: [new asn1js.Sequence({ value: attribute })] });
  });
  return pkijs.RelativeDistinguishedNames.fromBER(new asn1js.Sequence({ value: rdns }).toBER());
}

function keyUsage(bits: readonly KeyUsageBit[]): asn1js.BitString {
  const numbers = bits.map((bit) => USAGE_BITS[bit]);
  const byte = numbers.reduce<number>((sum, number) => sum | (0x80 >> number), 0);
  return new asn1js.BitString({ valueHex: Uint8Array.of(byte), unusedBits: 7 - Math.max(...numbers) });
}

function policies(policyIdentifier: string): asn1js.Sequence {
  const information = new pkijs.PolicyInformation({ policyIdentifier });
  return new pkijs.CertificatePolicies({ certificatePolicies: [information] }).toSchema();
}

function authorityKeyIdentifier(issuerKey: Uint8Array): asn1js.Sequence {
  const keyIdentifierValue = new asn1js.OctetString({ valueHex: keyIdentifier(issuerKey) });
  return new pkijs.AuthorityKeyIdentifier({ keyIdentifier: keyIdentifierValue }).toSchema();
}

/** SHA-1 of the subjectPublicKey BIT STRING's content (RFC 5280 section 4.2.1.2, method 1). */
function keyIdentifier(spki: Uint8Array): Uint8Array {
  const info = pkijs.PublicKeyInfo.fromBER(spki);
  return createHash("sha1").update(info.subjectPublicKey.valueBlock.valueHexView).digest();
}

/** `otherName [0] { type-id OBJECT IDENTIFIER, value [0] EXPLICIT UTF8String }`. */
function otherName(type: string, value: string): asn1js.Constructed {
  const text = new asn1js.Constructed({
    idBlock: { tagClass: 3, tagNumber: 0 },
    value: [new asn1js.Utf8String({ value })],
  });
  return new asn1js.Constructed({
    idBlock: { tagClass: 3, tagNumber: 0 },
    value: [new asn1js.ObjectIdentifier({ value: type }), text],
  });
}

function crlDistributionPoints(directory: Name): asn1js.Sequence {
  const directoryName = new pkijs.GeneralName({ type: 4, value: distinguishedName(directory) });
  const point = new pkijs.DistributionPoint({ distributionPoint: [directoryName] });
  return new pkijs.CRLDistributionPoints({ distributionPoints: [point] }).toSchema();
}

/** 8 random bytes, positive and without a leading zero. */
function serialNumber(): Uint8Array {
  const bytes = new Uint8Array(randomBytes(8));
  bytes[0] = ((bytes[0] ?? 0) & 0x3f) | 0x40;
  return bytes;
}
