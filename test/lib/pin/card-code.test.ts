import { describe, expect, it, test } from "vitest";
import { utf8 } from "../../../lib/bytes.ts";
import { birthDateDigits, CODE_PARTS, type CodePart, isIndividualNumber } from "../../../lib/pin/card-code.ts";
import { joinPins, type PinName, pinFromBytes } from "../../../lib/pin/pin.ts";
import { digitsOf } from "../../helpers/spy-pin.ts";

describe("the individual number", () => {
  /** The check digit is 0 where the remainder is 0 or 1, else 11 less it. */
  it.each(["123456789018", "000000000000", "111111111118", "987654321093"])("%s ends in its check digit", (number) => {
    const { length } = Array.from({ length: 10 }, (_, digit) => `${number.slice(0, 11)}${digit}`).filter((candidate) =>
      isIndividualNumber(utf8(candidate)),
    );
    expect(length).toBe(1);
  });

  it("as it is known from examples", () => {
    expect(isIndividualNumber(utf8("123456789018"))).toBe(true);
    for (const wrong of ["123456789012", "12345678901", "1234567890180"])
      expect(isIndividualNumber(utf8(wrong))).toBe(false);
  });

  it("two digits exchanged, or another one in the check digit's place, are seen", () => {
    expect(isIndividualNumber(utf8("213456789018"))).toBe(false);
    for (const digit of "012345679") expect(isIndividualNumber(utf8(`12345678901${digit}`))).toBe(false);
  });
});

describe("a birth date as it is printed", () => {
  it.each([
    ["600401", "600401"],
    ["昭和60年4月1日", "600401"],
    ["S60.4.1", "600401"],
    ["s60-04-01", "600401"],
    ["60/4/1", "600401"],
    ["平成元年1月8日", "010108"],
    ["H1.1.8", "010108"],
    ["令和元年１月", undefined],
    ["令和6年12月31日", "061231"],
    ["R061231", "061231"],
    ["大正15年12月24日", "151224"],
    ["明治45年7月29日", "450729"],
    ["昭和10年00月00日", "100000"],
    ["02040120325678", "02040120325678"],
    ["1985-04-01", undefined],
    ["昭和60年4月", undefined],
    ["60.4.1.2", undefined],
    ["X60.4.1", undefined],
    ["昭和", undefined],
  ])("%s", (typed, digits) => {
    const made = birthDateDigits(utf8(typed));
    expect(made === undefined ? undefined : new TextDecoder().decode(made)).toBe(digits);
  });
});

const typedAs = (name: PinName | CodePart, typed: string) => digitsOf(pinFromBytes(name, utf8(typed)));

describe("what is sent", () => {
  it.each([
    ["code-a", "1234 5678 9018", "123456789018"],
    ["code-a", "1234-5678-9018\n", "123456789018"],
    ["code-b", "02040120325678", "02040120325678"],
    ["code-b", "020401 2032 5678", "02040120325678"],
    ["birth-date", "平成2年4月1日\r\n", "020401"],
    ["expiry-year", "2032", "2032"],
    ["security-code", "0000", "0000"],
  ] as const)("%s typed as %j", (name, typed, sent) => {
    expect(typedAs(name, typed)).toBe(sent);
  });

  it.each([
    ["code-a", "123456789012"],
    ["code-a", "12345678901"],
    ["code-b", "0204012032567"],
    ["code-b", "02130120325678"],
    ["code-b", "02043220325678"],
    ["code-b", "02040119325678"],
    ["code-b", "19900401203256"],
    ["birth-date", "19850401"],
    ["birth-date", "1985-04-01"],
    ["birth-date", "601301"],
    ["birth-date", "600432"],
    ["birth-date", "06"],
    ["expiry-year", "1932"],
    ["expiry-year", "32"],
    ["expiry-year", "令和14"],
    ["security-code", "567"],
    ["security-code", "abcd"],
  ] as const)("%s: %j never reaches the card, and is wiped", (name, typed) => {
    const bytes = utf8(typed);
    expect(() => pinFromBytes(name, bytes)).toThrow(expect.objectContaining({ code: "PIN_FORMAT" }));
    expect(bytes.every((byte) => byte === 0)).toBe(true);
  });

  it.each([...CODE_PARTS, "code-a", "code-b"] as const)("%s: nothing typed is a cancel", (name) => {
    expect(() => pinFromBytes(name, utf8("\n"))).toThrow(expect.objectContaining({ code: "PIN_CANCELLED" }));
  });
});

test("parts are joined in order and stay their owners'", () => {
  const parts = ["020401", "2032", "5678"].map((digits, i) =>
    pinFromBytes(CODE_PARTS[i] ?? "birth-date", utf8(digits)),
  );
  const whole = joinPins(parts);
  expect(digitsOf(whole)).toBe("02040120325678");
  for (const part of parts) part.wipe();
  expect(digitsOf(whole)).toBe("02040120325678");
});
