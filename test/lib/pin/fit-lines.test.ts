import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { fitLines } from "../../../lib/pin/fit-lines.ts";

const within = (length: number) => (text: string) => text.length <= length;

describe("fitLines", () => {
  test.each([
    ["short\nshort", 20, "short\nshort"],
    ["For: aaaaaaaaaaaaaaaa\nTries left: 1", 27, "For: aaaaaaa…\nTries left: 1"],
    ["aaaa\nbbbb", 7, "aa…\nbb…"],
    ["aaaa\nbbbb", 3, "…\n…"],
    ["aaaa\nbbbb", 2, ""],
  ])("%j within %d is %j", (text, length, expected) => {
    expect(fitLines(text, within(length))).toBe(expected);
  });

  test("does not cut a character in two", () => {
    expect(fitLines("😀😀😀", within(4))).toBe("😀…");
  });

  test("fits, keeps the lines, and cuts no line shorter than another that is cut", () => {
    fc.assert(
      fc.property(fc.array(fc.string({ maxLength: 80 })), fc.nat(400), (lines, length) => {
        const text = lines.map((line) => line.replaceAll("\n", " ")).join("\n");
        const fitted = fitLines(text, within(length));
        expect(fitted.length).toBeLessThanOrEqual(length);
        if (fitted !== "") expect(fitted.split("\n")).toHaveLength(text.split("\n").length);
      }),
    );
  });
});
