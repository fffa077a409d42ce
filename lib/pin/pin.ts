/**
 * A PIN as bytes that can be wiped, never as a string that cannot. It has no string form and no equality, so that it
 * cannot reach a log, an error or a test's snapshot by accident.
 */

import { wipeableBytes, wipeableCopy } from "../bytes.ts";
import { PinError } from "../errors.ts";
import {
  birthDateDigits,
  CODE_A_DIGITS,
  CODE_B_DIGITS,
  type CodePart,
  isBirthDate,
  isCodeB,
  isExpiryYear,
  isIndividualNumber,
  withoutSpaces,
} from "./card-code.ts";

/**
 * Chosen by the holder. `auth`: 利用者証明用, 4 digits. `sign`: 署名用, 6 to 16 of A-Z 0-9. `text`: 券面事項入力補助用,
 * 4 digits.
 */
export type ChosenPinName = "auth" | "sign" | "text";

/** Or printed on the card: 照合番号A, the 12 digits of the individual number; 照合番号B, 14 digits (card-code.ts). */
export type PinName = ChosenPinName | "code-a" | "code-b";

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
  /** What was typed, in the card's form; a fresh array, or undefined if it has none. */
  readonly normal?: (typed: Uint8Array) => Uint8Array | undefined;
  /** What more is known of it. */
  readonly fits?: (bytes: Uint8Array) => boolean;
}

const FOUR_DIGITS: PinRule = { minLength: 4, maxLength: 4, letters: false, words: "4 digits" };

const RULES: Readonly<Record<PinName | CodePart, PinRule>> = {
  auth: FOUR_DIGITS,
  text: FOUR_DIGITS,
  sign: { minLength: 6, maxLength: 16, letters: true, words: "6 to 16 of A-Z and 0-9" },
  "code-a": {
    ...{ minLength: CODE_A_DIGITS, maxLength: CODE_A_DIGITS, letters: false },
    words: "12 digits, the last of which is their check digit",
    normal: withoutSpaces,
    fits: isIndividualNumber,
  },
  "code-b": {
    ...{ minLength: CODE_B_DIGITS, maxLength: CODE_B_DIGITS, letters: false },
    words: "14 digits: birth date, year of expiry, security code",
    normal: withoutSpaces,
    fits: isCodeB,
  },
  "birth-date": {
    ...{ minLength: 6, maxLength: CODE_B_DIGITS, letters: false },
    words: "a date with two digits for the year, or all 14 digits",
    normal: birthDateDigits,
    fits: (digits) => isBirthDate(digits) || isCodeB(digits),
  },
  "expiry-year": { ...FOUR_DIGITS, words: "a year of 4 digits, 20 and two more", fits: isExpiryYear },
  "security-code": FOUR_DIGITS,
};

/**
 * Makes a PIN, or a part of one, of what a person typed (a line end is dropped; lower case of a `sign` password is
 * folded, as the official client does; what is printed on the card may be typed as it is printed there). Wipes `typed`
 * in every case.
 *
 * @throws PinError `PIN_CANCELLED` for nothing typed, `PIN_FORMAT` if it cannot be this PIN: it must not reach the card.
 */
export function pinFromBytes(name: PinName | CodePart, typed: Uint8Array): Pin {
  let end = typed.length;
  while (end > 0 && (typed[end - 1] === 0x0a || typed[end - 1] === 0x0d)) end--;
  const rule = RULES[name];
  const normal = end === 0 ? undefined : rule.normal?.(typed.subarray(0, end));
  const bytes = wipeableCopy(normal ?? typed.subarray(0, end));
  normal?.fill(0);
  typed.fill(0);
  if (bytes.length === 0) throw new PinError("PIN_CANCELLED", "ask for the PIN: nothing was typed");
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

/** One PIN of several parts, in order. Does not wipe them. */
export function joinPins(parts: readonly Pin[]): Pin {
  const length = parts.reduce((sum, part) => sum + part.expose((own) => own.length), 0);
  const bytes = wipeableBytes(length);
  let at = 0;
  for (const part of parts)
    part.expose((own) => {
      bytes.set(own, at);
      at += own.length;
    });
  return new Pin(bytes);
}

/** Whether two PINs are the same one. For the entries of one person: the time it takes tells nothing to others. */
export function isSamePin(one: Pin, other: Pin): boolean {
  return one.expose((a) => other.expose((b) => a.length === b.length && a.every((byte, i) => byte === b[i])));
}

/** Whether the card's rules for a new PIN are met, beyond its form: a `sign` password mixes letters and digits. */
export function isGoodNewPin(name: ChosenPinName, pin: Pin): boolean {
  return name !== "sign" || pin.expose((bytes) => bytes.some(isDigit) && bytes.some(isCapital));
}

/** Checked byte by byte: a string of the PIN could not be wiped. */
function matches(bytes: Uint8Array, rule: PinRule): boolean {
  if (bytes.length < rule.minLength || bytes.length > rule.maxLength) return false;
  if (!bytes.every((byte) => isDigit(byte) || (rule.letters && isCapital(byte)))) return false;
  return rule.fits?.(bytes) ?? true;
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
