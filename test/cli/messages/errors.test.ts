import { describe, expect, it } from "vitest";
import { en } from "../../../cli/messages/en.ts";
import { ja } from "../../../cli/messages/ja.ts";
import { ConfigError, ERROR_CODES, JpkiError } from "../../../lib/errors.ts";
import type { PromptProblem } from "../../../lib/pin/select-prompt.ts";

const JAPANESE = /[\u3040-\u30ff\u4e00-\u9fff]/;

describe("errors in Japanese", () => {
  it.each(ERROR_CODES)("%s has Japanese words", (code) => {
    const { message, hint } = ja.error(new JpkiError(code, "do this: that failed", { hint: "do something" }));
    expect(message).toMatch(JAPANESE);
    expect(`${message} ${hint ?? ""}`).not.toMatch(/undefined|null/);
  });

  it.each([
    "turned-off",
    "forced-without-askpass",
    "no-terminal",
    "no-pinentry",
    "askpass-never",
    "no-askpass",
    "no-program",
  ] as const satisfies readonly PromptProblem[])("PIN_NO_PROMPT %s: the reason and the mend", (problem) => {
    const { message, hint } = ja.error(
      new JpkiError("PIN_NO_PROMPT", "English reason", { hint: "English mend", details: { problem } }),
    );
    expect(`${message} ${hint}`).not.toContain("English");
    expect(message).toMatch(JAPANESE);
    expect(hint).toMatch(JAPANESE);
  });

  it.each([
    ["PIN_WRONG", { triesLeft: 2 }, /残り回数: 2回/],
    ["PIN_NO_PROMPT", { missing: ["DISPLAY", "WAYLAND_DISPLAY"] }, /import-environment DISPLAY WAYLAND_DISPLAY/],
    ["KEYCHAIN_UNAVAILABLE", { problem: "no-keytar" }, /npm install keytar/],
    ["KEYCHAIN_UNAVAILABLE", { problem: "timeout" }, /応答がありません.*ロックを解除/],
    ["KEYCHAIN_UNAVAILABLE", { problem: "refused" }, /gnome-keyring-daemon --start。D-Bus/],
    ["CARD_ABSENT", { reader: "SCR3310" }, /SCR3310/],
    ["CARD_ABSENT", { card: "My Number card 0123abcd" }, /My Number card 0123abcd/],
    ["READER_ABSENT", { reader: "ACR", readers: ["SCR3310"] }, /ACR.*SCR3310/],
    ["PCSC_UNAVAILABLE", { binding: "pcsclite" }, /libpcsclite-dev/],
    ["PCSC_UNAVAILABLE", { binding: "pcsc-mini" }, /libpcsclite1/],
    ["PCSC_UNAVAILABLE", {}, /pcscd/],
    ["PCSC_UNAVAILABLE", { problem: "silent" }, /systemctl restart pcscd/],
    ["PCSC_UNAVAILABLE", { problem: "no-answer", reader: "R" }, /置き直/],
    ["CARD_BUSY", { reader: "SCR3310" }, /SCR3310/],
    ["SOCKET_IN_USE", { path: "/run/agent.sock" }, /\/run\/agent\.sock/],
    ["SOCKET_UNSAFE", { problem: "too-long", path: "/x", pathBytes: 125, maxBytes: 107 }, /\/x.*125.*107.*短い/],
    ["SOCKET_UNSAFE", { problem: "open-folder", path: "/tmp/x" }, /\/tmp\/x.*書き込めます/],
    ["SOCKET_UNSAFE", { problem: "not-a-socket", path: "/tmp/x" }, /ソケットではない/],
    ["SOCKET_UNSAFE", { problem: "not-a-folder", path: "/tmp/x" }, /フォルダーではありません/],
    ["SOCKET_UNSAFE", { problem: "other-owner", path: "/tmp/x" }, /別のユーザー/],
    ["PIN_FORMAT", { problem: "not-new", pinState: "old" }, /現在のものと同じ.*変更前のまま/],
    ["PIN_FORMAT", { problem: "entries-differ" }, /一致しません/],
    ["PIN_FORMAT", { problem: "not-mixed" }, /英字と数字の両方/],
    ["PIN_FORMAT", { problem: "no-such-pin" }, /ありません/],
    ["CARD_RESET", { pinState: "unknown" }, /変更前・変更後のどちらか/],
  ] as const)("%s tells its details", (code, details, words) => {
    const { message, hint } = ja.error(new JpkiError(code, "x", { details }));
    expect(`${message} ${hint}`).toMatch(words);
  });

  it.each([
    [{ problem: "unknown-key", file: "/c.toml", key: "agent.colour" }, /\/c\.toml.*agent\.colour/],
    [{ problem: "syntax", file: "/c.toml", reason: "R" }, /\/c\.toml.*R/],
    [{ problem: "bad-value", file: "/c.toml", key: "card", reason: "R" }, /\/c\.toml.*card.*R/],
    [{ problem: "unreadable-file", file: "/c.toml" }, /\/c\.toml/],
    [{ problem: "bad-option-value", subject: "--card", value: "nfc", expected: "pcsc" }, /--card.*nfc.*pcsc/],
    [{ problem: "unknown-option", subject: "--foo", suggestion: "--bar", help: "H" }, /--foo.*--bar.*H/],
    [{ problem: "no other knows this" }, /the English words/],
  ])("CONFIG_INVALID %j", (details, words) => {
    const { message } = ja.error(new ConfigError("the English words", { details }));
    expect(message).toMatch(JAPANESE);
    expect(message).toMatch(words);
    expect(message).not.toMatch(/undefined/);
  });
});

it("English errors are as they were thrown", () => {
  const error = new JpkiError("CARD_BUSY", "connect to X: busy", { hint: "wait" });
  expect(en.error(error)).toEqual({ message: "connect to X: busy", hint: "wait" });
});
