/** Reads CMS SignedData (RFC 5652, 5) whose content has been taken out, from untrusted bytes. Nothing is judged here. */

import { toHex } from "../bytes.ts";
import { MalformedError } from "../errors.ts";
import { asn1js, pkijs } from "./asn1.ts";
import { type Certificate, decodeCertificate } from "./certificate-fields.ts";
import { decodeAttributes, type SignedAttributes } from "./cms-attributes.ts";
import { type DerLimits, decodeDer } from "./der.ts";
import { nameOf } from "./names.ts";

/** A signature with some certificates and revocation lists; 64 certificates have some 13 000 values. */
export const CMS_LIMITS: DerLimits = { maxBytes: (1 << 20) + 0x4000, maxNodes: 300_000 };

/** Version, name, hash, signature algorithm and signature. */
const SIGNER_FIELDS = 5;

/** How the signer's certificate is named. */
export type SignerId =
  /** `nameDer` and `serial` as in `Certificate`. */
  | { readonly kind: "issuer"; readonly nameDer: string; readonly serial: string }
  /** Its subject key identifier, hex. */
  | { readonly kind: "key"; readonly id: string };

export interface CmsSigner {
  readonly id: SignerId;
  /** OID. */
  readonly digestAlgorithm: string;
  readonly signatureAlgorithm: pkijs.AlgorithmIdentifier;
  readonly signature: Uint8Array;
  /** Undefined: the content itself is signed. */
  readonly attributes: SignedAttributes | undefined;
  /** OIDs of what anybody can add afterwards: time stamps, countersignatures. */
  readonly unsignedAttributes: readonly string[];
}

export interface SignedData {
  /** OID of the content's type. */
  readonly contentType: string;
  readonly certificates: readonly Certificate[];
  readonly signers: readonly CmsSigner[];
}

/** @param der as `openEnvelope` gives it. @throws MALFORMED, TOO_LARGE. */
export function decodeSignedData(der: Uint8Array): SignedData {
  return decodeDer(
    der,
    "a CMS signature",
    (schema) => {
      const { content } = new pkijs.ContentInfo({ schema });
      const data = new pkijs.SignedData({ schema: content });
      requireNothingElse(content, data.signerInfos);
      const hashes = data.digestAlgorithms.map(({ algorithmId }) => algorithmId);
      const signers = data.signerInfos.map(signerOf);
      if (signers.some(({ digestAlgorithm }) => !hashes.includes(digestAlgorithm)))
        throw new MalformedError("read a CMS signature: a signer's hash is not in its list of hashes");
      return {
        contentType: data.encapContentInfo.eContentType,
        certificates: (data.certificates ?? []).flatMap(certificateOf),
        signers,
      };
    },
    CMS_LIMITS,
  );
}

/** Whether a signer means this certificate. */
export function isSignerId(id: SignerId, { issuer, serial, subjectKeyId }: Certificate): boolean {
  return id.kind === "issuer" ? id.nameDer === issuer.der && id.serial === serial : id.id === subjectKeyId;
}

/** pkijs passes over what comes after the fields that it knows. @throws MALFORMED */
function requireNothingElse(content: unknown, signers: readonly pkijs.SignerInfo[]): void {
  const infos = children(children(content).at(-1));
  const fits = signers.every(({ signedAttrs, unsignedAttrs }, i) => {
    const optional = [signedAttrs, unsignedAttrs].filter((attributes) => attributes !== undefined);
    return children(infos[i]).length === SIGNER_FIELDS + optional.length;
  });
  if (!fits) throw new MalformedError("read a CMS signature: a signer has fields that nobody knows");
}

function children(block: unknown): readonly asn1js.AsnType[] {
  return block instanceof asn1js.Constructed ? block.valueBlock.value : [];
}

function signerOf({
  sid,
  digestAlgorithm,
  signatureAlgorithm,
  signature,
  signedAttrs,
  unsignedAttrs,
}: pkijs.SignerInfo): CmsSigner {
  return {
    id: signerId(sid),
    digestAlgorithm: digestAlgorithm.algorithmId,
    signatureAlgorithm,
    signature: new Uint8Array(signature.getValue()),
    attributes: signedAttrs && decodeAttributes(signedAttrs),
    unsignedAttributes: (unsignedAttrs?.attributes ?? []).map(({ type }) => type),
  };
}

/** `[0] IMPLICIT OCTET STRING` is what is not issuer and serial number. */
function signerId(sid: unknown): SignerId {
  if (sid instanceof pkijs.IssuerAndSerialNumber)
    return {
      kind: "issuer",
      nameDer: nameOf(sid.issuer).der,
      serial: toHex(sid.serialNumber.valueBlock.valueHexView),
    };
  if (!(sid instanceof asn1js.Primitive)) throw new TypeError("the signer is not named");
  return { kind: "key", id: toHex(sid.valueBlock.valueHexView) };
}

/** Attribute certificates and others are none that could have signed. */
function certificateOf(certificate: unknown): readonly Certificate[] {
  if (!(certificate instanceof pkijs.Certificate)) return [];
  return [decodeCertificate(new Uint8Array(certificate.toSchema().toBER()))];
}
