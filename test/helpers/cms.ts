/** CMS signatures of any shape, by the test PKI's signature key unless told otherwise. */

import { constants, createHash, createPrivateKey, privateEncrypt } from "node:crypto";
import { concatBytes } from "../../lib/bytes.ts";
import { encodeDigestInfo } from "../../lib/digest-info.ts";
import type { CertificateFields } from "../../lib/virtual-card/certificate.ts";
import type { VirtualPki } from "../../lib/virtual-card/pki.ts";
import { asn1js, pkijs } from "../../lib/x509/asn1.ts";
import { encodeAttributes, signingAttributes } from "../../lib/x509/cms-attributes.ts";
import { CMS_OID } from "../../lib/x509/cms-oids.ts";
import { issuerName, keyPairOf, makeCertificate } from "./certificates.ts";

export interface CmsShape {
  readonly content: Uint8Array;
  /** Default: the card's signature certificate. */
  readonly certificate?: Uint8Array | undefined;
  /** What is in the signature in its place. */
  readonly shownCertificates?: readonly Uint8Array[] | undefined;
  /** PKCS #8. */
  readonly key?: Uint8Array | undefined;
  readonly attached?: boolean | undefined;
  readonly signingTime?: Date | undefined;
  /** Before they are signed. */
  readonly attributes?: ((list: readonly pkijs.Attribute[]) => readonly pkijs.Attribute[]) | undefined;
  /** After it is made. */
  readonly signature?: ((bytes: Uint8Array) => Uint8Array) | undefined;
  /** The last hand on it. */
  readonly finish?: ((data: pkijs.SignedData) => void) | undefined;
}

/** DER. */
export function makeCms(pki: VirtualPki, shape: CmsShape): Uint8Array {
  const { content, certificate: der = pki.signCertificate, key = pki.signKey, signingTime = new Date() } = shape;
  const certificate = pkijs.Certificate.fromBER(der);
  const digest = createHash("sha256").update(content).digest();
  const usual = signingAttributes(digest, signingTime, certificate, der);
  const attributes = shape.attributes?.(usual) ?? usual;
  const signature = signDigest(key, createHash("sha256").update(encodeAttributes(attributes)).digest());
  const sha256 = () => new pkijs.AlgorithmIdentifier({ algorithmId: CMS_OID.sha256 });
  const data = new pkijs.SignedData({
    digestAlgorithms: [sha256()],
    encapContentInfo: new pkijs.EncapsulatedContentInfo({
      eContentType: CMS_OID.data,
      ...(shape.attached ? { eContent: new asn1js.OctetString({ valueHex: content }) } : {}),
    }),
    certificates: (shape.shownCertificates ?? [der]).map((shown) => pkijs.Certificate.fromBER(shown)),
    signerInfos: [
      new pkijs.SignerInfo({
        version: 1,
        sid: new pkijs.IssuerAndSerialNumber({ issuer: certificate.issuer, serialNumber: certificate.serialNumber }),
        digestAlgorithm: sha256(),
        signedAttrs: new pkijs.SignedAndUnsignedAttributes({ type: 0, attributes: [...attributes] }),
        signatureAlgorithm: new pkijs.AlgorithmIdentifier({
          algorithmId: CMS_OID.rsaEncryption,
          algorithmParams: new asn1js.Null(),
        }),
        signature: new asn1js.OctetString({ valueHex: shape.signature?.(signature) ?? signature }),
      }),
    ],
  });
  shape.finish?.(data);
  const info = new pkijs.ContentInfo({ contentType: CMS_OID.signedData, content: data.toSchema() });
  return new Uint8Array(info.toSchema().toBER());
}

/** PKCS #1 v1.5 over a SHA-256, as the card makes it. */
export function signDigest(key: Uint8Array, digest: Uint8Array): Uint8Array {
  const privateKey = createPrivateKey({ key: Buffer.from(key), format: "der", type: "pkcs8" });
  const padded = { key: privateKey, padding: constants.RSA_PKCS1_PADDING };
  return new Uint8Array(privateEncrypt(padded, encodeDigestInfo("sha256", digest)));
}

/** A certificate of the signature CA, with the signature key. */
export function makeSignatureCertificate(pki: VirtualPki, fields: Partial<CertificateFields> = {}): Uint8Array {
  return makeCertificate(pki, {
    issuer: issuerName(pki.signCaCertificate),
    issuerKey: keyPairOf(pki.signCaKey),
    subjectKey: keyPairOf(pki.signKey).publicKey,
    keyUsage: ["digitalSignature", "nonRepudiation"],
    extendedKeyUsage: undefined,
    policy: "1.2.392.200149.8.5.1.1.20",
    ...fields,
  });
}

/** The same bytes with one stretch replaced by another of the same length. */
export function patched(bytes: Uint8Array, fromHex: string, toHex: string): Uint8Array {
  const at = Buffer.from(bytes).indexOf(Buffer.from(fromHex, "hex"));
  if (at < 0 || fromHex.length !== toHex.length) throw new Error(`${fromHex} is not there`);
  const to = new Uint8Array(Buffer.from(toHex, "hex"));
  return concatBytes(bytes.subarray(0, at), to, bytes.subarray(at + to.length));
}
