/**
 * What a program has hashed itself must look like what such programs sign. OpenSSL, GnuTLS, NSS, Java and ssh all give
 * CKM_RSA_PKCS a DigestInfo; the one exception are the 36 bytes of MD5 and SHA-1 that TLS before 1.2 signs (RFC 4346
 * section 7.4.8). Anything else is refused: nobody needs it, and a key that pads and signs whatever it is given signs
 * things that nobody could name afterwards (promise 3).
 */

import { hashOfDigestInfo } from "../../lib/digest-info.ts";
import { PolicyError } from "../../lib/errors.ts";
import { CKR_DATA_INVALID, CKR_DATA_LEN_RANGE, CKR_FUNCTION_REJECTED } from "../../lib/p11/constants.ts";
import { CkError } from "./ck-error.ts";

/** What PKCS #1 v1.5 padding takes of the modulus at least (RFC 8017 section 9.2). */
const PADDING_BYTES = 11;
const TLS_MD5_SHA1_BYTES = 36;
const SHA256_BYTES = 32;

/**
 * For CKM_RSA_PKCS.
 *
 * @throws CkError CKR_DATA_LEN_RANGE if it does not fit under the padding, CKR_DATA_INVALID if it is no DigestInfo of
 * SHA-1 or SHA-2 (of MD5, say), CKR_FUNCTION_REJECTED for SHA-1 where that is not allowed.
 */
export function checkHashedByProgram(input: Uint8Array, modulusBytes: number, allowSha1: boolean): void {
  const { length } = input;
  if (length < 1 || length > modulusBytes - PADDING_BYTES)
    throw refusal(CKR_DATA_LEN_RANGE, "length", `${length} bytes do not fit`);
  const hash = length === TLS_MD5_SHA1_BYTES ? "sha1" : hashOfDigestInfo(input);
  if (hash === undefined)
    throw refusal(CKR_DATA_INVALID, "unknown-data", `${length} bytes that are no DigestInfo of SHA-1 or SHA-2`);
  if (hash === "sha1" && !allowSha1) throw refusal(CKR_FUNCTION_REJECTED, "sha1", "SHA-1 is not allowed");
}

/** For CKM_RSA_PKCS_PSS. @throws CkError CKR_DATA_LEN_RANGE. */
export function checkPssHash(input: Uint8Array): void {
  if (input.length !== SHA256_BYTES)
    throw refusal(CKR_DATA_LEN_RANGE, "length", `${input.length} bytes are no SHA-256`);
}

/** The program hears the number, the log the words, the record the problem, by the names of the SSH face's. */
function refusal(rv: number, problem: "length" | "sha1" | "unknown-data", text: string): CkError {
  return new CkError(rv, { cause: new PolicyError(`sign what a program gave: ${text}`, { details: { problem } }) });
}
