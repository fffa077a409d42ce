/** The one error that a PKCS #11 program sees: a number. */

/** Thrown by what answers a call; the connection answers with `rv`. */
export class CkError extends Error {
  /** CKR_*. */
  readonly rv: number;

  /** @throws RangeError for CKR_OK and for what is no number of 32 bits. */
  constructor(rv: number, options?: ErrorOptions) {
    if (rv === 0 || rv >>> 0 !== rv) throw new RangeError(`${rv} is no error's number`);
    super(`CK_RV 0x${rv.toString(16)}`, options);
    this.name = "CkError";
    this.rv = rv;
  }
}
