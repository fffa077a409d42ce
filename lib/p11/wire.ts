/**
 * What the structures in this folder are made of (big-endian), and this folder's limits, all in one place.
 *
 * Nothing is allocated for a length or a count before as many bytes are there, but for the one body that a connection is
 * sending.
 */

import type { ByteReader, ByteWriter } from "../bytes.ts";
import { MalformedError, TooLargeError } from "../errors.ts";
import { CK_UNAVAILABLE_INFORMATION } from "./constants.ts";

/** Most bytes of a request's body; the largest seen has 860 bytes, but C_Sign may bring all of its data at once. */
export const MAX_BODY_BYTES = 1024 * 1024;
/** Most bytes of a signature; the table's longest has 18. */
export const MAX_SIGNATURE_LETTERS = 64;
/** Most attributes in one request, those in nested templates counted; programs ask for about ten. */
export const MAX_ATTRIBUTES = 256;
/** Most templates within templates (p11-kit 0.26.3 and later have the same limit). */
export const MAX_TEMPLATE_DEPTH = 8;

/** In place of a length: no pointer. */
export const NULL_LENGTH = 0xffffffff;

/** 8 bytes, always. @returns CK_UNAVAILABLE_INFORMATION for what no number of ours is: over 2^53 - 1. */
export function readUlong(reader: ByteReader, field: string): number {
  const value = reader.u64(field);
  return value > Number.MAX_SAFE_INTEGER ? CK_UNAVAILABLE_INFORMATION : Number(value);
}

/** @throws RangeError for what is neither a whole number from 0 on nor CK_UNAVAILABLE_INFORMATION. */
export function writeUlong(writer: ByteWriter, value: number): void {
  writer.u64(value === CK_UNAVAILABLE_INFORMATION ? 0xffffffffffffffffn : BigInt(checked(value)));
}

/** uint32 length and bytes. @returns a view; undefined for no pointer. */
export function readByteArray(reader: ByteReader, field: string): Uint8Array | undefined {
  const length = reader.u32(`${field} length`);
  return length === NULL_LENGTH ? undefined : reader.bytes(field, length);
}

/** A uint32 count of things that take `eachBytes` or more. @throws MALFORMED if so many cannot follow. */
export function readCount(
  reader: ByteReader,
  field: string,
  eachBytes: number,
  max = Number.POSITIVE_INFINITY,
): number {
  const count = reader.u32(`${field} count`);
  if (count > max) throw new TooLargeError(`${field}: ${count} of them, the limit is ${max}`);
  if (count * eachBytes > reader.remaining)
    throw new MalformedError(`${field}: ${count} of them cannot be in ${reader.remaining} bytes`);
  return count;
}

/** Exactly `size` bytes: UTF-8, cut between two characters if it is longer, filled up with spaces. @returns fresh. */
export function paddedText(text: string, size: number): Uint8Array {
  const padded = new Uint8Array(size).fill(0x20);
  new TextEncoder().encodeInto(text, padded);
  return padded;
}

function checked(value: number): number {
  if (!Number.isSafeInteger(value) || value < 0) throw new RangeError(`${value} is no CK_ULONG`);
  return value;
}
