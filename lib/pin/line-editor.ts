/**
 * One line as it is typed on a terminal in raw mode, as bytes that can be wiped. Pure.
 *
 * Enter ends it; Backspace takes back one character, ^U all; ^C, ^D and ^\ cancel. Every other byte is kept, so that a
 * stray key makes the answer wrong in form instead of being dropped without a word.
 */

import { wipeableCopy } from "../bytes.ts";
import { PinError } from "../errors.ts";

/** Longer lines cannot be an answer; the rest is read to its end and not kept. */
export const MAX_LINE_BYTES = 1024;

const CTRL_C = 0x03;
const CTRL_D = 0x04;
const BACKSPACE = 0x08;
const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const CTRL_U = 0x15;
const CTRL_BACKSLASH = 0x1c;
const DELETE = 0x7f;

export class LineEditor {
  readonly #line = new Uint8Array(MAX_LINE_BYTES);
  #length = 0;

  /** Takes what was typed, which the caller then wipes. What follows the end of the line is dropped. */
  push(typed: Uint8Array): "more" | "done" | "cancelled" {
    for (const byte of typed) {
      switch (byte) {
        case LINE_FEED:
        case CARRIAGE_RETURN:
          return "done";
        case CTRL_C:
        case CTRL_D:
        case CTRL_BACKSLASH:
          return "cancelled";
        case CTRL_U:
          this.wipe();
          break;
        case BACKSPACE:
        case DELETE:
          this.#dropCharacter();
          break;
        default:
          if (this.#length < MAX_LINE_BYTES) this.#line[this.#length] = byte;
          this.#length++;
      }
    }
    return "more";
  }

  /** The line as it stands, cut at its limit: a view, good until the next call. */
  view(): Uint8Array {
    return this.#line.subarray(0, Math.min(this.#length, MAX_LINE_BYTES));
  }

  /** A copy of the line without its end, owned by the caller. @throws PIN_FORMAT if it is too long. */
  take(): Uint8Array {
    if (this.#length > MAX_LINE_BYTES)
      throw new PinError("PIN_FORMAT", `read the terminal: the line is over ${MAX_LINE_BYTES} bytes`);
    return wipeableCopy(this.#line.subarray(0, this.#length));
  }

  /** Overwrites the line; it is empty then. */
  wipe(): void {
    this.#line.fill(0);
    this.#length = 0;
  }

  /** One UTF-8 character: its continuation bytes (10xxxxxx) and its first byte. */
  #dropCharacter(): void {
    while (this.#length > 0) {
      this.#length--;
      const dropped = this.#line[this.#length] ?? 0;
      if (this.#length < MAX_LINE_BYTES) this.#line[this.#length] = 0;
      if ((dropped & 0xc0) !== 0x80) return;
    }
  }
}
