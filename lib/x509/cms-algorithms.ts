/** Hashes and signatures of CMS that count: SHA-2 with RSA (PKCS #1 v1.5 and PSS) or ECDSA. */

import { constants, createVerify, type KeyObject } from "node:crypto";
import { asn1js, pkijs } from "./asn1.ts";
import { CMS_OID } from "./cms-oids.ts";

/** As node:crypto names them. */
export type CmsHash = "sha256" | "sha384" | "sha512";

const HASHES: ReadonlyMap<string, CmsHash> = new Map([
  [CMS_OID.sha256, "sha256"],
  [CMS_OID.sha384, "sha384"],
  [CMS_OID.sha512, "sha512"],
]);

/** `hash` undefined: that of the digest. */
const SIGNATURES: ReadonlyMap<string, { readonly key: "rsa" | "ec"; readonly hash: CmsHash | undefined }> = new Map([
  [CMS_OID.rsaEncryption, { key: "rsa", hash: undefined }],
  [CMS_OID.sha256WithRsa, { key: "rsa", hash: "sha256" }],
  [CMS_OID.sha384WithRsa, { key: "rsa", hash: "sha384" }],
  [CMS_OID.sha512WithRsa, { key: "rsa", hash: "sha512" }],
  [CMS_OID.ecdsaWithSha256, { key: "ec", hash: "sha256" }],
  [CMS_OID.ecdsaWithSha384, { key: "ec", hash: "sha384" }],
  [CMS_OID.ecdsaWithSha512, { key: "ec", hash: "sha512" }],
]);

export interface SignatureVerifier {
  update(chunk: Uint8Array): void;
  /** Once, after all that was signed. */
  isSignedBy(key: KeyObject, signature: Uint8Array): boolean;
}

/** @returns undefined for an algorithm that does not count. @param oid dotted. */
export function cmsHash(oid: string): CmsHash | undefined {
  return HASHES.get(oid);
}

/** @returns undefined if such signatures are not verified here, or go with another hash. */
export function createVerifier(hash: CmsHash, algorithm: pkijs.AlgorithmIdentifier): SignatureVerifier | undefined {
  const saltLength = algorithm.algorithmId === CMS_OID.rsaPss ? pssSaltLength(hash, algorithm) : undefined;
  const known = SIGNATURES.get(algorithm.algorithmId);
  const fits = known !== undefined && (known.hash ?? hash) === hash;
  if (!fits && saltLength === undefined) return undefined;
  const type = known?.key ?? "rsa";
  const options = saltLength === undefined ? {} : { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength };
  const verify = createVerify(hash);
  return {
    update: (chunk) => void verify.update(chunk),
    isSignedBy: (key, signature) => {
      try {
        return key.asymmetricKeyType === type && verify.verify({ key, ...options }, signature);
      } catch {
        // A key too small for this hash, or a salt that no signature has.
        return false;
      }
    },
  };
}

/** RFC 4056, 2.2: one hash for all. @returns undefined for parameters of another kind. */
function pssSaltLength(hash: CmsHash, { algorithmParams }: pkijs.AlgorithmIdentifier): number | undefined {
  const parameters = pssParameters(algorithmParams);
  if (parameters === undefined) return undefined;
  const { hashAlgorithm, maskGenAlgorithm, saltLength, trailerField } = parameters;
  const mask: unknown = maskGenAlgorithm.algorithmParams;
  const maskHash =
    mask instanceof asn1js.Sequence ? new pkijs.AlgorithmIdentifier({ schema: mask }).algorithmId : undefined;
  const fits =
    cmsHash(hashAlgorithm.algorithmId) === hash &&
    maskGenAlgorithm.algorithmId === CMS_OID.mgf1 &&
    maskHash !== undefined &&
    cmsHash(maskHash) === hash &&
    trailerField === 1;
  return fits && saltLength >= 0 ? saltLength : undefined;
}

function pssParameters(schema: unknown): pkijs.RSASSAPSSParams | undefined {
  try {
    return schema instanceof asn1js.Sequence ? new pkijs.RSASSAPSSParams({ schema }) : undefined;
  } catch {
    // Not of that form: an algorithm that nobody here knows.
    return undefined;
  }
}
