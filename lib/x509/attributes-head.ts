/**
 * How the signed attributes of CMS begin as they are signed (RFC 5652, 5.4): `SET { SEQUENCE { OBJECT IDENTIFIER, …`.
 *
 * A signature over them says nothing of what kind of bytes it was made over. Taken for a file, they would be one that
 * nobody has signed; and a file of this form, signed as it stands, gives a CMS signature over another document.
 */

/** Both headers with the longest lengths that BER has, and a tag. */
export const ATTRIBUTES_HEAD_BYTES = 259;

const TAG = { oid: 0x06, sequence: 0x30, set: 0x31 } as const;
const LONG_LENGTH = 0x80;

/** @param head the first {@link ATTRIBUTES_HEAD_BYTES}, or all there are. */
export function beginsAsAttributes(head: Uint8Array): boolean {
  let rest = head;
  for (const tag of [TAG.set, TAG.sequence]) {
    const [first, length = 0] = rest;
    if (first !== tag) return false;
    rest = rest.subarray(2 + (length > LONG_LENGTH ? length - LONG_LENGTH : 0));
  }
  return rest[0] === TAG.oid;
}
