/** The eras by which Japanese dates are told; days are Gregorian. */

export type Era = "meiji" | "taisho" | "showa" | "heisei" | "reiwa";

/** The first day of each, the latest era first: the day before belongs to the era before it. */
const FIRST_DAYS: readonly (readonly [era: Era, year: number, month: number, day: number])[] = [
  ["reiwa", 2019, 5, 1],
  ["heisei", 1989, 1, 8],
  ["showa", 1926, 12, 25],
  ["taisho", 1912, 7, 30],
  ["meiji", 1868, 1, 1],
];

/** The era of a day; of a year alone only where the whole year lies in one. */
export function eraOf(year: number, month?: number | undefined, day?: number | undefined): Era | undefined {
  const first = eraOfDay(year, month ?? 1, day ?? 1);
  return first === eraOfDay(year, month ?? 12, day ?? 31) ? first : undefined;
}

function eraOfDay(year: number, month: number, day: number): Era | undefined {
  const at = dayNumber(year, month, day);
  return FIRST_DAYS.find(([, ...first]) => at >= dayNumber(...first))?.[0];
}

/** Grows with the date. */
function dayNumber(year: number, month: number, day: number): number {
  return (year * 100 + month) * 100 + day;
}
