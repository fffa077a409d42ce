/**
 * The signed attributes of CMS (RFC 5652, 5.3 and 11): what a signature says beside the content. What is signed is their
 * DER as a SET OF.
 *
 *     SigningCertificateV2 ::= SEQUENCE { certs SEQUENCE OF ESSCertIDv2, policies … OPTIONAL }       (RFC 5035, 3)
 *     ESSCertIDv2 ::= SEQUENCE { hashAlgorithm DEFAULT sha256, certHash OCTET STRING, issuerSerial OPTIONAL }
 *     IssuerSerial ::= SEQUENCE { issuer GeneralNames, serialNumber INTEGER }
 */

import { createHash } from "node:crypto";
import { equalBytes, toHex } from "../bytes.ts";
import { MalformedError } from "../errors.ts";
import { asn1js, pkijs } from "./asn1.ts";
import type { Certificate } from "./certificate-fields.ts";
import type { CmsHash } from "./cms-algorithms.ts";
import { CMS_OID } from "./cms-oids.ts";
import { nameOf } from "./names.ts";

/** Undefined: it is not there. */
export interface SignedAttributes {
  /** What is signed: the DER of the SET OF. */
  readonly encoded: Uint8Array;
  /** OID. */
  readonly contentType: string | undefined;
  readonly digest: Uint8Array | undefined;
  readonly time: Date | undefined;
  readonly certificate: CertificateBinding | undefined;
}

/** What the first ESSCertIDv2 says of the signer's certificate. */
export interface CertificateBinding {
  /** OID. */
  readonly hashAlgorithm: string;
  readonly hash: Uint8Array;
  /** Hex, as in `Certificate`; undefined: it is not there. */
  readonly issuer: { readonly nameDer: string | undefined; readonly serial: string } | undefined;
}

const CONTEXT_SPECIFIC = 3;
const DIRECTORY_NAME = 4;
/** RFC 5652, 11.3: until 2049 a UTCTime. */
const FIRST_GENERALIZED_YEAR = 2050;

/** Content type id-data, digest, time and certificate, in DER's order of a SET OF. */
export function signingAttributes(
  contentDigest: Uint8Array,
  signingTime: Date,
  certificate: pkijs.Certificate,
  certificateDer: Uint8Array,
): readonly pkijs.Attribute[] {
  const time =
    signingTime.getUTCFullYear() < FIRST_GENERALIZED_YEAR
      ? new asn1js.UTCTime({ valueDate: signingTime })
      : new asn1js.GeneralizedTime({ valueDate: signingTime });
  const attributes = [
    attribute(CMS_OID.contentType, new asn1js.ObjectIdentifier({ value: CMS_OID.data })),
    attribute(CMS_OID.messageDigest, new asn1js.OctetString({ valueHex: contentDigest })),
    attribute(CMS_OID.signingTime, time),
    attribute(CMS_OID.signingCertificateV2, signingCertificate(certificate, certificateDer)),
  ];
  return attributes.toSorted((a, b) => Buffer.compare(encoded(a), encoded(b)));
}

/** What is signed. @returns DER, a fresh array. */
export function encodeAttributes(attributes: readonly pkijs.Attribute[]): Uint8Array {
  return new Uint8Array(new asn1js.Set({ value: attributes.map((one) => one.toSchema()) }).toBER());
}

/**
 * From untrusted bytes; an attribute of another kind says nothing here, though it is signed.
 *
 * @throws MALFORMED for one that comes twice or has not exactly one value (RFC 5652, 11); TypeError for another form.
 */
export function decodeAttributes({ attributes, encodedValue }: pkijs.SignedAndUnsignedAttributes): SignedAttributes {
  const values = new Map<string, asn1js.AsnType>();
  for (const { type, values: all } of attributes) {
    const [value] = all;
    if (values.has(type) || value === undefined || all.length !== 1)
      throw new MalformedError(`read a CMS signature: the attribute ${type} is there twice, or has not one value`);
    values.set(type, value);
  }
  const read = <T>(type: string, decode: (value: asn1js.AsnType) => T): T | undefined => {
    const value = values.get(type);
    return value === undefined ? undefined : decode(value);
  };
  return {
    encoded: new Uint8Array(encodedValue),
    contentType: read(CMS_OID.contentType, contentTypeOf),
    digest: read(CMS_OID.messageDigest, (value) => octets(value, "the message digest")),
    time: read(CMS_OID.signingTime, timeOf),
    certificate: read(CMS_OID.signingCertificateV2, bindingOf),
  };
}

