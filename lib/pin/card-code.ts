/**
 * The two 照合番号, made of what is printed on the card (card.md, "Surface application"), byte by byte: A is the
 * individual number, B is birth date, year of expiry and security code.
 *
 * What can be told to be mistyped never reaches the card. A year of birth is never converted: a Japanese holder's card
 * wants the era's year, a foreign holder's may want two digits of the Western one, and only the holder sees which is
 * printed. So a year of four digits is refused instead of guessed at.
 */

import { startsWithBytes } from "../bytes.ts";

/** What B is asked in. */
export type CodePart = "birth-date" | "expiry-year" | "security-code";

/** In the order of their places in B. */
export const CODE_PARTS = ["birth-date", "expiry-year", "security-code"] as const satisfies readonly CodePart[];

export const CODE_A_DIGITS = 12;
export const CODE_B_DIGITS = 14;
const BIRTH_DATE_DIGITS = 6;
const EXPIRY_YEAR_DIGITS = 4;
const ZERO = 0x30;
/** Latin letters of the eras, both cases: M, T, S, H, R. */
const ERA_LETTERS: ReadonlySet<number> = new Set(Array.from("MTSHRmtshr", (letter) => letter.charCodeAt(0)));
const ERA_NAMES = ["明治", "大正", "昭和", "平成", "令和"].map((name) => new TextEncoder().encode(name));
/** The first year of an era. */
const FIRST_YEAR = new TextEncoder().encode("元");
const SEPARATORS = ["年", "月", "日", ".", "-", "/", " ", "　"].map((text) => new TextEncoder().encode(text));
/** The cards are valid for ten years at most; the first were issued in 2016. */
const EXPIRY_CENTURY = 20;

/** Whether 12 digits end in their check digit (総務省令第85号 of 2014, article 5). */
export function isIndividualNumber(digits: Uint8Array): boolean {
  if (digits.length !== CODE_A_DIGITS) return false;
  const values = digits.map((digit) => digit - ZERO);
  let sum = 0;
  for (let n = 1; n < CODE_A_DIGITS; n++) sum += (values[CODE_A_DIGITS - 1 - n] ?? 0) * (n <= 6 ? n + 1 : n - 5);
  const remainder = sum % 11;
  const right = values[CODE_A_DIGITS - 1] === (remainder <= 1 ? 0 : 11 - remainder);
  values.fill(0);
  return right;
}

/** Whether 14 digits can be a B: a date with parts that may be unknown (`00`), and a year of this century. */
export function isCodeB(digits: Uint8Array): boolean {
  return (
    digits.length === CODE_B_DIGITS &&
    isBirthDate(digits.subarray(0, BIRTH_DATE_DIGITS)) &&
    isExpiryYear(digits.subarray(BIRTH_DATE_DIGITS, BIRTH_DATE_DIGITS + EXPIRY_YEAR_DIGITS))
  );
}

/** Whether six digits can be `YYMMDD`. */
export function isBirthDate(digits: Uint8Array): boolean {
  return digits.length === BIRTH_DATE_DIGITS && twoDigits(digits, 2) <= 12 && twoDigits(digits, 4) <= 31;
}

/** Whether four digits can be the year in which a card expires. */
export function isExpiryYear(digits: Uint8Array): boolean {
  return digits.length === EXPIRY_YEAR_DIGITS && twoDigits(digits, 0) === EXPIRY_CENTURY;
}

/** The digits alone, where the card prints them in groups: `1234 5678 9012`. A fresh array; the caller wipes both. */
export function withoutSpaces(typed: Uint8Array): Uint8Array {
  return typed.filter((byte) => byte !== 0x20 && byte !== 0x2d);
}

/**
 * A birth date as the card prints it, made into `YYMMDD`: `600401`, `昭和60年4月1日`, `S60.4.1`, `H1-1-8`, `平成元年1月8日`.
 * All digits together pass as they are, so that a whole B can be typed in its place.
 *
 * @returns a fresh array, which the caller wipes; undefined for anything else.
 */
export function birthDateDigits(typed: Uint8Array): Uint8Array | undefined {
  const rest = withoutEra(typed);
  const groups = digitGroups(rest);
  try {
    if (groups?.length === 1) return groups[0]?.slice();
    if (groups?.length !== 3 || groups.some((group) => group.length > 2)) return undefined;
    const digits = new Uint8Array(BIRTH_DATE_DIGITS).fill(ZERO);
    for (const [i, group] of groups.entries()) digits.set(group, 2 * i + 2 - group.length);
    return digits;
  } finally {
    for (const group of groups ?? []) group.fill(0);
  }
}

function withoutEra(typed: Uint8Array): Uint8Array {
  if (ERA_LETTERS.has(typed[0] ?? 0)) return typed.subarray(1);
  const name = ERA_NAMES.find((known) => startsWithBytes(typed, known));
  return name === undefined ? typed : typed.subarray(name.length);
}

/** Digits between separators; undefined if there is anything else. */
function digitGroups(bytes: Uint8Array): Uint8Array[] | undefined {
  const groups: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; ) {
    const rest = bytes.subarray(at);
    const separator = SEPARATORS.find((known) => startsWithBytes(rest, known));
    if (separator !== undefined) {
      at += separator.length;
    } else if (startsWithBytes(rest, FIRST_YEAR)) {
      groups.push(Uint8Array.of(ZERO + 1));
      at += FIRST_YEAR.length;
    } else {
      const end = rest.findIndex((byte) => !isDigit(byte));
      const length = end < 0 ? rest.length : end;
      if (length === 0) return undefined;
      groups.push(rest.slice(0, length));
      at += length;
    }
  }
  return groups;
}

function twoDigits(digits: Uint8Array, at: number): number {
  return ((digits[at] ?? 0) - ZERO) * 10 + ((digits[at + 1] ?? 0) - ZERO);
}

function isDigit(byte: number): boolean {
  return byte >= ZERO && byte <= ZERO + 9;
}
