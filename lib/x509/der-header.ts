/** Tag and length in DER (ITU-T X.690, 8.1.3 and 10.1), for values that are too big to be in memory. */

import { ByteWriter } from "../bytes.ts";

/** A fresh array. @param tag one byte. @param length 0 to 2^53 - 1. */
export function derHeader(tag: number, length: number): Uint8Array {
  const writer = new ByteWriter().u8(tag);
  if (length < 0x80) return writer.u8(length).finish();
  const bytes: number[] = [];
  for (let rest = length; rest > 0; rest = Math.floor(rest / 0x100)) bytes.unshift(rest % 0x100);
  return writer
    .u8(0x80 | bytes.length)
    .bytes(Uint8Array.from(bytes))
    .finish();
}
