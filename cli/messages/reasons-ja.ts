/**
 * Why something failed, in Japanese, where the reasons are a closed set: status words (ISO/IEC 7816-4:2020, 5.6), system
 * errors, and whose bytes were not as they should be.
 */

import type { ErrorDetails, JpkiError } from "../../lib/errors.ts";

const STATUS_WORDS: readonly (readonly [pattern: RegExp, meaning: string])[] = [
  [/^6282$/, "ファイルが途中で終わっています"],
  [/^63C/, "暗証番号が違います"],
  [/^65/, "カードの記憶域に書き込めません"],
  [/^6700$/, "データの長さが正しくありません"],
  [/^6981$/, "ファイルの種類が違います"],
  [/^6982$/, "暗証番号の照合が必要です"],
  [/^698[34]$/, "暗証番号がロックされています"],
  [/^6985$/, "カードの状態が条件を満たしていません"],
  [/^6986$/, "ファイルが選択されていません"],
  [/^6A80$/, "データの内容が正しくありません"],
  [/^6A81$/, "カードが対応していない機能です"],
  [/^6A8[28]$/, "ファイルがありません"],
  [/^6A86$/, "パラメーターが正しくありません"],
  [/^6B/, "読み取り位置がファイルの範囲外です"],
  [/^6D/, "カードが対応していないコマンドです"],
  [/^6E/, "カードが対応していないコマンドの種類です"],
  [/^6F/, "カードが原因を示さずに失敗しました"],
];

const SYSTEM_ERRORS: ReadonlyMap<string, string> = new Map([
  ["EACCES", "権限がありません"],
  ["EPERM", "権限がありません"],
  ["ENOENT", "ファイルがありません"],
  ["EEXIST", "同じ名前のファイルがすでにあります"],
  ["EISDIR", "フォルダーです"],
  ["ENOTDIR", "途中にフォルダーではないものがあります"],
  ["ENOSPC", "ディスクに空きがありません"],
  ["EDQUOT", "ディスクの割り当て量を超えています"],
  ["EROFS", "読み取り専用のファイルシステムです"],
  ["ELOOP", "シンボリックリンクが循環しています"],
  ["ENAMETOOLONG", "名前が長すぎます"],
  ["EMFILE", "開いているファイルが多すぎます"],
  ["EIO", "ディスクの読み書きに失敗しました"],
  ["ECONNREFUSED", "接続が拒否されました"],
  ["ECONNRESET", "接続が切断されました"],
  ["EPIPE", "接続が切断されました"],
  ["ETIMEDOUT", "応答がありません"],
  ["ENOTFOUND", "ホスト名が見つかりません"],
  ["EAI_AGAIN", "ホスト名を調べられません"],
]);

/** `details.problem` of a file that is not as it should be. */
const FILE_PROBLEMS: ReadonlyMap<string, string> = new Map([
  ["folder", "フォルダーです"],
  ["not-a-folder", "フォルダーではありません"],
  ["no-plain-file", "通常のファイルではありません"],
  ["changed", "途中で変更されました"],
]);

/** What {@link JpkiError.message} begins with, in the errors of lib/: whose bytes they were. */
const ORIGINS: readonly (readonly [pattern: RegExp, origin: string])[] = [
  [
    /^(?:transmit|response APDU|READ BINARY|fetch an answer|sign|TLV|read a card's file|read the token)\b/,
    "カードの応答",
  ],
  [/^read the individual number\b/, "カードの個人番号"],
  [/^(?:read a certificate|SSH certificate)\b/, "証明書"],
  [/^read a CRL\b/, "失効リスト"],
  [/^read an OCSP response\b/, "OCSP 応答"],
  [/^(?:agent response|read a frame|read the agent's status)\b/, "エージェントの応答"],
  [/^read the virtual card\b/, "仮想カードのファイル"],
  [/^decode the photo\b/, "カードの顔写真"],
  [/^assuan\b/, "pinentry の応答"],
];

/** `6A82: ファイルがありません`; undefined where the error names no status word. */
export function statusWordReason({ statusWord }: ErrorDetails): string | undefined {
  if (typeof statusWord !== "string") return undefined;
  const [, meaning = "意味は不明です"] = STATUS_WORDS.find(([pattern]) => pattern.test(statusWord)) ?? [];
  return `${statusWord}: ${meaning}`;
}

/** Of the system error at the root of `error`; undefined where there is none, or none that is known. */
export function systemReason(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  const own = "code" in error && typeof error.code === "string" ? SYSTEM_ERRORS.get(error.code) : undefined;
  return own ?? systemReason(error.cause);
}

/** What is wrong with a file; undefined where the error does not tell. */
export function fileReason({ problem }: ErrorDetails): string | undefined {
  return typeof problem === "string" ? FILE_PROBLEMS.get(problem) : undefined;
}

/** Whose bytes were malformed or too large; undefined where the message does not tell. */
export function originOf({ message }: JpkiError): string | undefined {
  return ORIGINS.find(([pattern]) => pattern.test(message))?.[1];
}
