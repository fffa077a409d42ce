/** The signatures a virtual card computes: P1 of COMPUTE DIGITAL SIGNATURE (card.md, "its schemes in P1"). */

import { constants, createHash, type KeyObject, privateEncrypt, randomBytes } from "node:crypto";
import { concatBytes, fromHex } from "../bytes.ts";

/** Most bytes that fit under PKCS #1 v1.5 padding in RSA-2048. */
const MAX_SIGN_BYTES = 245;

const MODULUS_BYTES = 256;
const HASH_BYTES = 32;
const SHA256_DIGEST_INFO = fromHex("3031300D060960864801650304020105000420");

/** Whether `scheme` takes `length` bytes. */
export function acceptsLength(scheme: number, length: number): boolean {
  if (scheme === 0x02 || scheme === 0x04) return length === HASH_BYTES;
  return length >= 1 && length <= MAX_SIGN_BYTES;
}

/**
 * @param scheme `00` the data under block type 1, `02` a SHA-256 made into a DigestInfo first, `03` hashed by the card
 * before that, `04` a SHA-256 signed as RSASSA-PSS.
 * @returns 256 bytes.
 */
export function computeSignature(key: KeyObject, scheme: number, data: Uint8Array): Uint8Array {
  switch (scheme) {
    case 0x00:
      return encrypt(key, data, constants.RSA_PKCS1_PADDING);
    case 0x02:
      return encrypt(key, concatBytes(SHA256_DIGEST_INFO, data), constants.RSA_PKCS1_PADDING);
    case 0x03:
      return encrypt(key, concatBytes(SHA256_DIGEST_INFO, sha256(data)), constants.RSA_PKCS1_PADDING);
    case 0x04:
      return encrypt(key, encodePss(data), constants.RSA_NO_PADDING);
    default:
      throw new RangeError(`signature scheme ${scheme}: only 0, 2, 3 and 4 are known`);
  }
}

function encrypt(key: KeyObject, data: Uint8Array, padding: number): Uint8Array {
  return new Uint8Array(privateEncrypt({ key, padding }, data));
}

/** EMSA-PSS-ENCODE (RFC 8017 section 9.1.1) with SHA-256, MGF1 and a salt of 32 bytes; node:crypto takes no ready hash. */
function encodePss(hash: Uint8Array): Uint8Array {
  const salt = randomBytes(HASH_BYTES);
  const h = sha256(concatBytes(new Uint8Array(8), hash, salt));
  const db = new Uint8Array(MODULUS_BYTES - HASH_BYTES - 1);
  db[db.length - salt.length - 1] = 0x01;
  db.set(salt, db.length - salt.length);
  const mask = mgf1(h, db.length);
  const masked = db.map((byte, i) => byte ^ (mask[i] ?? 0));
  masked[0] = (masked[0] ?? 0) & 0x7f;
  return concatBytes(masked, h, Uint8Array.of(0xbc));
}

/** RFC 8017 appendix B.2.1; `seed` and counter hashed until there is enough. */
function mgf1(seed: Uint8Array, length: number): Uint8Array {
  const blocks = Array.from({ length: Math.ceil(length / HASH_BYTES) }, (_, counter) =>
    sha256(concatBytes(seed, Uint8Array.of(0, 0, 0, counter))),
  );
  return concatBytes(...blocks).subarray(0, length);
}

function sha256(data: Uint8Array): Uint8Array {
  return createHash("sha256").update(data).digest();
}
