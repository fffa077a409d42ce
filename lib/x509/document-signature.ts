/**
 * Whether a signature over a document is right: content, signed attributes, the signer's certificate. Whether that
 * certificate is one is chain.ts's and revocation.ts's to say.
 */

import { createHash } from "node:crypto";
import { concatBytes, equalBytes } from "../bytes.ts";
import { pkijs } from "./asn1.ts";
import { ATTRIBUTES_HEAD_BYTES, beginsAsAttributes } from "./attributes-head.ts";
import type { Certificate } from "./certificate-fields.ts";
import { type Check, checkOf, type Finding, finding } from "./checks.ts";
import { cmsHash, createVerifier, type SignatureVerifier } from "./cms-algorithms.ts";
import { type CertificateBinding, isBoundTo, type SignedAttributes } from "./cms-attributes.ts";
import { type CmsSigner, isSignerId, type SignedData } from "./cms-decode.ts";
import { CMS_OID } from "./cms-oids.ts";

export interface DocumentVerification {
  readonly checks: readonly Check[];
  /** Whose key made it, if its certificate is at hand; it may still be worth nothing. */
  readonly signer: Certificate | undefined;
  /** What the signer says; nobody else has seen the clock. */
  readonly signingTime: Date | undefined;
}

export interface DocumentQuestion {
  /** Read once, to its end. */
  readonly content: AsyncIterable<Uint8Array>;
  /** Named by the user as the signer's: no other counts. */
  readonly certificate: Certificate | undefined;
  readonly now: Date;
}

/** Clocks differ: so far in the future a signature may have been made. */
const MAX_SKEW_MS = 300_000;

/** @throws what reading the content throws. */
export async function verifySignedData(
  { contentType, certificates, signers }: SignedData,
  { content, certificate, now }: DocumentQuestion,
): Promise<DocumentVerification> {
  const [signer, ...more] = signers;
  if (signer === undefined || more.length > 0) {
    const checks = [checkOf("form", finding("not-one-signer", { signers: signers.length }))];
    return { checks, signer: undefined, signingTime: undefined };
  }
  const candidates = certificate === undefined ? certificates : [certificate];
  const owner = candidates.find((candidate) => isSignerId(signer.id, candidate));
  const { attributes, unsignedAttributes } = signer;
  const checks = [checkOf("form", finding("one-signature", { kind: "cms" }))];
  if (attributes === undefined) checks.push(...(await contentChecks(signer, contentType, content, owner)));
  else {
    checks.push(checkOf("content-type", typeFinding(attributes.contentType === contentType)));
    checks.push(checkOf("content", await contentFinding(attributes, signer.digestAlgorithm, content)));
    const verifier = verifierFor(signer);
    verifier?.update(attributes.encoded);
    checks.push(checkOf("signature", signatureFinding(signer, verifier, owner)));
    const { certificate: binding, time } = attributes;
    if (binding !== undefined) checks.push(checkOf("signing-certificate", bindingFinding(binding, owner)));
    if (time !== undefined) checks.push(checkOf("signing-time", timeFinding(time, owner, now)));
  }
  if (unsignedAttributes.length > 0) {
    const found = finding("unsigned-attributes", { attributes: unsignedAttributes.join(", ") });
    checks.push(checkOf("unsigned-attributes", found));
  }
  return { checks, signer: owner, signingTime: attributes?.time };
}

/** RSA PKCS #1 v1.5 with SHA-256 over the content itself, as `openssl dgst -sha256 -verify` has it. */
export async function verifyRawSignature(
  signature: Uint8Array,
  content: AsyncIterable<Uint8Array>,
  certificate: Certificate,
): Promise<DocumentVerification> {
  const signatureAlgorithm = new pkijs.AlgorithmIdentifier({ algorithmId: CMS_OID.rsaEncryption });
  const signer = { digestAlgorithm: CMS_OID.sha256, signatureAlgorithm, signature };
  const checks = [
    checkOf("form", finding("one-signature", { kind: "raw" })),
    ...(await signedContentChecks(signer, content, certificate)),
  ];
  return { checks, signer: certificate, signingTime: undefined };
}

