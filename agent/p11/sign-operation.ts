/**
 * A signature that a session is about to make: from C_SignInit to C_Sign, or over C_SignUpdate to C_SignFinal. What is
 * to be hashed is hashed here as it comes; the digest is only taken when there is room for the signature, so a size
 * question changes nothing.
 */

import { createHash, type Hash } from "node:crypto";
import { encodeDigestInfo } from "../../lib/digest-info.ts";
import { CKR_FUNCTION_NOT_SUPPORTED, CKR_OPERATION_NOT_INITIALIZED } from "../../lib/p11/constants.ts";
import { CkError } from "./ck-error.ts";
import type { SignMechanism } from "./mechanisms.ts";
import { checkHashedByProgram, checkPssHash } from "./sign-input.ts";

export class SignOperation {
  readonly mechanism: SignMechanism;
  /** Bytes of the signature. */
  readonly signatureBytes: number;
  /** The card or a person is at it. */
  underWay = false;
  readonly #allowSha1: boolean;
  readonly #cancelled = new AbortController();
  #parts: Hash | undefined;

  constructor(mechanism: SignMechanism, { signatureBytes, allowSha1 }: { signatureBytes: number; allowSha1: boolean }) {
    this.mechanism = mechanism;
    this.signatureBytes = signatureBytes;
    this.#allowSha1 = allowSha1;
  }

  /** Aborts when the program no longer wants it. */
  get cancelled(): AbortSignal {
    return this.#cancelled.signal;
  }

  cancel(reason: CkError): void {
    this.#cancelled.abort(reason);
  }

  /**
   * C_SignUpdate.
   *
   * @throws CkError CKR_FUNCTION_NOT_SUPPORTED for what the program has to hash: such mechanisms are for data in one part.
   */
  update(part: Uint8Array): void {
    this.#parts = this.#hashing().update(part);
  }

  /** What C_Sign signs, a fresh array. @throws CkError; CKR_OPERATION_NOT_INITIALIZED after {@link update}. */
  inputOf(data: Uint8Array): Uint8Array {
    if (this.#parts !== undefined) throw new CkError(CKR_OPERATION_NOT_INITIALIZED);
    const { hash, scheme } = this.mechanism;
    if (hash !== undefined) return this.#hashed(createHash(hash).update(data));
    if (scheme === "pss") checkPssHash(data);
    else checkHashedByProgram(data, this.signatureBytes, this.#allowSha1);
    return new Uint8Array(data);
  }

  /** What C_SignFinal signs: all parts, or no bytes at all. @throws CkError as {@link update}. */
  inputOfParts(): Uint8Array {
    return this.#hashed(this.#hashing());
  }

  #hashing(): Hash {
    const { hash } = this.mechanism;
    if (hash === undefined) throw new CkError(CKR_FUNCTION_NOT_SUPPORTED);
    return this.#parts ?? createHash(hash);
  }

  #hashed(parts: Hash): Uint8Array {
    const { hash, scheme } = this.mechanism;
    const digest = new Uint8Array(parts.digest());
    return hash === undefined || scheme === "pss" ? digest : encodeDigestInfo(hash, digest);
  }
}
