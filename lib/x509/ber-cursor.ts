/**
 * Steps through BER (ITU-T X.690, 8.1) in a source of any size, one header at a time: what is between two headers need
 * not be read. Lengths may be indefinite, as openssl writes them when it streams.
 */

import { ByteReader } from "../bytes.ts";
import { MalformedError } from "../errors.ts";
import type { ByteSource } from "./byte-source.ts";

/** A constructed value that has been entered; without an end it ends in 00 00. */
export interface BerFrame {
  readonly end: number | undefined;
}

export interface BerHeader {
  /** First byte of the identifier; longer ones are refused. */
  readonly tag: number;
  /** Undefined: indefinite. */
  readonly length: number | undefined;
}

const WINDOW_BYTES = 0x10000;
/** Identifier, 0x86, and lengths up to 2^48. */
const MAX_HEADER_BYTES = 8;
const LONG_TAG = 0x1f;
const INDEFINITE = 0x80;
const CONSTRUCTED = 0x20;
/** Of values without a length in one another. */
const MAX_DEPTH = 16;
const END_OF_CONTENTS_BYTES = 2;

export class BerCursor {
  readonly #source: ByteSource;
  readonly #what: string;
  #window: { readonly at: number; readonly bytes: Uint8Array } = { at: 0, bytes: new Uint8Array() };
  #offset: number;

  /** @param what for errors: `a CMS signature`. */
  constructor(source: ByteSource, what: string, offset = 0) {
    this.#source = source;
    this.#what = what;
    this.#offset = offset;
  }

  get offset(): number {
    return this.#offset;
  }

  /** Bytes that are left in the source. */
  get remaining(): number {
    return this.#source.size - this.#offset;
  }

  /** @throws MALFORMED */
  async header(field: string): Promise<BerHeader> {
    const bytes = await this.#peek(Math.min(MAX_HEADER_BYTES, this.remaining));
    const reader = new ByteReader(bytes, this.#what);
    const tag = reader.u8(field);
    if ((tag & LONG_TAG) === LONG_TAG) throw this.fault(`"${field}" has a long tag`);
    const length = readLength(reader, field);
    this.#offset += bytes.length - reader.remaining;
    if (length !== undefined && length > this.remaining)
      throw this.fault(`"${field}" needs ${length} bytes, ${this.remaining} are left`);
    return { tag, length };
  }

  /** Goes into a value with one of these tags. @throws MALFORMED */
  async enter(field: string, tag: number): Promise<BerFrame> {
    const header = await this.header(field);
    if (header.tag !== tag) throw this.fault(`"${field}" has the tag ${header.tag}, not ${tag}`);
    return { end: header.length === undefined ? undefined : this.#offset + header.length };
  }

  /** Whether nothing is left in the frame. */
  async isAtEnd({ end }: BerFrame): Promise<boolean> {
    if (end !== undefined) return this.#offset >= end;
    return (await this.#peek(Math.min(END_OF_CONTENTS_BYTES, this.remaining))).every((byte) => byte === 0);
  }

  /** Goes out of a frame where it ends. @throws MALFORMED where it does not. */
  async leave(field: string, frame: BerFrame): Promise<void> {
    if (frame.end === undefined) {
      if (this.remaining < END_OF_CONTENTS_BYTES || !(await this.isAtEnd(frame)))
        throw this.fault(`"${field}" has no end`);
      this.#offset += END_OF_CONTENTS_BYTES;
    } else if (frame.end !== this.#offset) throw this.fault(`"${field}" ends at ${frame.end}, not ${this.#offset}`);
  }

  /** A whole value with header; its length is definite. @throws MALFORMED, also over `maxBytes`. */
  async value(field: string, tag: number, maxBytes: number): Promise<Uint8Array> {
    const start = this.#offset;
    const { end } = await this.enter(field, tag);
    if (end === undefined) throw this.fault(`"${field}" has an indefinite length`);
    this.#offset = start;
    return this.take(field, end - start, maxBytes);
  }

  /** The next bytes. @throws MALFORMED over `maxBytes` or if there are fewer. */
  async take(field: string, length: number, maxBytes: number): Promise<Uint8Array> {
    if (length > maxBytes || length < 0 || length > this.remaining)
      throw this.fault(`"${field}" has ${length} bytes; the limit is ${Math.min(maxBytes, this.remaining)}`);
    const bytes = await this.#source.read(this.#offset, length);
    this.#offset += length;
    return bytes;
  }

  /** Bytes anywhere in the source, owned by the caller; the cursor stays. */
  async read(offset: number, length: number): Promise<Uint8Array> {
    const { at, bytes } = this.#window;
    const inWindow = offset >= at && offset + length <= at + bytes.length;
    return inWindow ? bytes.slice(offset - at, offset - at + length) : this.#source.read(offset, length);
  }

  skip(length: number): void {
    this.#offset += length;
  }

  /** Goes over a whole value, which ends before the offset `limit`. @returns its tag. @throws MALFORMED */
  async skipValue(field: string, limit: number, depth = 0): Promise<number> {
    const { tag, length } = await this.header(field);
    if (this.#offset + (length ?? 0) > limit) throw this.fault(`"${field}" is too long`);
    if (length !== undefined) this.skip(length);
    else {
      if ((tag & CONSTRUCTED) === 0 || depth === MAX_DEPTH) throw this.fault(`"${field}" has no end`);
      const frame = { end: undefined };
      while (!(await this.isAtEnd(frame))) await this.skipValue(field, limit, depth + 1);
      await this.leave(field, frame);
    }
    return tag;
  }

  fault(text: string): MalformedError {
    return new MalformedError(`read ${this.#what}: ${text}`);
  }

  /** A view. Streamed files have a header every few kilobytes: one reading serves many. */
  async #peek(length: number): Promise<Uint8Array> {
    const { at, bytes } = this.#window;
    if (this.#offset < at || this.#offset + length > at + bytes.length)
      this.#window = {
        at: this.#offset,
        bytes: await this.#source.read(this.#offset, Math.min(WINDOW_BYTES, this.remaining)),
      };
    const from = this.#offset - this.#window.at;
    return this.#window.bytes.subarray(from, from + length);
  }
}

function readLength(reader: ByteReader, field: string): number | undefined {
  const first = reader.u8(`${field} length`);
  if (first === INDEFINITE) return undefined;
  if (first < INDEFINITE) return first;
  return reader.bytes(`${field} length`, first & 0x7f).reduce((value, byte) => value * 0x100 + byte, 0);
}
