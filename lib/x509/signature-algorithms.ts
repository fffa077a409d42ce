/** Which signatures count, and whether one is right. SHA-1 and MD5 do not: a forger could have made them. */

import { type KeyObject, verify } from "node:crypto";

const HASHES: ReadonlyMap<string, string> = new Map([
  ["1.2.840.113549.1.1.11", "sha256"],
  ["1.2.840.113549.1.1.12", "sha384"],
  ["1.2.840.113549.1.1.13", "sha512"],
  ["1.2.840.10045.4.3.2", "sha256"],
  ["1.2.840.10045.4.3.3", "sha384"],
  ["1.2.840.10045.4.3.4", "sha512"],
]);

/** RSA PKCS #1 v1.5 or ECDSA with SHA-2. */
export function isStrongSignature(algorithm: string): boolean {
  return HASHES.has(algorithm);
}

/** Whether `key` made `signature` over `data`; false also for an algorithm that does not count. */
export function isSignedBy(data: Uint8Array, algorithm: string, signature: Uint8Array, key: KeyObject): boolean {
  const hash = HASHES.get(algorithm);
  if (hash === undefined) return false;
  try {
    return verify(hash, data, key, signature);
  } catch {
    // A key of a kind that makes no such signatures.
    return false;
  }
}
