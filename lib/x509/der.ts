/** One DER value from untrusted bytes: nothing after it, bounded in size and nesting, every failure a named error. */

import { JpkiError, MalformedError, messageOf, TooLargeError } from "../errors.ts";
import { asn1js } from "./asn1.ts";

export interface DerLimits {
  readonly maxBytes: number;
  /** Most ASN.1 values in all; asn1js bounds their nesting. */
  readonly maxNodes: number;
}

/** A certificate has about 1500 bytes and 200 values. */
export const CERTIFICATE_LIMITS: DerLimits = { maxBytes: 0x10000, maxNodes: 10_000 };

/**
 * @param what for errors: `a certificate`.
 * @param build makes the value; whatever it throws means that the bytes do not have its form.
 * @throws MALFORMED; TOO_LARGE over the limit.
 */
export function decodeDer<T>(
  bytes: Uint8Array,
  what: string,
  build: (schema: asn1js.AsnType) => T,
  { maxBytes, maxNodes }: DerLimits = CERTIFICATE_LIMITS,
): T {
  if (bytes.length > maxBytes) throw new TooLargeError(`read ${what}: ${bytes.length} bytes, the limit is ${maxBytes}`);
  try {
    const { offset, result } = asn1js.fromBER(bytes, { maxNodes });
    if (offset === -1) throw new MalformedError(`read ${what}: ${result.error}`);
    if (offset !== bytes.length) throw new MalformedError(`read ${what}: ${bytes.length - offset} bytes after its end`);
    return build(result);
  } catch (cause) {
    if (cause instanceof JpkiError) throw cause;
    throw new MalformedError(`read ${what}: ${messageOf(cause)}`, { cause });
  }
}