/** Whether the hash and the names are those of a certificate. */
export function isBoundTo(
  { hash: bound, issuer }: CertificateBinding,
  certificate: Certificate,
  hash: CmsHash,
): boolean {
  const digest = createHash(hash).update(certificate.der).digest();
  if (!equalBytes(new Uint8Array(digest), bound)) return false;
  return issuer === undefined || (issuer.nameDer === certificate.issuer.der && issuer.serial === certificate.serial);
}

function attribute(type: string, value: asn1js.BaseBlock): pkijs.Attribute {
  return new pkijs.Attribute({ type, values: [value] });
}

function encoded(one: pkijs.Attribute): Uint8Array {
  return new Uint8Array(one.toSchema().toBER());
}

function signingCertificate({ issuer, serialNumber }: pkijs.Certificate, der: Uint8Array): asn1js.Sequence {
  const hash = new asn1js.OctetString({ valueHex: createHash("sha256").update(der).digest() });
  const directoryName = new asn1js.Constructed({
    idBlock: { tagClass: CONTEXT_SPECIFIC, tagNumber: DIRECTORY_NAME },
    value: [issuer.toSchema()],
  });
  const issuerSerial = new asn1js.Sequence({ value: [new asn1js.Sequence({ value: [directoryName] }), serialNumber] });
  const id = new asn1js.Sequence({ value: [hash, issuerSerial] });
  return new asn1js.Sequence({ value: [new asn1js.Sequence({ value: [id] })] });
}

function contentTypeOf(value: asn1js.AsnType): string {
  if (!(value instanceof asn1js.ObjectIdentifier)) throw new TypeError("the content type is no OBJECT IDENTIFIER");
  return value.getValue();
}

function timeOf(value: asn1js.AsnType): Date {
  const time = value instanceof asn1js.UTCTime || value instanceof asn1js.GeneralizedTime ? value.toDate() : undefined;
  if (time === undefined || Number.isNaN(time.getTime())) throw new TypeError("the signing time is no time");
  return time;
}

function bindingOf(value: asn1js.AsnType): CertificateBinding {
  const [ids] = children(value);
  const [id] = children(ids);
  const fields = [...children(id)];
  const algorithm = fields[0] instanceof asn1js.Sequence ? fields.shift() : undefined;
  const [hash, issuerSerial] = fields;
  return {
    hashAlgorithm:
      algorithm === undefined ? CMS_OID.sha256 : new pkijs.AlgorithmIdentifier({ schema: algorithm }).algorithmId,
    hash: octets(hash, "the certificate's hash"),
    issuer: issuerSerial && issuerOf(issuerSerial),
  };
}

function issuerOf(issuerSerial: asn1js.AsnType): NonNullable<CertificateBinding["issuer"]> {
  const [names, serial] = children(issuerSerial);
  if (!(serial instanceof asn1js.Integer)) throw new TypeError("the certificate's serial number is no INTEGER");
  const [name, ...more] = children(names);
  const [directory] =
    name instanceof asn1js.Constructed && name.idBlock.tagNumber === DIRECTORY_NAME && more.length === 0
      ? name.valueBlock.value
      : [];
  return {
    nameDer:
      directory === undefined ? undefined : nameOf(new pkijs.RelativeDistinguishedNames({ schema: directory })).der,
    serial: toHex(serial.valueBlock.valueHexView),
  };
}

function children(block: asn1js.AsnType | undefined): readonly asn1js.AsnType[] {
  if (!(block instanceof asn1js.Sequence)) throw new TypeError("it has no SEQUENCE where it must");
  return block.valueBlock.value;
}

function octets(value: asn1js.AsnType | undefined, what: string): Uint8Array {
  if (!(value instanceof asn1js.OctetString)) throw new TypeError(`${what} is no OCTET STRING`);
  return new Uint8Array(value.getValue());
}
