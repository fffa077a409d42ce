import { describe, expect, it } from "vitest";
import { messagesFor } from "../../../cli/messages/language.ts";

describe("messagesFor", () => {
  it.each([
    [{}, "en"],
    [{ LANG: "ja_JP.UTF-8" }, "ja"],
    [{ LANG: "ja" }, "ja"],
    [{ LANG: "ja.UTF-8" }, "ja"],
    [{ LANG: "jam_JM.UTF-8" }, "en"],
    [{ LANG: "en_GB.UTF-8" }, "en"],
    [{ LANG: "C.UTF-8" }, "en"],
    [{ LC_MESSAGES: "ja_JP.UTF-8", LANG: "en_US.UTF-8" }, "ja"],
    [{ LC_MESSAGES: "C", LANG: "ja_JP.UTF-8" }, "en"],
    [{ LC_ALL: "C", LC_MESSAGES: "ja_JP.UTF-8", LANG: "ja_JP.UTF-8" }, "en"],
    [{ LC_ALL: "ja_JP.UTF-8", LC_MESSAGES: "C", LANG: "C" }, "ja"],
    [{ LC_ALL: "", LC_MESSAGES: "", LANG: "ja_JP.UTF-8" }, "ja"],
  ])("%j is %s", (env, language) => {
    expect(messagesFor(env).language).toBe(language);
  });
});
