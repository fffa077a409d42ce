/** Reading an object's attributes, and comparing them with what a program looks for. */

import { equalBytes } from "../../lib/bytes.ts";
import {
  CKA_SERIAL_NUMBER,
  CKR_ATTRIBUTE_SENSITIVE,
  CKR_ATTRIBUTE_TYPE_INVALID,
  CKR_BUFFER_TOO_SMALL,
  CKR_OK,
} from "../../lib/p11/constants.ts";
import type { Attribute, AttributeRoom, AttributeValue } from "../../lib/p11/values.ts";
import type { ObjectValue, P11Object } from "./objects.ts";

/** CKA_PRIVATE_EXPONENT to CKA_COEFFICIENT: what an RSA key keeps to itself. */
const FIRST_SECRET = 0x123;
const LAST_SECRET = 0x128;

/** Bytes of a CK_ULONG; on programs of 32 bits too, for that is what p11-kit states. */
const ULONG_BYTES = 8;
/** Tag and length before an INTEGER of less than 128 bytes. */
const DER_HEADER_BYTES = 2;

/**
 * C_GetAttributeValue: what can be told is told, whatever is wrong with the others. A size question is answered with the
 * value too, of which the program's side takes the length.
 *
 * @returns one attribute for each asked for, in order, and a CK_RV.
 */
export function readAttributes(
  { kind, attributes }: P11Object,
  wanted: readonly AttributeRoom[],
): readonly [readonly Attribute[], number] {
  let rv = CKR_OK;
  const read = wanted.map(({ type, room }): Attribute => {
    const value = attributes.get(type);
    const isSecret = kind === "private-key" && type >= FIRST_SECRET && type <= LAST_SECRET;
    if (value === undefined) {
      rv = isSecret ? CKR_ATTRIBUTE_SENSITIVE : CKR_ATTRIBUTE_TYPE_INVALID;
      return { type, value };
    }
    if (room > 0 && room < valueBytes(value)) {
      rv = CKR_BUFFER_TOO_SMALL;
      return { type, value: undefined };
    }
    return { type, value };
  });
  return [read, rv];
}

/** Whether an object has every attribute of a template with the same value; an empty template fits all. */
export function matchesTemplate({ attributes }: P11Object, template: readonly Attribute[]): boolean {
  return template.every(({ type, value }) => {
    const own = attributes.get(type);
    if (own === undefined || value === undefined) return false;
    return isSameValue(own, value) || (type === CKA_SERIAL_NUMBER && isBareSerial(own, value));
  });
}

/** NSS looks for the serial number a second time without tag and length, as other tokens hold it (observed). */
function isBareSerial(own: ObjectValue, value: AttributeValue): boolean {
  if (!(own instanceof Uint8Array && value instanceof Uint8Array)) return false;
  return equalBytes(own.subarray(DER_HEADER_BYTES), value);
}

function isSameValue(one: ObjectValue, other: AttributeValue): boolean {
  if (one instanceof Uint8Array && other instanceof Uint8Array) return equalBytes(one, other);
  return one === other;
}

/** What a program's buffer must hold. */
function valueBytes(value: ObjectValue): number {
  if (typeof value === "boolean") return 1;
  return typeof value === "number" ? ULONG_BYTES : value.length;
}
