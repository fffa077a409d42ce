/**
 * Frames of p11-kit's RPC protocol, both ways: `uint32 code · uint32 options length · uint32 body length · options · body`.
 *
 * The client chooses the code, and waits for one answer that carries it. The options hold a name of the client's that
 * means nothing to a server.
 */

import { ByteReader, ByteWriter, wipeableBytes } from "../bytes.ts";
import { MAX_BODY_BYTES } from "./wire.ts";

const HEADER_BYTES = 12;
/** Of a body over the cap: call, signature and session (C_SignUpdate: 19 bytes). */
const KEPT_BYTES = 32;

/** A frame that has come in whole. */
export interface RpcFrame {
  readonly code: number;
  /** Fresh, owned by the caller; it may hold a PIN. */
  readonly body: Uint8Array;
  /** It was over the cap: of the body its beginning is kept, by which it can be told what the request was. */
  readonly isCut: boolean;
}

/**
 * Cuts a client's byte stream into frames. It never fails: there is no header that cannot be read, and a body over
 * the cap is taken off the stream without being kept but for its beginning, so that an error can be answered. (A client whose connection is
 * closed dies of it, by SIGPIPE, at its next call.)
 */
export class RpcFrameDecoder {
  readonly #maxBytes: number;
  readonly #header = new Uint8Array(HEADER_BYTES);
  #headerBytes = 0;
  #code = 0;
  /** Bytes to be thrown away before the body. */
  #skip = 0;
  /** Bytes to be thrown away after what is kept of the body. */
  #rest = 0;
  #isCut = false;
  #body: Uint8Array = new Uint8Array();
  #bodyBytes = 0;

  constructor(maxBytes: number = MAX_BODY_BYTES) {
    this.#maxBytes = maxBytes;
  }

  /** Takes the next bytes of the stream. They are copied. @returns what is whole now, in order. */
  push(chunk: Uint8Array): readonly RpcFrame[] {
    const frames: RpcFrame[] = [];
    for (let rest = chunk; rest.length > 0; ) {
      rest = rest.subarray(this.#take(rest));
      if (!this.#isWhole()) continue;
      frames.push({ code: this.#code, body: this.#body, isCut: this.#isCut });
      this.#body = new Uint8Array();
      this.#headerBytes = 0;
    }
    return frames;
  }

  /** @returns how many bytes were taken, at least one. */
  #take(bytes: Uint8Array): number {
    if (this.#headerBytes < HEADER_BYTES) return this.#takeHeader(bytes);
    if (this.#skip > 0) {
      const skipped = Math.min(this.#skip, bytes.length);
      this.#skip -= skipped;
      return skipped;
    }
    const part = bytes.subarray(0, this.#body.length - this.#bodyBytes);
    this.#body.set(part, this.#bodyBytes);
    this.#bodyBytes += part.length;
    const thrown = Math.min(this.#rest, bytes.length - part.length);
    this.#rest -= thrown;
    return part.length + thrown;
  }

  #takeHeader(bytes: Uint8Array): number {
    const part = bytes.subarray(0, HEADER_BYTES - this.#headerBytes);
    this.#header.set(part, this.#headerBytes);
    this.#headerBytes += part.length;
    if (this.#headerBytes === HEADER_BYTES) {
      const reader = new ByteReader(this.#header, "PKCS #11 frame");
      this.#code = reader.u32("code");
      this.#skip = reader.u32("options length");
      const length = reader.u32("body length");
      this.#isCut = length > this.#maxBytes;
      this.#body = wipeableBytes(this.#isCut ? Math.min(length, KEPT_BYTES) : length);
      this.#rest = length - this.#body.length;
      this.#bodyBytes = 0;
    }
    return part.length;
  }

  #isWhole(): boolean {
    const isBodyIn = this.#bodyBytes === this.#body.length && this.#rest === 0;
    return this.#headerBytes === HEADER_BYTES && this.#skip === 0 && isBodyIn;
  }
}

/** The frame of an answer to the request with this code. @returns a fresh array. */
export function encodeRpcFrame(code: number, body: Uint8Array): Uint8Array {
  return new ByteWriter().u32(code).u32(0).u32(body.length).bytes(body).finish();
}