type Signature = Pick<CmsSigner, "digestAlgorithm" | "signatureAlgorithm" | "signature">;

/** Without attributes the content itself is signed; another type than plain data must not be (RFC 5652, 5.3). */
async function contentChecks(
  signer: Signature,
  contentType: string,
  content: AsyncIterable<Uint8Array>,
  owner: Certificate | undefined,
): Promise<readonly Check[]> {
  return [
    checkOf("content-type", typeFinding(contentType === CMS_OID.data)),
    ...(await signedContentChecks(signer, content, owner)),
  ];
}

/** Of a signature over the content itself. */
async function signedContentChecks(
  signer: Signature,
  content: AsyncIterable<Uint8Array>,
  owner: Certificate | undefined,
): Promise<readonly Check[]> {
  const verifier = verifierFor(signer);
  let head: Uint8Array = new Uint8Array();
  for await (const chunk of content) {
    verifier?.update(chunk);
    if (head.length < ATTRIBUTES_HEAD_BYTES) head = concatBytes(head, chunk).subarray(0, ATTRIBUTES_HEAD_BYTES);
  }
  return [
    ...(beginsAsAttributes(head) ? [checkOf("content", finding("content-is-attributes"))] : []),
    checkOf("signature", signatureFinding(signer, verifier, owner)),
  ];
}

function typeFinding(fits: boolean): Finding {
  return finding(fits ? "content-type-fits" : "content-type-differs");
}

async function contentFinding(
  { digest }: SignedAttributes,
  algorithm: string,
  content: AsyncIterable<Uint8Array>,
): Promise<Finding> {
  const name = cmsHash(algorithm);
  if (name === undefined) return finding("unsupported-algorithm", { algorithm });
  const hash = createHash(name);
  for await (const chunk of content) hash.update(chunk);
  const same = digest !== undefined && equalBytes(new Uint8Array(hash.digest()), digest);
  return finding(same ? "content-fits" : "content-differs", { hash: name });
}

function verifierFor({ digestAlgorithm, signatureAlgorithm }: Signature): SignatureVerifier | undefined {
  const hash = cmsHash(digestAlgorithm);
  return hash && createVerifier(hash, signatureAlgorithm);
}

function signatureFinding(
  { digestAlgorithm, signatureAlgorithm, signature }: Signature,
  verifier: SignatureVerifier | undefined,
  owner: Certificate | undefined,
): Finding {
  const algorithm = `${signatureAlgorithm.algorithmId} (${digestAlgorithm})`;
  if (verifier === undefined) return finding("unsupported-algorithm", { algorithm });
  if (owner === undefined) return finding("no-signer-certificate");
  return finding(verifier.isSignedBy(owner.publicKey, signature) ? "signed" : "signature-wrong");
}

function bindingFinding(binding: CertificateBinding, owner: Certificate | undefined): Finding {
  const hash = cmsHash(binding.hashAlgorithm);
  if (hash === undefined) return finding("unsupported-algorithm", { algorithm: binding.hashAlgorithm });
  if (owner === undefined) return finding("no-signer-certificate");
  return finding(isBoundTo(binding, owner, hash) ? "certificate-bound" : "other-certificate-bound");
}

/** Without the certificate, its dates cannot be compared. */
function timeFinding(time: Date, owner: Certificate | undefined, now: Date): Finding {
  const details = { time: time.toISOString() };
  if (time.getTime() > now.getTime() + MAX_SKEW_MS) return finding("signed-in-the-future", details);
  if (owner === undefined) return finding("no-signer-certificate");
  const inForce = time >= owner.notBefore && time <= owner.notAfter;
  return finding(inForce ? "signed-in-force" : "signed-out-of-force", details);
}
