/** Signatures over documents that are no longer, or never were, what they say: openssl and `verify` refuse each. */

import { createHash } from "node:crypto";
import { concatBytes, utf8 } from "../../../lib/bytes.ts";
import type { VirtualPki } from "../../../lib/virtual-card/pki.ts";
import { asn1js, pkijs } from "../../../lib/x509/asn1.ts";
import { CMS_OID } from "../../../lib/x509/cms-oids.ts";
import { CLIENT_AUTH, DAY_MS, issuerName, keyPairOf } from "../../helpers/certificates.ts";
import { type CmsShape, makeCms, makeSignatureCertificate, patched } from "../../helpers/cms.ts";

export const CONTENT = utf8("a document\r\nwith two lines\n");
const SHA256_HEX = createHash("sha256").update(CONTENT).digest("hex");

export interface TamperedCase {
  readonly name: string;
  /** Which of our reasons says so; among others. */
  readonly reason: string;
  readonly shape?: () => Omit<CmsShape, "content">;
  /** After it is made. */
  readonly bytes?: (cms: Uint8Array) => Uint8Array;
  /** In the place of the document. */
  readonly content?: Uint8Array;
  readonly ca?: string;
}

const withoutAttribute = (type: string) => ({
  attributes: (list: readonly pkijs.Attribute[]) => list.filter((one) => one.type !== type),
});
/** Of its DER. */
export const hexOf = (oid: string) => Buffer.from(new asn1js.ObjectIdentifier({ value: oid }).toBER()).toString("hex");

