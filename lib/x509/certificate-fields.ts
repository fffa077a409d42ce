/** A certificate's fields (RFC 5280, 4.1 and 4.2), from untrusted DER. Nothing is judged here. */

import { type KeyObject, X509Certificate } from "node:crypto";
import { toHex } from "../bytes.ts";
import { MalformedError } from "../errors.ts";
import { asn1js, pkijs } from "./asn1.ts";
import { decodeDer } from "./der.ts";
import { type DistinguishedName, nameOf } from "./names.ts";
import { validityOfCertificate } from "./validity.ts";

/** RFC 5280, 4.2.1.3, in the order of the bits. */
export const KEY_USAGES = [
  "digitalSignature",
  "nonRepudiation",
  "keyEncipherment",
  "dataEncipherment",
  "keyAgreement",
  "keyCertSign",
  "cRLSign",
  "encipherOnly",
  "decipherOnly",
] as const;
export type KeyUsage = (typeof KEY_USAGES)[number];

export interface Certificate {
  /** Owned by the caller. */
  readonly der: Uint8Array;
  /** Node's own reader of the same bytes, for its signature. */
  readonly x509: X509Certificate;
  readonly subject: DistinguishedName;
  readonly issuer: DistinguishedName;
  /** Lower-case hex of the INTEGER's content. */
  readonly serial: string;
  readonly notBefore: Date;
  readonly notAfter: Date;
  readonly publicKey: KeyObject;
  /** The BIT STRING's content: what key identifiers and OCSP hash. */
  readonly publicKeyBits: Uint8Array;
  /** The subject key identifier, hex; undefined: the extension is not there. */
  readonly subjectKeyId: string | undefined;
  /** OID. */
  readonly signatureAlgorithm: string;
  readonly isCa: boolean;
  /** Undefined: the extension is not there. */
  readonly keyUsage: readonly KeyUsage[] | undefined;
  /** OIDs; undefined: the extension is not there. */
  readonly extendedKeyUsage: readonly string[] | undefined;
  /** OIDs. */
  readonly policies: readonly string[];
  /** The otherNames of subjectAltName that are texts, by their OID. */
  readonly otherNames: ReadonlyMap<string, string>;
  /** Hex of the DER of each name of each CRL distribution point. */
  readonly crlNames: readonly string[];
  /** OIDs of critical extensions that are none of the above: whoever judges the certificate must refuse it. */
  readonly unknownCritical: readonly string[];
}

const OID = {
  subjectKeyIdentifier: "2.5.29.14",
  keyUsage: "2.5.29.15",
  subjectAltName: "2.5.29.17",
  basicConstraints: "2.5.29.19",
  crlDistributionPoints: "2.5.29.31",
  certificatePolicies: "2.5.29.32",
  extKeyUsage: "2.5.29.37",
} as const;
const KNOWN: readonly string[] = Object.values(OID);
const CONTEXT_SPECIFIC = 3;
/** Of an otherName, and of the value in it. */
const TAG_0 = 0;

/** @throws MALFORMED if it is not one X.509 certificate in DER, all of it and nothing else; TOO_LARGE. */
export function decodeCertificate(der: Uint8Array): Certificate {
  return decodeDer(der, "a certificate", (schema) => {
    const parsed = new pkijs.Certificate({ schema });
    const x509 = new X509Certificate(der);
    const outer = parsed.signatureAlgorithm.algorithmId;
    if (outer !== parsed.signature.algorithmId)
      throw new MalformedError("read a certificate: it names two different signature algorithms");
    const extensions = extensionsOf(parsed);
    const keyId = extensions.get(OID.subjectKeyIdentifier);
    const usage = extensions.get(OID.keyUsage);
    const purposes = extensions.get(OID.extKeyUsage);
    const constraints = extensions.get(OID.basicConstraints);
    const policies = extensions.get(OID.certificatePolicies);
    const names = extensions.get(OID.subjectAltName);
    const crls = extensions.get(OID.crlDistributionPoints);
    return {
      der,
      x509,
      subject: nameOf(parsed.subject),
      issuer: nameOf(parsed.issuer),
      serial: toHex(parsed.serialNumber.valueBlock.valueHexView),
      ...validityOfCertificate(der),
      publicKey: x509.publicKey,
      publicKeyBits: new Uint8Array(parsed.subjectPublicKeyInfo.subjectPublicKey.valueBlock.valueHexView),
      subjectKeyId: keyId && decodeExtension(keyId, octets),
      signatureAlgorithm: outer,
      isCa:
        constraints !== undefined &&
        decodeExtension(constraints, (value) => new pkijs.BasicConstraints({ schema: value })).cA,
      keyUsage: usage && decodeExtension(usage, usageBits),
      extendedKeyUsage:
        purposes && decodeExtension(purposes, (value) => new pkijs.ExtKeyUsage({ schema: value })).keyPurposes,
      policies: policies === undefined ? [] : decodeExtension(policies, policyIds),
      otherNames: names === undefined ? new Map() : decodeExtension(names, otherNames),
      crlNames: crls === undefined ? [] : decodeExtension(crls, crlNames),
      unknownCritical: (parsed.extensions ?? [])
        .filter(({ critical, extnID }) => critical && !KNOWN.includes(extnID))
        .map(({ extnID }) => extnID),
    };
  });
}

