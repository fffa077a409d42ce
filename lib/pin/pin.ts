/**
 * A PIN as bytes that can be wiped, never as a string that cannot. It has no string form and no equality, so that it
 * cannot reach a log, an error or a test's snapshot by accident.
 */

import { wipeableCopy } from "../bytes.ts";
import { PinError } from "../errors.ts";

/** `auth`: 利用者証明用, 4 digits. `sign`: 署名用, 6 to 16 of A-Z 0-9. `text`: 券面事項入力補助用, 4 digits. */
export type PinName = "auth" | "sign" | "text";

const HIDDEN = "Pin(hidden)";

export class Pin {
  readonly #bytes: Uint8Array;
  #wiped = false;

  /** Takes ownership of `bytes` (ASCII) and wipes them with {@link wipe}. Use {@link pinFromBytes}, which checks. */
  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** Calls `use` with the bytes, which it must not keep. @throws PIN_FORMAT after {@link wipe}. */
  expose<T>(use: (bytes: Uint8Array) => T): T {
    if (this.#wiped) throw new PinError("PIN_FORMAT", "use a PIN: it was wiped already");
    return use(this.#bytes);
  }

  /** A second owner of the same PIN. */
  copy(): Pin {
    return this.expose((bytes) => new Pin(wipeableCopy(bytes)));
  }

  /** Overwrites the bytes; may be called twice. */
  wipe(): void {
    this.#bytes.fill(0);
    this.#wiped = true;
  }

  toString(): string {
    return HIDDEN;
  }

  toJSON(): string {
    return HIDDEN;
  }

  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return HIDDEN;
  }
}

interface PinRule {
  readonly minLength: number;
  readonly maxLength: number;
  readonly letters: boolean;
  readonly words: string;
}

const RULES: Readonly<Record<PinName, PinRule>> = {
  auth: { minLength: 4, maxLength: 4, letters: false, words: "4 digits" },
  text: { minLength: 4, maxLength: 4, letters: false, words: "4 digits" },
  sign: { minLength: 6, maxLength: 16, letters: true, words: "6 to 16 of A-Z and 0-9" },
};

/**
 * Makes a PIN of what a person typed (a line end is dropped; lower case of a `sign` password is folded, as the
 * official client does). Wipes `typed` in every case.
 *
 * @throws PinError `PIN_CANCELLED` for nothing typed, `PIN_FORMAT` if it cannot be this PIN: it must not reach the card.
 */
export function pinFromBytes(name: PinName, typed: Uint8Array): Pin {
  let end = typed.length;
  while (end > 0 && (typed[end - 1] === 0x0a || typed[end - 1] === 0x0d)) end--;
  const bytes = wipeableCopy(typed.subarray(0, end));
  typed.fill(0);
  if (bytes.length === 0) throw new PinError("PIN_CANCELLED", "ask for the PIN: nothing was typed");
  const rule = RULES[name];
  if (rule.letters) foldCase(bytes);
  if (!matches(bytes, rule)) {
    const details = { length: bytes.length, pin: name };
    bytes.fill(0);
    throw new PinError("PIN_FORMAT", `check the PIN: it must be ${rule.words}`, {
      hint: "it was not sent to the card, so no try was used",
      details,
    });
  }
  return new Pin(bytes);
}

/** Whether two PINs are the same one. For the entries of one person: the time it takes tells nothing to others. */
export function isSamePin(one: Pin, other: Pin): boolean {
  return one.expose((a) => other.expose((b) => a.length === b.length && a.every((byte, i) => byte === b[i])));
}

/** Whether the card's rules for a new PIN are met, beyond its form: a `sign` password mixes letters and digits. */
export function isGoodNewPin(name: PinName, pin: Pin): boolean {
  return name !== "sign" || pin.expose((bytes) => bytes.some(isDigit) && bytes.some(isCapital));
}

/** Checked byte by byte: a string of the PIN could not be wiped. */
function matches(bytes: Uint8Array, rule: PinRule): boolean {
  if (bytes.length < rule.minLength || bytes.length > rule.maxLength) return false;
  return bytes.every((byte) => isDigit(byte) || (rule.letters && isCapital(byte)));
}

function foldCase(bytes: Uint8Array): void {
  for (const [i, byte] of bytes.entries()) if (byte >= 0x61 && byte <= 0x7a) bytes[i] = byte - 0x20;
}

function isDigit(byte: number): boolean {
  return byte >= 0x30 && byte <= 0x39;
}

function isCapital(byte: number): boolean {
  return byte >= 0x41 && byte <= 0x5a;
}
