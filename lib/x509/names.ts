/** Distinguished names (RFC 5280, 4.1.2.4): their DER to compare, their parts to show. */

import { toHex } from "../bytes.ts";
import { asn1js, type pkijs } from "./asn1.ts";

export interface NameAttribute {
  /** `CN`, or the OID where it has no short name here. */
  readonly type: string;
  /** `#` and the DER in hex for a value that is no text (RFC 4514, 2.4). */
  readonly value: string;
}

export interface DistinguishedName {
  /** Hex of its DER: two names are the same if these are. */
  readonly der: string;
  /** In the order of the certificate. */
  readonly attributes: readonly NameAttribute[];
}

const SHORT_NAMES: ReadonlyMap<string, string> = new Map([
  ["2.5.4.3", "CN"],
  ["2.5.4.5", "serialNumber"],
  ["2.5.4.6", "C"],
  ["2.5.4.7", "L"],
  ["2.5.4.8", "ST"],
  ["2.5.4.10", "O"],
  ["2.5.4.11", "OU"],
]);

export function nameOf(name: pkijs.RelativeDistinguishedNames): DistinguishedName {
  return {
    der: toHex(new Uint8Array(name.valueBeforeDecode)),
    attributes: name.typesAndValues.map(({ type, value }) => ({
      type: SHORT_NAMES.get(type) ?? type,
      value: valueText(value),
    })),
  };
}

/** `C=JP, O=JPKI, …`, in the order of the certificate. */
export function nameText({ attributes }: DistinguishedName): string {
  return attributes.map(({ type, value }) => `${type}=${value}`).join(", ");
}

function valueText(value: asn1js.BaseBlock): string {
  return value instanceof asn1js.BaseStringBlock ? value.getValue() : `#${toHex(new Uint8Array(value.toBER()))}`;
}
