/**
 * OCSP (RFC 6960): the question about one certificate, and what an answer says. From untrusted bytes; who asks sends
 * them, see lib/http-exchange.ts. Whether the responder's own certificate was revoked is not looked at.
 */

import { createHash } from "node:crypto";
import { equalBytes, toHex } from "../bytes.ts";
import { MalformedError } from "../errors.ts";
import { asn1js, pkijs } from "./asn1.ts";
import { type Certificate, decodeCertificate } from "./certificate-fields.ts";
import { isIssuedBy } from "./chain.ts";
import { type Finding, finding } from "./checks.ts";
import { type CmsHash, cmsHash } from "./cms-algorithms.ts";
import { type DerLimits, decodeDer } from "./der.ts";
import { nameOf } from "./names.ts";
import { revocationReason } from "./revocation-crl.ts";
import { freshPeriodFinding, periodFinding, type RevocationPeriod } from "./revocation-period.ts";
import { isSignedBy, isStrongSignature } from "./signature-algorithms.ts";

export const OCSP_LIMITS: DerLimits = { maxBytes: 0x20000, maxNodes: 10_000 };
export const OCSP_REQUEST_TYPE = "application/ocsp-request";
/** RFC 9654, 2.1: at least 32 bytes are to be used. */
export const OCSP_NONCE_BYTES = 32;

const OID = {
  sha1: "1.3.14.3.2.26",
  basicResponse: "1.3.6.1.5.5.7.48.1.1",
  nonce: "1.3.6.1.5.5.7.48.1.2",
  ocspSigning: "1.3.6.1.5.5.7.3.9",
} as const;

/** OCSPResponseStatus, RFC 6960, 4.2.1. */
const STATUSES: ReadonlyMap<number, string> = new Map([
  [1, "malformedRequest"],
  [2, "internalError"],
  [3, "tryLater"],
  [5, "sigRequired"],
  [6, "unauthorized"],
]);
/** CertStatus ::= CHOICE { good [0], revoked [1], unknown [2] }. */
const GOOD = 0;
const REVOKED = 1;

export interface OcspQuestion {
  readonly certificate: Certificate;
  readonly issuer: Certificate;
  /** What the request held; undefined for a response from a file. */
  readonly nonce?: Uint8Array | undefined;
}

/** @returns DER, owned by the caller. */
export function encodeOcspRequest({ certificate, issuer, nonce }: OcspQuestion): Uint8Array {
  const { nameHash, keyHash } = issuerHashes(issuer);
  const reqCert = new pkijs.CertID({
    hashAlgorithm: new pkijs.AlgorithmIdentifier({ algorithmId: OID.sha1, algorithmParams: new asn1js.Null() }),
    issuerNameHash: new asn1js.OctetString({ valueHex: nameHash }),
    issuerKeyHash: new asn1js.OctetString({ valueHex: keyHash }),
    serialNumber: new asn1js.Integer({ valueHex: Buffer.from(certificate.serial, "hex") }),
  });
  const request = new pkijs.OCSPRequest();
  request.tbsRequest.requestList = [new pkijs.Request({ reqCert })];
  if (nonce !== undefined) {
    const extnValue = new asn1js.OctetString({ valueHex: nonce }).toBER();
    request.tbsRequest.requestExtensions = [new pkijs.Extension({ extnID: OID.nonce, critical: false, extnValue })];
  }
  return new Uint8Array(request.toSchema(true).toBER());
}

/**
 * Signer first, then whether it answers this question at this time, then the answer.
 *
 * @throws MALFORMED, TOO_LARGE.
 */
export function checkOcspResponse(response: Uint8Array, question: OcspQuestion, now: Date): Finding {
  const outer = decodeDer(response, "an OCSP response", (schema) => new pkijs.OCSPResponse({ schema }), OCSP_LIMITS);
  const status = outer.responseStatus.valueBlock.valueDec;
  if (status !== 0) return finding("responder-refused", { status: STATUSES.get(status) ?? status });
  if (outer.responseBytes?.responseType !== OID.basicResponse)
    throw new MalformedError("read an OCSP response: it is none of the basic type");
  const bytes = outer.responseBytes.response.valueBlock.valueHexView;
  return decodeDer(bytes, "an OCSP response", (schema) =>
    judge(new pkijs.BasicOCSPResponse({ schema }), question, now),
  );
}

function judge(basic: pkijs.BasicOCSPResponse, question: OcspQuestion, now: Date): Finding {
  const { tbsResponseData: data, signatureAlgorithm, signature } = basic;
  const signer = findSigner(basic, question.issuer, now);
  const { valueHexView } = signature.valueBlock;
  if (signer === undefined || !isSignedBy(data.tbsView, signatureAlgorithm.algorithmId, valueHexView, signer.publicKey))
    return finding("wrong-signer");
  const nonce = nonceFinding(data, question.nonce);
  if (nonce !== undefined) return nonce;
  const single = data.responses.find(({ certID }) => isAbout(certID, question));
  if (single === undefined) return finding("other-certificate");
  return statusFinding(single, question.nonce !== undefined, now);
}

