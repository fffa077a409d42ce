import { describe, expect, it } from "vitest";
import { cardLines, withEra } from "../../cli/card-report.ts";
import { englishCard } from "../../cli/messages/card-en.ts";
import { japaneseCard } from "../../cli/messages/card-ja.ts";
import { decodeAttributes } from "../../lib/card/attributes.ts";
import { encodeAttributes, FICTIONAL_HOLDER } from "../../lib/virtual-card/holder.ts";

/** As it comes from the card. */
const shown = (holder: Partial<typeof FICTIONAL_HOLDER>, texts = japaneseCard) =>
  cardLines(texts, decodeAttributes(encodeAttributes({ ...FICTIONAL_HOLDER, ...holder })));

describe("a birth date with its era", () => {
  it.each([
    ["19850401", "1985年4月1日（昭和60年）", "1985-04-01 (Showa 60)"],
    ["19890107", "1989年1月7日（昭和64年）", "1989-01-07 (Showa 64)"],
    ["19890108", "1989年1月8日（平成元年）", "1989-01-08 (Heisei 1)"],
    ["20190501", "2019年5月1日（令和元年）", "2019-05-01 (Reiwa 1)"],
    ["19120729", "1912年7月29日（明治45年）", "1912-07-29 (Meiji 45)"],
    ["19261224", "1926年12月24日（大正15年）", "1926-12-24 (Taisho 15)"],
    ["19850000", "1985年？月？日（昭和60年）", "1985-??-?? (Showa 60)"],
    ["19890000", "1989年？月？日", "1989-??-??"],
    ["00000000", "不明（00000000）", "unknown (00000000)"],
  ])("%s", (birthDate, japanese, english) => {
    expect(shown({ birthDate })).toContain(`生年月日: ${japanese}`);
    expect(shown({ birthDate }, englishCard)).toContain(`Birth date: ${english}`);
  });

  it("keeps what the card says", () => {
    expect(withEra({ raw: "19900401", year: 1990, month: 4, day: 1 })).toEqual({
      raw: "19900401",
      year: 1990,
      month: 4,
      day: 1,
      era: "heisei",
    });
  });
});

describe("names and addresses", () => {
  it("outside the Basic Multilingual Plane, and of 80 characters, are shown whole", () => {
    const address = "𠮷野県".repeat(27).slice(0, 100);
    expect(shown({ name: "𠮷野　𩸽子", address }).slice(0, 2)).toEqual(["氏名: 𠮷野　𩸽子", `住所: ${address}`]);
  });

  it("that are missing make no line", () => {
    expect(shown({ name: undefined, address: undefined, sex: undefined })).toEqual([
      "生年月日: 1990年4月1日（平成2年）",
    ]);
  });

  it("cannot steer the terminal", () => {
    const [line] = shown({ name: "見本\u001b[2J\u0007\n花子" });
    // biome-ignore lint/suspicious/noControlCharactersInRegex: it is what must not be there
    expect(line).not.toMatch(/[\u0000-\u001f\u007f]/);
  });

  it.each([
    ["1", "男"],
    ["2", "女"],
    ["9", "不明"],
  ])("sex %s", (sex, word) => {
    expect(shown({ sex })).toContain(`性別: ${word}`);
  });
});
