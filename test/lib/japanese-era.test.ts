import { expect, it } from "vitest";
import { eraOf } from "../../lib/japanese-era.ts";

it.each([
  [[1867, 12, 31], undefined],
  [[1868, 1, 1], "meiji"],
  [[1912, 7, 29], "meiji"],
  [[1912, 7, 30], "taisho"],
  [[1926, 12, 24], "taisho"],
  [[1926, 12, 25], "showa"],
  [[1989, 1, 7], "showa"],
  [[1989, 1, 8], "heisei"],
  [[2019, 4, 30], "heisei"],
  [[2019, 5, 1], "reiwa"],
  [[1989, 1], undefined],
  [[1989, 2], "heisei"],
  [[1989], undefined],
  [[1990], "heisei"],
  [[1990, undefined, 7], "heisei"],
] as const)("%j: %s", ([year, month, day], era) => {
  expect(eraOf(year, month, day)).toBe(era);
});