/** The names of a distribution point, as hex of their DER. */
export function distributionPointNames(name: pkijs.DistributionPoint["distributionPoint"]): readonly string[] {
  if (!Array.isArray(name)) return [];
  return name.flatMap((general) => {
    const schema = general.toSchema();
    return schema instanceof asn1js.BaseBlock ? [toHex(new Uint8Array(schema.toBER()))] : [];
  });
}

function extensionsOf(parsed: pkijs.Certificate): ReadonlyMap<string, pkijs.Extension> {
  const list = parsed.extensions ?? [];
  const found = new Map(list.map((extension) => [extension.extnID, extension]));
  if (found.size !== list.length) throw new MalformedError("read a certificate: it has an extension twice");
  return found;
}

/** Not pkijs's `parsedValue`: for a malformed extension that gives one of default values. */
function decodeExtension<T>({ extnID, extnValue }: pkijs.Extension, build: (value: asn1js.AsnType) => T): T {
  return decodeDer(extnValue.valueBlock.valueHexView, `a certificate's extension ${extnID}`, build);
}

function octets(value: asn1js.AsnType): string {
  if (!(value instanceof asn1js.OctetString)) throw new TypeError("a key identifier is no OCTET STRING");
  return toHex(value.valueBlock.valueHexView);
}

function usageBits(value: asn1js.AsnType): readonly KeyUsage[] {
  if (!(value instanceof asn1js.BitString)) throw new TypeError("key usage is no BIT STRING");
  const bytes = value.valueBlock.valueHexView;
  return KEY_USAGES.filter((_, bit) => ((bytes[bit >> 3] ?? 0) & (0x80 >> (bit & 7))) !== 0);
}

function policyIds(schema: asn1js.AsnType): readonly string[] {
  return new pkijs.CertificatePolicies({ schema }).certificatePolicies.map(({ policyIdentifier }) => policyIdentifier);
}

function crlNames(schema: asn1js.AsnType): readonly string[] {
  const { distributionPoints } = new pkijs.CRLDistributionPoints({ schema });
  return distributionPoints.flatMap(({ distributionPoint }) => distributionPointNames(distributionPoint));
}

/** `otherName [0] { type-id OBJECT IDENTIFIER, value [0] EXPLICIT … }`; the first of each type counts. */
function otherNames(value: asn1js.AsnType): ReadonlyMap<string, string> {
  if (!(value instanceof asn1js.Sequence)) throw new TypeError("subjectAltName is no SEQUENCE");
  const found = new Map<string, string>();
  for (const name of value.valueBlock.value) {
    const [type, wrapped] = childrenOf(name);
    const [text] = wrapped === undefined ? [] : childrenOf(wrapped);
    if (type instanceof asn1js.ObjectIdentifier && text instanceof asn1js.Utf8String && !found.has(type.getValue()))
      found.set(type.getValue(), text.getValue());
  }
  return found;
}

function childrenOf(block: asn1js.AsnType): readonly asn1js.AsnType[] {
  const { tagClass, tagNumber } = block.idBlock;
  if (!(block instanceof asn1js.Constructed) || tagClass !== CONTEXT_SPECIFIC || tagNumber !== TAG_0) return [];
  return block.valueBlock.value;
}