/** @param other another PKI, with the same names. */
export function tamperedCases(pki: VirtualPki, other: VirtualPki): readonly TamperedCase[] {
  const certificate = (fields: Parameters<typeof makeSignatureCertificate>[1]) => ({
    certificate: makeSignatureCertificate(pki, fields),
  });
  return [
    { name: "a bit of the content", reason: "content-differs", content: CONTENT.with(3, 0x21) },
    { name: "a byte after the content", reason: "content-differs", content: concatBytes(CONTENT, utf8("\n")) },
    { name: "the content cut", reason: "content-differs", content: CONTENT.subarray(1) },
    { name: "no content", reason: "content-differs", content: new Uint8Array() },
    {
      name: "a bit of the content inside",
      reason: "content-differs",
      shape: () => ({ attached: true }),
      bytes: (cms) => patched(cms, Buffer.from("two").toString("hex"), Buffer.from("six").toString("hex")),
    },
    {
      name: "the digest in the attributes",
      reason: "signature-wrong",
      bytes: (cms) => patched(cms, SHA256_HEX, `00${SHA256_HEX.slice(2)}`),
    },
    {
      name: "the digest of another content, signed",
      reason: "content-differs",
      shape: () => ({
        attributes: (list) =>
          list.map((one) =>
            one.type === CMS_OID.messageDigest
              ? new pkijs.Attribute({
                  type: one.type,
                  values: [new asn1js.OctetString({ valueHex: new Uint8Array(32) })],
                })
              : one,
          ),
      }),
    },
    { name: "no digest, signed", reason: "content-differs", shape: () => withoutAttribute(CMS_OID.messageDigest) },
    {
      name: "two digests, signed",
      reason: "malformed",
      shape: () => ({
        attributes: (list) => list.flatMap((one) => (one.type === CMS_OID.messageDigest ? [one, one] : one)),
      }),
    },
    {
      name: "the content type in the attributes",
      reason: "signature-wrong",
      bytes: (cms) =>
        patched(
          cms,
          `${hexOf(CMS_OID.contentType)}310b${hexOf(CMS_OID.data)}`,
          `${hexOf(CMS_OID.contentType)}310b${hexOf(CMS_OID.signedData)}`,
        ),
    },
    {
      name: "no content type, signed",
      reason: "content-type-differs",
      shape: () => withoutAttribute(CMS_OID.contentType),
    },
    {
      name: "the signing time",
      reason: "signature-wrong",
      shape: () => ({ signingTime: new Date("2026-11-11T11:11:11Z") }),
      bytes: (cms) =>
        patched(cms, Buffer.from("261111111111Z").toString("hex"), Buffer.from("261111111110Z").toString("hex")),
    },
    {
      name: "the hash of the certificate in the attributes",
      reason: "signature-wrong",
      bytes: (cms) => {
        const hash = createHash("sha256").update(pki.signCertificate).digest("hex");
        return patched(cms, hash, `00${hash.slice(2)}`);
      },
    },
    {
      name: "the name of an attribute",
      reason: "signature-wrong",
      bytes: (cms) => patched(cms, hexOf(CMS_OID.signingTime), hexOf("1.2.840.113549.1.9.7")),
    },
    {
      name: "a bit of the signature",
      reason: "signature-wrong",
      shape: () => ({ signature: (bytes) => bytes.with(9, (bytes[9] ?? 0) ^ 1) }),
    },
    {
      name: "a signature of zeros",
      reason: "signature-wrong",
      shape: () => ({ signature: () => new Uint8Array(256) }),
    },
    {
      name: "the signature cut",
      reason: "signature-wrong",
      shape: () => ({ signature: (bytes) => bytes.subarray(1) }),
    },
    {
      name: "a byte after the signature",
      reason: "signature-wrong",
      shape: () => ({ signature: (bytes) => concatBytes(bytes, Uint8Array.of(0)) }),
    },
    {
      name: "the attributes taken away",
      reason: "signature-wrong",
      shape: () => ({ finish: (data) => void Reflect.deleteProperty(data.signerInfos[0] ?? {}, "signedAttrs") }),
    },
    {
      name: "another hash named",
      reason: "malformed",
      shape: () => ({
        finish: ({ signerInfos: [signer] }) => {
          if (signer) signer.digestAlgorithm = new pkijs.AlgorithmIdentifier({ algorithmId: CMS_OID.sha512 });
        },
      }),
    },
    {
      name: "the certificate swapped for one of another key",
      reason: "signature-wrong",
      shape: () => ({ key: pki.authKey }),
    },
    {
      name: "the certificate swapped for another of the same key",
      reason: "other-certificate-bound",
      shape: () => {
        const swapped = makeSignatureCertificate(pki);
        const { issuer, serialNumber } = pkijs.Certificate.fromBER(swapped);
        return {
          shownCertificates: [swapped],
          finish: ({ signerInfos: [signer] }) => {
            if (signer) signer.sid = new pkijs.IssuerAndSerialNumber({ issuer, serialNumber });
          },
        };
      },
    },
    {
      name: "the certificate of somebody else",
      reason: "no-signer-certificate",
      shape: () => ({ shownCertificates: [pki.authCertificate] }),
    },
    { name: "another CA of the same name", reason: "no-issuer", ca: "other-ca.pem" },
    {
      name: "a card of another CA of the same name",
      reason: "no-issuer",
      shape: () => ({ certificate: other.signCertificate, key: other.signKey }),
    },
    {
      name: "an expired certificate",
      reason: "expired",
      shape: () => certificate({ notAfter: new Date(Date.now() - 2000) }),
    },
    {
      name: "a certificate that is not valid yet",
      reason: "not-yet-valid",
      shape: () => certificate({ notBefore: new Date(Date.now() + DAY_MS) }),
    },
    {
      name: "a certificate that may not sign",
      reason: "usage-missing",
      shape: () => certificate({ keyUsage: ["cRLSign"] }),
    },
    {
      name: "a certificate for logins",
      reason: "purpose-differs",
      shape: () => certificate({ extendedKeyUsage: [CLIENT_AUTH] }),
    },
    {
      name: "a certificate made by a card",
      reason: "no-issuer",
      shape: () => ({
        ...certificate({
          issuer: issuerName(pki.signCaCertificate),
          issuerKey: keyPairOf(pki.authKey),
          subjectKey: keyPairOf(pki.authKey).publicKey,
        }),
        key: pki.authKey,
      }),
    },
    {
      name: "a second signer whom nobody knows",
      reason: "not-one-signer",
      shape: () => ({
        finish: (data) => {
          const cms = makeCms(other, { content: CONTENT });
          const { content } = pkijs.ContentInfo.fromBER(cms);
          const second = new pkijs.SignedData({ schema: content });
          data.signerInfos.push(...second.signerInfos);
          data.certificates?.push(...(second.certificates ?? []));
        },
      }),
    },
    {
      name: "no signer",
      reason: "not-one-signer",
      shape: () => ({ finish: (data) => void data.signerInfos.splice(0) }),
    },
    { name: "cut in the middle", reason: "malformed", bytes: (cms) => cms.subarray(0, cms.length >> 1) },
    { name: "its last byte missing", reason: "malformed", bytes: (cms) => cms.subarray(0, -1) },
  ];
}
