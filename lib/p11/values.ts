/**
 * What travels between a PKCS #11 program and its token, as values: CK_ULONG is a number (see
 * `CK_UNAVAILABLE_INFORMATION`), CK_BBOOL a boolean, bytes are views of the frame in requests.
 */

/** CK_VERSION. */
export interface Version {
  readonly major: number;
  readonly minor: number;
}

/** The value of an attribute; its type decides which of these it is: see `attributes.ts`. Dates are bytes. */
export type AttributeValue = boolean | number | Uint8Array | readonly number[] | readonly Attribute[];

export interface Attribute {
  /** CKA_*, 32 bits. */
  readonly type: number;
  /** Undefined: there is none, or it is not told (ulValueLen -1). */
  readonly value: AttributeValue | undefined;
}

/** One attribute that a program asks for. */
export interface AttributeRoom {
  /** CKA_*, 32 bits. */
  readonly type: number;
  /** Bytes of the program's buffer. 0: it asks for the length. */
  readonly room: number;
}

export interface Mechanism {
  /** CKM_*, 32 bits. */
  readonly type: number;
  readonly parameter: MechanismParameter;
}

/** `other`: of a mechanism that is not ours, or of the wrong length for RSASSA-PSS. */
export type MechanismParameter =
  | { readonly kind: "none" }
  | {
      readonly kind: "pss";
      /** CKM_SHA*. */
      readonly hash: number;
      /** CKG_MGF1_*. */
      readonly mgf: number;
      /** Bytes. */
      readonly saltLength: number;
    }
  | { readonly kind: "other"; readonly bytes: Uint8Array };

/**
 * The answer to a size question, and to a program whose buffer is too small: no data, only how much there would be
 * (bytes, or elements of a list). The program's side makes CKR_OK or CKR_BUFFER_TOO_SMALL of it.
 */
export interface SizeOnly {
  readonly needed: number;
}
