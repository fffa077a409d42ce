import fc from "fast-check";
import { expect, test } from "vitest";
import { hasWildcard, matchHostList, matchPattern } from "../../../lib/ssh/host-pattern.ts";

test.each([
  ["", "", true],
  ["a", "", false],
  ["", "*", true],
  ["", "?", false],
  ["abc", "abc", true],
  ["abc", "abd", false],
  ["abc", "ab", false],
  ["ab", "abc", false],
  ["abc", "a?c", true],
  ["ac", "a?c", false],
  ["abc", "*", true],
  ["abc", "**", true],
  ["abc", "a*", true],
  ["abc", "*c", true],
  ["abc", "*b*", true],
  ["abc", "*b", false],
  ["abcbc", "a*bc", true],
  ["abcbd", "a*bc", false],
  ["aXbXc", "a*b*c", true],
  ["host.example.com", "*.example.com", true],
  ["example.com", "*.example.com", false],
  ["[host]:2222", "[host]:2222", true],
  ["[host]:2222", "[host]:*", true],
  ["h", "[host]", false],
  ["a.b", "a+b", false],
])("%j and %j: %s", (text, pattern, expected) => {
  expect(matchPattern(text, pattern)).toBe(expected);
});

test("agrees with a regular expression of the same meaning", () => {
  const letters = fc.string({ unit: fc.constantFrom("a", "b", "*", "?"), maxLength: 12 });
  fc.assert(
    fc.property(letters, letters, (text, pattern) => {
      const regexp = new RegExp(`^${pattern.replaceAll("*", "[^]*").replaceAll("?", "[^]")}$`);
      expect(matchPattern(text, pattern)).toBe(regexp.test(text));
    }),
    { numRuns: 2000 },
  );
});

test("a pattern made to be slow is not", () => {
  expect(matchPattern("a".repeat(4000), `${"a*".repeat(200)}b`)).toBe(false);
});

test("hasWildcard", () => {
  expect(["*", "a?", "a", "[h]:22", "!a"].map(hasWildcard)).toEqual([true, true, false, false, false]);
});

test.each([
  ["host.example", ["host.example"], true],
  ["HOST.example", ["host.EXAMPLE"], true],
  ["host.example", ["*.example", "!host.example"], false],
  ["host.example", ["!host.example", "*.example"], false],
  ["host.example", ["!HOST.*", "*"], false],
  ["other.example", ["*.example", "!host.example"], true],
  ["host.example", ["!other.example"], false],
  ["host.example", [], false],
])("%j in the list %j: %s", (host, list, expected) => {
  expect(matchHostList(host, list)).toBe(expected);
});
