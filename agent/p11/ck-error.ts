/** The one error that a PKCS #11 program sees: a number. */

/** Thrown by what answers a call; the connection answers with `rv`. */
export class CkError extends Error {
  /** CKR_*, never CKR_OK. */
  readonly rv: number;

  constructor(rv: number, options?: ErrorOptions) {
    super(`CK_RV 0x${rv.toString(16)}`, options);
    this.name = "CkError";
    this.rv = rv;
  }
}
