/**
 * Writes CMS SignedData (RFC 5652, 5) of one signer: SHA-256 with RSA over signed attributes, with the signer's
 * certificate and its CA's. The content is elsewhere (detached) or goes between two parts (enveloping), of any size.
 */

import { createHash } from "node:crypto";
import { concatBytes } from "../bytes.ts";
import { asn1js, pkijs } from "./asn1.ts";
import { encodeAttributes, signingAttributes } from "./cms-attributes.ts";
import { CMS_OID } from "./cms-oids.ts";
import { decodeDer } from "./der.ts";
import { derHeader } from "./der-header.ts";

export interface SignedDataFields {
  /** SHA-256 of the content. */
  readonly contentDigest: Uint8Array;
  /** Bytes of the content that the signature is to hold; undefined: detached. */
  readonly contentBytes?: number | undefined;
  /** Whole seconds count. */
  readonly signingTime: Date;
  /** DER. */
  readonly certificate: Uint8Array;
  /** DER; its CA's, if it is at hand. */
  readonly ca?: Uint8Array | undefined;
}

export interface PreparedSignedData {
  /** SHA-256 of what is to be signed. */
  readonly digest: Uint8Array;
  /** DER around the content; nothing is between the two of a detached signature. */
  finish(signature: Uint8Array): { readonly before: Uint8Array; readonly after: Uint8Array };
}

const TAG = { octetString: 0x04, sequence: 0x30, zero: 0xa0 } as const;

/** @throws MALFORMED for bytes that are no certificate. */
export function prepareSignedData(fields: SignedDataFields): PreparedSignedData {
  const certificate = decode(fields.certificate);
  const own = [fields.certificate, ...(fields.ca === undefined ? [] : [fields.ca])];
  const certificates = own.toSorted(Buffer.compare).map(decode); // DER's order of a SET OF
  const { contentDigest, contentBytes, signingTime } = fields;
  const attributes = signingAttributes(contentDigest, signingTime, certificate, fields.certificate);
  const digest = createHash("sha256").update(encodeAttributes(attributes)).digest();
  return {
    digest: new Uint8Array(digest),
    finish: (signature) => {
      const signer = new pkijs.SignerInfo({
        version: 1,
        sid: new pkijs.IssuerAndSerialNumber({ issuer: certificate.issuer, serialNumber: certificate.serialNumber }),
        digestAlgorithm: sha256(),
        signedAttrs: new pkijs.SignedAndUnsignedAttributes({ type: 0, attributes: [...attributes] }),
        signatureAlgorithm: new pkijs.AlgorithmIdentifier({
          algorithmId: CMS_OID.rsaEncryption,
          algorithmParams: new asn1js.Null(),
        }),
        signature: new asn1js.OctetString({ valueHex: signature }),
      });
      const signedData = new pkijs.SignedData({
        digestAlgorithms: [sha256()],
        encapContentInfo: new pkijs.EncapsulatedContentInfo({ eContentType: CMS_OID.data }),
        certificates,
        signerInfos: [signer],
      });
      return assemble(signedData, contentBytes);
    },
  };
}

/** Each header from the inside out, for the content's length is known and its bytes are not here. */
function assemble(
  signedData: pkijs.SignedData,
  contentBytes: number | undefined,
): { readonly before: Uint8Array; readonly after: Uint8Array } {
  const schema: asn1js.Sequence = signedData.toSchema();
  const [version, hashes, , ...rest] = schema.valueBlock.value.map((field) => new Uint8Array(field.toBER()));
  if (version === undefined || hashes === undefined) throw new TypeError("SignedData has five fields");
  const content = contentBytes ?? 0;
  const after = concatBytes(...rest);
  const around = (inner: Uint8Array, tag: number, following = 0) =>
    concatBytes(derHeader(tag, inner.length + content + following), inner);
  const data = oid(CMS_OID.data);
  const octets = contentBytes === undefined ? data : openContent(data, contentBytes);
  const encapsulated = around(octets, TAG.sequence);
  const signed = around(concatBytes(version, hashes, encapsulated), TAG.sequence, after.length);
  const explicit = around(signed, TAG.zero, after.length);
  return { before: around(concatBytes(oid(CMS_OID.signedData), explicit), TAG.sequence, after.length), after };
}

/** Everything up to the content's first byte. */
function openContent(type: Uint8Array, contentBytes: number): Uint8Array {
  const octets = derHeader(TAG.octetString, contentBytes);
  return concatBytes(type, derHeader(TAG.zero, octets.length + contentBytes), octets);
}

function oid(value: string): Uint8Array {
  return new Uint8Array(new asn1js.ObjectIdentifier({ value }).toBER());
}

/** RFC 5754, 2: without parameters. */
function sha256(): pkijs.AlgorithmIdentifier {
  return new pkijs.AlgorithmIdentifier({ algorithmId: CMS_OID.sha256 });
}

function decode(der: Uint8Array): pkijs.Certificate {
  return decodeDer(der, "a certificate", (schema) => new pkijs.Certificate({ schema }));
}
