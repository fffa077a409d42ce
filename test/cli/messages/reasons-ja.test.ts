import { expect, it } from "vitest";
import { ja } from "../../../cli/messages/ja.ts";
import { CardStatusError, FileError, MalformedError, SocketError, TooLargeError } from "../../../lib/errors.ts";

const systemError = (code: string) => Object.assign(new Error("the system's English words"), { code });

it.each([
  [0x6282, "6282: ファイルが途中で終わっています"],
  [0x6581, "6581: カードの記憶域に書き込めません"],
  [0x6985, "6985: カードの状態が条件を満たしていません"],
  [0x6a82, "6A82: ファイルがありません"],
  [0x6f00, "6F00: カードが原因を示さずに失敗しました"],
  [0x1234, "1234: 意味は不明です"],
])("status word %i: %s", (statusWord, words) => {
  const { message } = ja.error(new CardStatusError("read the certificate", statusWord));
  expect(message).toBe(`カードが想定外の応答を返しました（${words}）`);
});

it.each([
  ["EACCES", "権限がありません"],
  ["ENOSPC", "ディスクに空きがありません"],
  ["EROFS", "読み取り専用のファイルシステムです"],
])("%s at a path: %s", (code, words) => {
  const cause = systemError(code);
  const error = new FileError("write /x: that failed", { details: { path: "/x" }, cause });
  expect(ja.error(error).message).toBe(`/x を読み書きできません（${words}）`);
});

it("a system error deeper down, without a path, at a URL", () => {
  const cause = new Error("outer", { cause: systemError("ENOTFOUND") });
  expect(ja.error(new FileError("run x", { cause })).message).toBe(
    "ファイルを読み書きできません（ホスト名が見つかりません）",
  );
  const url = "http://crl.example/";
  expect(ja.error(new SocketError("IO_FAILED", "ask", { details: { url }, cause })).message).toBe(
    `${url} を取得できません（ホスト名が見つかりません）`,
  );
});

it.each([
  ["transmit: the card in R answered 1 bytes", "カードの応答の形式が正しくありません"],
  ['TLV: "length" needs 2 bytes, 1 are left', "カードの応答の形式が正しくありません"],
  ["read a certificate: it is not DER", "証明書の形式が正しくありません"],
  ["read an OCSP response: it has no status", "OCSP 応答の形式が正しくありません"],
])("%s: %s", (message, words) => {
  expect(ja.error(new MalformedError(message)).message).toBe(words);
});

it("what has no Japanese words keeps the English ones", () => {
  expect(ja.error(new TooLargeError("read /x: 9 bytes, the limit is 8")).message).toBe(
    "データの大きさが上限を超えています（read /x: 9 bytes, the limit is 8）",
  );
  const cause = systemError("ESTRANGE");
  expect(ja.error(new FileError("write /x: strange", { details: { path: "/x" }, cause })).message).toBe(
    "ファイルを読み書きできません（write /x: strange）",
  );
});
