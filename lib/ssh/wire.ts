/**
 * What the structures in this folder are made of: agent frames (RFC 9987) and the `mpint` of RFC 4251
 * section 5; and this folder's limits, all in one place.
 */

import { ByteWriter, wipeableBytes } from "../bytes.ts";
import { MalformedError, TooLargeError } from "../errors.ts";

/** Most bytes a frame may announce, type byte included, in both directions (as OpenSSH's AGENT_MAX_LEN). */
export const MAX_FRAME_BYTES = 262_144;
/** Most bytes of a public key or certificate blob; a certificate with all its 256 principals stays below. */
export const MAX_KEY_BLOB_BYTES = 65_536;
/** Most bytes of data to be signed: the frame decides. */
export const MAX_SIGN_DATA_BYTES = MAX_FRAME_BYTES;
/** Most bytes of a signature blob. */
export const MAX_SIGNATURE_BYTES = 16_384;
/** Most bytes of a comment, a user name, a host name, a path, a token's name. */
export const MAX_TEXT_BYTES = 4096;
/** Most bytes of a name of the protocol: key type, algorithm, extension (RFC 4251 section 6 says 64). */
export const MAX_NAME_BYTES = 256;
/** Most bytes of a PIN or a lock's passphrase. */
export const MAX_SECRET_BYTES = 4096;
/** Most bytes of a session id (as OpenSSH's AGENT_MAX_SID_LEN). */
export const MAX_SESSION_ID_BYTES = 128;
/** Most bytes of an integer: RSA with 16384 bits, and its sign byte. */
export const MAX_MPINT_BYTES = 2049;
/** Most identities in a list (as OpenSSH's MAX_AGENT_IDENTITIES). */
export const MAX_IDENTITIES = 2048;

/** What one {@link FrameDecoder.push} found. */
export interface DecodedFrames {
  /** Bodies (type byte first, 1 to `maxBytes` bytes) in order; fresh arrays, owned by the caller. */
  readonly frames: readonly Uint8Array[];
  /** Why the stream can be read no further: answer `frames`, then close. TOO_LARGE or MALFORMED. */
  readonly fault: TooLargeError | MalformedError | undefined;
}

/**
 * Cuts a byte stream into frames: `uint32 length · byte[length] body`. Holds at most one body of `maxBytes`.
 *
 * A length over the cap or of 0 is a {@link DecodedFrames.fault} as soon as its four bytes are there. It is a value,
 * not thrown, so that the frames before it in the same chunk are not lost. It stays: later pushes give it again and keep nothing.
 */
export class FrameDecoder {
  readonly #maxBytes: number;
  readonly #header = new Uint8Array(4);
  #headerBytes = 0;
  #body: Uint8Array | undefined;
  #bodyBytes = 0;
  #fault: TooLargeError | MalformedError | undefined;

  constructor(maxBytes: number = MAX_FRAME_BYTES) {
    this.#maxBytes = maxBytes;
  }

  /** Whether a frame has begun and is not complete: for a limit on the time it may take. */
  get midFrame(): boolean {
    return this.#headerBytes > 0;
  }

  /** Takes the next bytes of the stream. They are copied. */
  push(chunk: Uint8Array): DecodedFrames {
    const frames: Uint8Array[] = [];
    let offset = 0;
    while (offset < chunk.length && this.#fault === undefined) {
      offset += this.#body === undefined ? this.#takeHeader(chunk, offset) : this.#takeBody(this.#body, chunk, offset);
      if (this.#body !== undefined && this.#bodyBytes === this.#body.length) {
        frames.push(this.#body);
        this.#body = undefined;
        this.#headerBytes = 0;
      }
    }
    return { frames, fault: this.#fault };
  }

  #takeHeader(chunk: Uint8Array, offset: number): number {
    const part = chunk.subarray(offset, offset + 4 - this.#headerBytes);
    this.#header.set(part, this.#headerBytes);
    this.#headerBytes += part.length;
    if (this.#headerBytes === 4) {
      const length = new DataView(this.#header.buffer).getUint32(0);
      if (length === 0) this.#fault = new MalformedError("read a frame: its length is 0");
      else if (length > this.#maxBytes)
        this.#fault = new TooLargeError(`read a frame: it announces ${length} bytes, the limit is ${this.#maxBytes}`);
      else this.#body = wipeableBytes(length); // it may hold a PIN
      this.#bodyBytes = 0;
    }
    return part.length;
  }

  #takeBody(body: Uint8Array, chunk: Uint8Array, offset: number): number {
    const part = chunk.subarray(offset, offset + body.length - this.#bodyBytes);
    body.set(part, this.#bodyBytes);
    this.#bodyBytes += part.length;
    return part.length;
  }
}

/** The frame of a body (type byte first). @returns a fresh array. @throws TOO_LARGE over {@link MAX_FRAME_BYTES}. */
export function encodeFrame(body: Uint8Array): Uint8Array {
  if (body.length > MAX_FRAME_BYTES)
    throw new TooLargeError(`write a frame: it has ${body.length} bytes, the limit is ${MAX_FRAME_BYTES}`);
  return new ByteWriter().string(body).finish();
}

/** The content of an `mpint`: no leading zeros, but one 00 before a set top bit; nothing for zero. @returns fresh. */
export function encodeMpint(magnitude: Uint8Array): Uint8Array {
  const digits = stripZeros(magnitude);
  const signByte = (digits[0] ?? 0) & 0x80 ? 1 : 0;
  const content = new Uint8Array(signByte + digits.length);
  content.set(digits, signByte);
  return content;
}

/**
 * The magnitude (no leading zeros, empty for zero) of an `mpint`'s content. @returns a view.
 *
 * @throws MALFORMED for a negative number, and for a leading 00 that is not needed ("MUST NOT be included").
 */
export function decodeMpint(content: Uint8Array, field: string): Uint8Array {
  const first = content[0];
  if (first === undefined) return content;
  if (first & 0x80) throw new MalformedError(`${field}: a negative number`);
  if (first !== 0) return content;
  if (((content[1] ?? 0) & 0x80) === 0) throw new MalformedError(`${field}: a leading zero that is not needed`);
  return content.subarray(1);
}

/** A big-endian number without its leading zeros. @returns a view. */
export function stripZeros(magnitude: Uint8Array): Uint8Array {
  const start = magnitude.findIndex((byte) => byte !== 0);
  return start < 0 ? magnitude.subarray(magnitude.length) : magnitude.subarray(start);
}
