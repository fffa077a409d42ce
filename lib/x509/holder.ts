/**
 * The holder's attributes in the otherNames of a signature certificate. Personal data: shown where it was asked for,
 * never logged.
 *
 * Source: card.md, "Certificates"; the birth date is `EYYYYMMDD`, E the era (0 unknown, 1 明治 to 5 令和) and the rest
 * Gregorian, as verifiers of real certificates read it. A year below 100 can only be the era's own and is converted.
 */

import type { Era } from "../japanese-era.ts";
import type { Certificate } from "./certificate-fields.ts";

/** Parts that are not known (`00`) are undefined; `era` only where it is told. */
export interface BirthDate {
  /** As it stands in the certificate. */
  readonly raw: string;
  readonly era?: Era | undefined;
  /** Gregorian. */
  readonly year?: number | undefined;
  readonly month?: number | undefined;
  readonly day?: number | undefined;
}

export interface Holder {
  readonly name?: string | undefined;
  /** For each character of the name: 0, or how it was substituted. */
  readonly nameSubstitutes?: string | undefined;
  readonly sex?: "male" | "female" | "unknown" | undefined;
  readonly birthDate?: BirthDate | undefined;
  readonly address?: string | undefined;
  readonly addressSubstitutes?: string | undefined;
}

const ATTRIBUTES = "1.2.392.200149.8.5.5";
const SEXES: ReadonlyMap<string, NonNullable<Holder["sex"]>> = new Map([
  ["1", "male"],
  ["2", "female"],
  ["3", "unknown"],
]);

/** By the digit E; `yearBefore` is the Gregorian year before the era's first. */
const ERAS: ReadonlyMap<string, { readonly era: Era; readonly yearBefore: number }> = new Map([
  ["1", { era: "meiji", yearBefore: 1867 }],
  ["2", { era: "taisho", yearBefore: 1911 }],
  ["3", { era: "showa", yearBefore: 1925 }],
  ["4", { era: "heisei", yearBefore: 1988 }],
  ["5", { era: "reiwa", yearBefore: 2018 }],
]);
/** Longer than any era has lasted. */
const MAX_ERA_YEAR = 99;

/** @returns undefined for a certificate without any: one for user authentication, or a CA's. */
export function holderOf({ otherNames }: Certificate): Holder | undefined {
  const attribute = (number: number) => otherNames.get(`${ATTRIBUTES}.${number}`);
  const sex = attribute(3);
  const birthDate = attribute(4);
  const holder: Holder = {
    name: attribute(1),
    nameSubstitutes: attribute(2),
    sex: sex === undefined ? undefined : (SEXES.get(sex) ?? "unknown"),
    birthDate: birthDate === undefined ? undefined : decodeBirthDate(birthDate),
    address: attribute(5),
    addressSubstitutes: attribute(6),
  };
  return Object.values(holder).some((value) => value !== undefined) ? holder : undefined;
}

/** `EYYYYMMDD`. What does not have that form keeps only its raw text; a part that no calendar has is unknown. */
export function decodeBirthDate(raw: string): BirthDate {
  const [, digit = "", year = "", month = "", day = ""] = /^(\d)(\d{4})(\d{2})(\d{2})$/.exec(raw) ?? [];
  const era = ERAS.get(digit);
  return {
    raw,
    era: era?.era,
    year: gregorianYear(Number(year), era?.yearBefore),
    month: known(Number(month), 12),
    day: known(Number(day), 31),
  };
}

/** The year of the era that a Gregorian year is. */
export function eraYear({ era, year }: BirthDate): number | undefined {
  const found = Array.from(ERAS.values()).find((candidate) => candidate.era === era);
  return found === undefined || year === undefined || year <= found.yearBefore ? undefined : year - found.yearBefore;
}

function gregorianYear(year: number, yearBefore: number | undefined): number | undefined {
  if (year === 0) return undefined;
  if (year > MAX_ERA_YEAR) return year;
  return yearBefore === undefined ? undefined : yearBefore + year;
}

function known(part: number, max: number): number | undefined {
  return part >= 1 && part <= max ? part : undefined;
}
