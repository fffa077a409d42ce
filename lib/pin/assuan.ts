/**
 * The Assuan protocol, as much of it as a client of pinentry speaks. Pure. Source: "Developing with Assuan" (GnuPG),
 * sections "Server responses" and "Client requests".
 *
 *     OK [text] · ERR code [text] · D data · S keyword [text] · INQUIRE keyword [text] · # comment
 *
 * A line has at most 1000 bytes before its line end (LF, or CR LF). Data is escaped as %XX.
 */

import { utf8, wipeableBytes, wipeableCopy } from "../bytes.ts";
import { MalformedError, TooLargeError } from "../errors.ts";

/** Without the line end. */
export const MAX_LINE_BYTES = 1000;

export type AssuanReply =
  | { readonly kind: "ok" }
  /** `code` holds its source in the upper bits (libgpg-error): see {@link errorNumber}. */
  | { readonly kind: "error"; readonly code: number; readonly text: string }
  /** Without its escapes; owned by the receiver, who wipes it: it may be the PIN. */
  | { readonly kind: "data"; readonly data: Uint8Array }
  | { readonly kind: "status"; readonly keyword: string }
  | { readonly kind: "inquire"; readonly keyword: string }
  | { readonly kind: "comment" };

const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const SPACE = 0x20;
const PERCENT = 0x25;

/** Cuts a stream into replies. Keeps no byte of a line that is complete. */
export class AssuanDecoder {
  readonly #line = new Uint8Array(MAX_LINE_BYTES + 1); // and a CR
  #length = 0;

  /**
   * Hands each reply that `chunk` completes to `deliver`. The caller wipes `chunk`.
   *
   * @throws MALFORMED for a line that is no reply, TOO_LARGE for one over the limit; neither holds what it said.
   */
  push(chunk: Uint8Array, deliver: (reply: AssuanReply) => void): void {
    for (const byte of chunk) {
      if (byte === LINE_FEED) deliver(this.#takeLine());
      else if (this.#length === this.#line.length) throw tooLong("reply");
      else this.#line[this.#length++] = byte;
    }
  }

  /** Overwrites what came of an unfinished line. */
  wipe(): void {
    this.#line.fill(0);
    this.#length = 0;
  }

  #takeLine(): AssuanReply {
    const end = this.#line[this.#length - 1] === CARRIAGE_RETURN ? this.#length - 1 : this.#length;
    try {
      if (end > MAX_LINE_BYTES) throw tooLong("reply");
      return decodeReply(this.#line.subarray(0, end));
    } finally {
      this.wipe();
    }
  }
}

/** One line without its end. Keeps no view of it. @throws MALFORMED */
export function decodeReply(line: Uint8Array): AssuanReply {
  const space = line.indexOf(SPACE);
  const word = space < 0 ? line : line.subarray(0, space);
  const rest = space < 0 ? line.subarray(line.length) : line.subarray(space + 1);
  // Only a word that is too short for anything secret becomes a string before it is known.
  switch (word.length > "INQUIRE".length ? "?" : textOf(word)) {
    case "OK":
      return { kind: "ok" };
    case "ERR":
      return decodeError(rest);
    case "D":
      return { kind: "data", data: unescapeData(rest) };
    case "S":
      return { kind: "status", keyword: firstWord(rest) };
    case "INQUIRE":
      return { kind: "inquire", keyword: firstWord(rest) };
    case "":
      return { kind: "comment" };
    default:
      if (line[0] === 0x23) return { kind: "comment" };
      throw new MalformedError(`assuan: a line of ${line.length} bytes is no reply`);
  }
}

/**
 * `VERB` or `VERB argument`, escaped, with its line end.
 *
 * @throws TOO_LARGE over 1000 bytes; see {@link fitsInLine}.
 */
export function encodeCommand(verb: string, argument?: string | undefined): Uint8Array {
  const line = utf8(argument === undefined ? verb : `${verb} ${escapeText(argument)}`);
  if (line.length > MAX_LINE_BYTES) throw tooLong("command");
  return Uint8Array.of(...line, LINE_FEED);
}

/** Whether {@link encodeCommand} takes it. */
export function fitsInLine(verb: string, argument: string): boolean {
  return utf8(`${verb} ${escapeText(argument)}`).length <= MAX_LINE_BYTES;
}

/** The error's number in libgpg-error (err-codes.h.in), without its source. */
export function errorNumber(code: number): number {
  return code & 0xffff;
}

function escapeText(text: string): string {
  return text.replaceAll(/[%\r\n]/g, (character) => (character === "%" ? "%25" : character === "\n" ? "%0A" : "%0D"));
}

/** Byte by byte: a string of the PIN could not be wiped. */
function unescapeData(escaped: Uint8Array): Uint8Array {
  const out = wipeableBytes(escaped.length);
  let length = 0;
  for (let i = 0; i < escaped.length; i++) {
    let byte = escaped[i] ?? 0;
    if (byte === PERCENT) {
      byte = 16 * hexDigit(escaped[i + 1]) + hexDigit(escaped[i + 2]);
      i += 2;
    }
    out[length++] = byte;
  }
  const data = wipeableCopy(out.subarray(0, length));
  out.fill(0);
  return data;
}

function hexDigit(byte = 0): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const letter = byte | 0x20;
  if (letter >= 0x61 && letter <= 0x66) return letter - 0x61 + 10;
  throw new MalformedError("assuan: data with an escape that is not %XX");
}

function decodeError(rest: Uint8Array): AssuanReply {
  const [, digits, text = ""] = /^(\d{1,10})(?: (.*))?$/s.exec(textOf(rest)) ?? [];
  if (digits === undefined) throw new MalformedError("assuan: an error without its code");
  return { kind: "error", code: Number(digits), text: text.replaceAll(/\p{Cc}/gu, "\ufffd") };
}

function firstWord(rest: Uint8Array): string {
  return textOf(rest).split(" ", 1)[0] ?? "";
}

function textOf(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}

function tooLong(what: string): TooLargeError {
  return new TooLargeError(`assuan: a ${what} is over ${MAX_LINE_BYTES} bytes`);
}
