/**
 * The only two places that touch offsets: a reader that consumes whole fields or fails, and a writer.
 *
 * Integers are big-endian; a `string` is a uint32 length and that many bytes (RFC 4251 section 5). Fields that a
 * {@link ByteReader} returns are *views* of the input: copy them (`new Uint8Array(view)`) before keeping them.
 */

import { MalformedError, TooLargeError } from "./errors.ts";

/** Reads fields in order; every read names its field, so that an error says which one was short. */
export class ByteReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #what: string;
  #offset = 0;
  #lastField = "start";

  /** @param what the structure's name, for errors: `sign request`. */
  constructor(bytes: Uint8Array, what: string) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#what = what;
  }

  /** Bytes not read yet. */
  get remaining(): number {
    return this.#bytes.length - this.#offset;
  }

  u8(field: string): number {
    return this.#view.getUint8(this.#take(field, 1));
  }

  u16(field: string): number {
    return this.#view.getUint16(this.#take(field, 2));
  }

  u32(field: string): number {
    return this.#view.getUint32(this.#take(field, 4));
  }

  u64(field: string): bigint {
    return this.#view.getBigUint64(this.#take(field, 8));
  }

  /** One byte; non-zero is true (RFC 4251 section 5). */
  bool(field: string): boolean {
    return this.u8(field) !== 0;
  }

  /** A view of the next `length` bytes. */
  bytes(field: string, length: number): Uint8Array {
    const start = this.#take(field, length);
    return this.#bytes.subarray(start, start + length);
  }

  /** A view of a uint32-prefixed string of at most `maxBytes`. @throws MALFORMED if short, TOO_LARGE over the cap. */
  string(field: string, maxBytes: number): Uint8Array {
    const length = this.u32(`${field} length`);
    if (length > maxBytes)
      throw new TooLargeError(`${this.#what}: "${field}" has ${length} bytes, the limit is ${maxBytes}`);
    return this.bytes(field, length);
  }

  /** The same as text. @throws MALFORMED if it is not UTF-8. */
  text(field: string, maxBytes: number): string {
    const bytes = this.string(field, maxBytes);
    try {
      return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    } catch (cause) {
      throw new MalformedError(`${this.#what}: "${field}" is not UTF-8`, { cause });
    }
  }

  /** A view of all that is left; afterwards nothing is. */
  rest(): Uint8Array {
    return this.bytes("rest", this.remaining);
  }

  /** @throws MALFORMED if anything is left. */
  end(): void {
    if (this.remaining > 0)
      throw new MalformedError(`${this.#what}: ${this.remaining} bytes after "${this.#lastField}"`);
  }

  #take(field: string, length: number): number {
    if (length > this.remaining)
      throw new MalformedError(`${this.#what}: "${field}" needs ${length} bytes, ${this.remaining} are left`);
    const start = this.#offset;
    this.#offset += length;
    this.#lastField = field;
    return start;
  }
}

/** Appends fields; grows as needed. */
export class ByteWriter {
  readonly #parts: Uint8Array[] = [];
  #length = 0;

  u8(value: number): this {
    return this.bytes(Uint8Array.of(checked(value, 0xff)));
  }

  u16(value: number): this {
    const part = new Uint8Array(2);
    new DataView(part.buffer).setUint16(0, checked(value, 0xffff));
    return this.bytes(part);
  }

  u32(value: number): this {
    const part = new Uint8Array(4);
    new DataView(part.buffer).setUint32(0, checked(value, 0xffffffff));
    return this.bytes(part);
  }

  u64(value: bigint): this {
    const part = new Uint8Array(8);
    new DataView(part.buffer).setBigUint64(0, value);
    return this.bytes(part);
  }

  bool(value: boolean): this {
    return this.u8(value ? 1 : 0);
  }

  /** The bytes as they are; they must not change before {@link finish}. */
  bytes(value: Uint8Array): this {
    this.#parts.push(value);
    this.#length += value.length;
    return this;
  }

  /** uint32 length, then the bytes (text as UTF-8). */
  string(value: Uint8Array | string): this {
    const bytes = typeof value === "string" ? utf8(value) : value;
    return this.u32(bytes.length).bytes(bytes);
  }

  /** All that was written, as one fresh array owned by the caller. */
  finish(): Uint8Array {
    const out = wipeableBytes(this.#length);
    let offset = 0;
    for (const part of this.#parts) {
      out.set(part, offset);
      offset += part.length;
    }
    return out;
  }
}

/**
 * Zeros outside V8's heap, for what may hold a secret. A small `new Uint8Array(length)` lies on that heap, and what is
 * wiped there stays readable elsewhere (observed): garbage collection moves it, and so does whoever takes its `buffer`.
 */
export function wipeableBytes(length: number): Uint8Array {
  return new Uint8Array(new ArrayBuffer(length));
}

/** The same bytes in {@link wipeableBytes}. */
export function wipeableCopy(bytes: Uint8Array): Uint8Array {
  const copy = wipeableBytes(bytes.length);
  copy.set(bytes);
  return copy;
}

/** As libuv reads: uv__stream's suggested size. */
const READ_BUFFER_BYTES = 65_536;

/**
 * Wipes what a stream's "data" brought, and what reading it left behind: Node copies each chunk out of a read buffer of
 * 64 KiB and frees that as it is (observed with 20.20: an answer of askpass stayed there for good). As much fresh memory,
 * which comes zeroed, takes its place as long as nothing else was allocated since: call it in the listener itself.
 */
export function wipeRead(chunk: Uint8Array): void {
  chunk.fill(0);
  new Uint8Array(READ_BUFFER_BYTES);
}

/** UTF-8 bytes of a text. */
export function utf8(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** One fresh array of all parts. */
export function concatBytes(...parts: readonly Uint8Array[]): Uint8Array {
  const writer = new ByteWriter();
  for (const part of parts) writer.bytes(part);
  return writer.finish();
}

/** Whether `bytes` begin with all of `start`. For public data only, as {@link equalBytes}. */
export function startsWithBytes(bytes: Uint8Array, start: Uint8Array): boolean {
  return start.every((byte, i) => byte === bytes[i]);
}

/** Whether two arrays hold the same bytes. Not constant in time: for public data only. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}

/** Lower-case hexadecimal, no separators. */
export function toHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** The inverse of {@link toHex}; spaces are allowed. @throws MALFORMED for anything else. */
export function fromHex(text: string): Uint8Array {
  const digits = text.replaceAll(/\s/g, "");
  if (digits.length % 2 !== 0 || !/^[0-9a-fA-F]*$/.test(digits))
    throw new MalformedError(`not hexadecimal: ${digits.length} digits`);
  return Uint8Array.from({ length: digits.length / 2 }, (_, i) => Number.parseInt(digits.slice(2 * i, 2 * i + 2), 16));
}

function checked(value: number, max: number): number {
  if (!Number.isInteger(value) || value < 0 || value > max) throw new RangeError(`${value} is not in 0 to ${max}`);
  return value;
}