/** The CA itself, or whom it has certified as its responder (RFC 6960, 4.2.2.2). */
function findSigner(
  { tbsResponseData, certs = [] }: pkijs.BasicOCSPResponse,
  issuer: Certificate,
  now: Date,
): Certificate | undefined {
  const { responderID } = tbsResponseData;
  if (isNamed(issuer, responderID)) return issuer;
  const sent = certs.map((certificate) => decodeCertificate(new Uint8Array(certificate.toSchema().toBER())));
  return sent.find((certificate) => isNamed(certificate, responderID) && isResponderOf(certificate, issuer, now));
}

function isNamed(certificate: Certificate, responderId: unknown): boolean {
  if (responderId instanceof asn1js.OctetString)
    return equalBytes(responderId.valueBlock.valueHexView, issuerHashes(certificate).keyHash);
  return responderId instanceof pkijs.RelativeDistinguishedNames && nameOf(responderId).der === certificate.subject.der;
}

function isResponderOf(certificate: Certificate, issuer: Certificate, now: Date): boolean {
  const { extendedKeyUsage, keyUsage, unknownCritical, notBefore, notAfter, signatureAlgorithm } = certificate;
  return (
    isIssuedBy(certificate, issuer) &&
    isStrongSignature(signatureAlgorithm) &&
    extendedKeyUsage?.includes(OID.ocspSigning) === true &&
    keyUsage?.includes("digitalSignature") !== false &&
    unknownCritical.length === 0 &&
    now >= notBefore &&
    now <= notAfter
  );
}

/** An answer without the question's nonce may be an old one. */
function nonceFinding(
  { responseExtensions = [] }: pkijs.ResponseData,
  asked: Uint8Array | undefined,
): Finding | undefined {
  if (asked === undefined) return undefined;
  const extension = responseExtensions.find(({ extnID }) => extnID === OID.nonce);
  if (extension === undefined) return finding("nonce-missing");
  const answered = decodeDer(extension.extnValue.valueBlock.valueHexView, "an OCSP nonce", (value) => {
    if (!(value instanceof asn1js.OctetString)) throw new TypeError("it is no OCTET STRING");
    return value.valueBlock.valueHexView;
  });
  return equalBytes(answered, asked) ? undefined : finding("nonce-differs");
}

/** Our question names the CA by SHA-1 hashes, and so does its answer; a file holds the answer to anybody's. */
function isAbout(certId: pkijs.CertID, { certificate, issuer }: OcspQuestion): boolean {
  const { algorithmId } = certId.hashAlgorithm;
  const hash = algorithmId === OID.sha1 ? "sha1" : cmsHash(algorithmId);
  if (hash === undefined) return false;
  const { nameHash, keyHash } = issuerHashes(issuer, hash);
  return (
    equalBytes(certId.issuerNameHash.valueBlock.valueHexView, nameHash) &&
    equalBytes(certId.issuerKeyHash.valueBlock.valueHexView, keyHash) &&
    toHex(certId.serialNumber.valueBlock.valueHexView) === certificate.serial
  );
}

function statusFinding(single: pkijs.SingleResponse, fresh: boolean, now: Date): Finding {
  const status: unknown = single.certStatus;
  if (!(status instanceof asn1js.BaseBlock)) throw new MalformedError("read an OCSP response: it has no status");
  const { tagNumber } = status.idBlock;
  if (tagNumber === REVOKED) return revoked(status);
  if (tagNumber !== GOOD) return finding("responder-does-not-know");
  const period: RevocationPeriod = { thisUpdate: single.thisUpdate, nextUpdate: single.nextUpdate };
  const outOfDate = fresh ? freshPeriodFinding(period, now) : periodFinding(period, now);
  const until = single.nextUpdate?.toISOString();
  return outOfDate ?? finding("not-revoked", until === undefined ? {} : { until });
}

/** `RevokedInfo ::= SEQUENCE { revocationTime, revocationReason [0] EXPLICIT OPTIONAL }`. */
function revoked(status: asn1js.BaseBlock): Finding {
  const [time, wrapped] = status instanceof asn1js.Constructed ? status.valueBlock.value : [];
  const [reason] = wrapped instanceof asn1js.Constructed ? wrapped.valueBlock.value : [];
  return finding("revoked", {
    ...(time instanceof asn1js.GeneralizedTime ? { since: time.toDate().toISOString() } : {}),
    reason: revocationReason(reason instanceof asn1js.Enumerated ? reason.valueBlock.valueDec : 0),
  });
}

/** A responder names itself by SHA-1 too (RFC 6960, 4.2.1). */
function issuerHashes(
  { subject, publicKeyBits }: Certificate,
  hash: "sha1" | CmsHash = "sha1",
): { readonly nameHash: Uint8Array; readonly keyHash: Uint8Array } {
  const digest = (data: Uint8Array) => new Uint8Array(createHash(hash).update(data).digest());
  return { nameHash: digest(Buffer.from(subject.der, "hex")), keyHash: digest(publicKeyBits) };
}
