/**
 * DigestInfo: the DER in which a PKCS #1 v1.5 signature names its hash (RFC 8017 section 9.2, its note 1 for the
 * bytes). Shared by both faces; computing the digest is the caller's work.
 */

import { concatBytes, equalBytes, fromHex } from "./bytes.ts";
import { MalformedError } from "./errors.ts";

const HASH_NAMES = ["sha1", "sha256", "sha384", "sha512"] as const;
/** As node:crypto names them. */
export type HashName = (typeof HASH_NAMES)[number];

interface HashRecord {
  readonly digestBytes: number;
  /** All that stands before the digest: SEQUENCE { SEQUENCE { hash's OID, NULL }, OCTET STRING header }. */
  readonly prefix: Uint8Array;
}

const HASHES: Readonly<Record<HashName, HashRecord>> = {
  sha1: { digestBytes: 20, prefix: fromHex("3021 3009 06052b0e03021a 0500 0414") },
  sha256: { digestBytes: 32, prefix: fromHex("3031 300d 0609608648016503040201 0500 0420") },
  sha384: { digestBytes: 48, prefix: fromHex("3041 300d 0609608648016503040202 0500 0430") },
  sha512: { digestBytes: 64, prefix: fromHex("3051 300d 0609608648016503040203 0500 0440") },
};

/** The DigestInfo of a finished digest: 35, 51, 67 or 83 bytes, a fresh array. @throws MALFORMED for a wrong length. */
export function encodeDigestInfo(hash: HashName, digest: Uint8Array): Uint8Array {
  const { prefix, digestBytes } = HASHES[hash];
  if (digest.length !== digestBytes)
    throw new MalformedError(`make a DigestInfo for ${hash}: ${digest.length} bytes, not ${digestBytes}`);
  return concatBytes(prefix, digest);
}

/** The hash that a DigestInfo names; undefined for bytes that are not one of these, whole and nothing else. */
export function hashOfDigestInfo(bytes: Uint8Array): HashName | undefined {
  return HASH_NAMES.find((name) => {
    const { prefix, digestBytes } = HASHES[name];
    return bytes.length === prefix.length + digestBytes && equalBytes(bytes.subarray(0, prefix.length), prefix);
  });
}
