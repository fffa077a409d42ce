import { describe, expect, it } from "vitest";
import { englishCertificates } from "../../../cli/messages/certificates-en.ts";
import { japaneseCertificates } from "../../../cli/messages/certificates-ja.ts";
import { decodeBirthDate } from "../../../lib/x509/holder.ts";

describe("birth dates", () => {
  it.each([
    ["319890107", "1989-01-07 (Showa 64)", "1989年1月7日（昭和64年）"],
    ["419890108", "1989-01-08 (Heisei 1)", "1989年1月8日（平成元年）"],
    ["419900401", "1990-04-01 (Heisei 2)", "1990年4月1日（平成2年）"],
    ["520190501", "2019-05-01 (Reiwa 1)", "2019年5月1日（令和元年）"],
    ["219251231", "1925-12-31 (Taisho 14)", "1925年12月31日（大正14年）"],
    ["119120101", "1912-01-01 (Meiji 45)", "1912年1月1日（明治45年）"],
    ["300550217", "1980-02-17 (Showa 55)", "1980年2月17日（昭和55年）"],
    ["500010501", "2019-05-01 (Reiwa 1)", "2019年5月1日（令和元年）"],
    ["019800217", "1980-02-17", "1980年2月17日"],
    ["319400000", "1940-??-?? (Showa 15)", "1940年？月？日（昭和15年）"],
    ["319400700", "1940-07-?? (Showa 15)", "1940年7月？日（昭和15年）"],
    ["300000101", "????-01-01 (Showa)", "？年1月1日（昭和）"],
    ["000000000", "unknown (000000000)", "不明（000000000）"],
    ["319801399", "1980-??-?? (Showa 55)", "1980年？月？日（昭和55年）"],
    ["19800217", "unknown (19800217)", "不明（19800217）"],
    ["", "unknown ()", "不明（）"],
    ["３１９８００２１７", "unknown (３１９８００２１７)", "不明（３１９８００２１７）"],
  ])("%j", (raw, english, japanese) => {
    const date = decodeBirthDate(raw);
    expect(date.raw).toBe(raw);
    expect(englishCertificates.birthDate(date)).toBe(english);
    expect(japaneseCertificates.birthDate(date)).toBe(japanese);
  });
});
