/**
 * BER-TLV as cards use it (ISO/IEC 7816-4:2020, 6.3): tags of 1 to 3 bytes, definite lengths of 1 to 4 bytes.
 *
 * One level at a time: a caller that knows a value to be constructed decodes it again with {@link decodeTlvs}. The tag's
 * own constructed bit is not to be relied on: `FF10` says constructed and holds 12 plain digits (card.md). More lenient
 * than DER in two points, both met in real files: a number under 31 may stand in a second tag byte (`FF10` again), and
 * a length need not have its shortest form.
 */

import { ByteReader, ByteWriter } from "../bytes.ts";
import { MalformedError, TooLargeError } from "../errors.ts";

export interface Tlv {
  /** As it is printed: `0xff20`. */
  readonly tag: number;
  readonly value: Uint8Array;
}

export interface DecodedTlv {
  /** Its value is a view of the input. */
  readonly tlv: Tlv;
  /** Bytes it took; what follows (filler) is the caller's affair. */
  readonly length: number;
}

/** Most objects side by side: the card's own files have 10. */
export const MAX_TLV_COUNT = 256;
/** ISO/IEC 7816-4, 6.3: longer tags are reserved. */
const MAX_TAG_BYTES = 3;
/** Low five bits of a first tag byte that more follow. */
const LONG_TAG = 0x1f;
const DER_SEQUENCE = 0x30;

/** The object that `bytes` begin with; bytes after it are left alone. @throws MALFORMED */
export function decodeTlv(bytes: Uint8Array): DecodedTlv {
  const reader = new ByteReader(bytes, "TLV");
  const tlv = readTlv(reader);
  return { tlv, length: bytes.length - reader.remaining };
}

/** All objects side by side, nothing else; values are views. @throws MALFORMED; TOO_LARGE over {@link MAX_TLV_COUNT}. */
export function decodeTlvs(bytes: Uint8Array): readonly Tlv[] {
  const reader = new ByteReader(bytes, "TLV");
  const found: Tlv[] = [];
  while (reader.remaining > 0) {
    if (found.length === MAX_TLV_COUNT) throw new TooLargeError(`TLV: more than ${MAX_TLV_COUNT} objects`);
    found.push(readTlv(reader));
  }
  return found;
}

/** Total bytes of the object that a file begins with, from its header alone. @throws MALFORMED */
export function tlvLength(firstBytes: Uint8Array): number {
  const reader = new ByteReader(firstBytes, "TLV");
  readTag(reader);
  const valueLength = readLength(reader);
  return firstBytes.length - reader.remaining + valueLength;
}

/** A fresh array with the shortest length form. @throws RangeError for a number that is no tag, a value of 16 MiB. */
export function encodeTlv(tlv: Tlv): Uint8Array {
  const writer = new ByteWriter().bytes(tagBytes(tlv.tag));
  const { length } = tlv.value;
  if (length < 0x80) writer.u8(length);
  else if (length <= 0xff) writer.u8(0x81).u8(length);
  else if (length <= 0xffff) writer.u8(0x82).u16(length);
  else {
    writer
      .u8(0x83)
      .u8(length >>> 16)
      .u16(length & 0xffff);
  }
  return writer.bytes(tlv.value).finish();
}

/**
 * Total bytes of the DER SEQUENCE that a file begins with, from the header alone: 4 bytes are enough for one of up to
 * 64 KiB. Undefined if they are no such header or not all of it.
 */
export function derLength(firstBytes: Uint8Array): number | undefined {
  const [tag, first] = firstBytes;
  if (tag !== DER_SEQUENCE || first === undefined) return undefined;
  if (first < 0x80) return 2 + first;
  const size = first & 0x7f;
  if (size < 1 || size > 3 || firstBytes.length < 2 + size) return undefined;
  return 2 + size + bigEndian(firstBytes.subarray(2, 2 + size));
}

function readTlv(reader: ByteReader): Tlv {
  return { tag: readTag(reader), value: reader.bytes("value", readLength(reader)) };
}

function readTag(reader: ByteReader): number {
  let tag = reader.u8("tag");
  if (tag === 0) throw new MalformedError("TLV: the tag is 00");
  if ((tag & LONG_TAG) !== LONG_TAG) return tag;
  for (let size = 2; size <= MAX_TAG_BYTES; size++) {
    const next = reader.u8("tag");
    if (size === 2 && next === 0x80) throw new MalformedError("TLV: the tag number begins with zeros");
    tag = (tag << 8) | next;
    if (next < 0x80) return tag;
  }
  throw new MalformedError(`TLV: the tag is longer than ${MAX_TAG_BYTES} bytes`);
}

function readLength(reader: ByteReader): number {
  const first = reader.u8("length");
  if (first < 0x80) return first;
  const size = first & 0x7f;
  if (size < 1 || size > 3) throw new MalformedError(`TLV: length form ${first.toString(16)} is not supported`);
  return bigEndian(reader.bytes("length", size));
}

function tagBytes(tag: number): Uint8Array {
  if (!Number.isInteger(tag) || tag < 1 || tag > 0xffffff) throw new RangeError(`${tag} is not a tag`);
  const bytes = Uint8Array.of(tag >>> 16, (tag >>> 8) & 0xff, tag & 0xff);
  const trimmed = bytes.subarray(bytes.findIndex((byte) => byte !== 0));
  if (!isTag(trimmed)) throw new RangeError(`${tag.toString(16)} is not a tag`);
  return trimmed;
}

/** What {@link readTag} reads as exactly one tag. */
function isTag(bytes: Uint8Array): boolean {
  const [first = 0, ...more] = bytes;
  if ((first & LONG_TAG) !== LONG_TAG) return more.length === 0;
  return more.length > 0 && more[0] !== 0x80 && more.every((byte, i) => byte >= 0x80 === i < more.length - 1);
}

function bigEndian(bytes: Uint8Array): number {
  return bytes.reduce((value, byte) => value * 0x100 + byte, 0);
}
