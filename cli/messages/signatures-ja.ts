/** What `log` and a desktop notice say of a signature, in Japanese. */

import { printable } from "../../lib/printable.ts";
import type { SignatureEntry, SignatureResult } from "../../lib/signature-entry.ts";
import type { SignatureTexts } from "./agent-texts.ts";

const RESULTS: Readonly<Record<SignatureResult, string>> = {
  signed: "署名",
  refused: "拒否",
  failed: "失敗",
  abandoned: "中断",
};

/** Of the usual reasons: an error code, or why the policy refused; the others stand as they are. */
const REASONS: ReadonlyMap<string, string> = new Map(
  Object.entries({
    PCSC_UNAVAILABLE: "PC/SC を利用できません",
    READER_ABSENT: "リーダーがありません",
    CARD_ABSENT: "カードがリーダーにありませんでした",
    CARD_BUSY: "ほかのプログラムがカードを使用していました",
    CARD_RESET: "カードが外されました",
    CARD_STATUS: "カードが想定外の応答を返しました",
    PIN_FORMAT: "入力が暗証番号の形式ではありません",
    PIN_WRONG: "暗証番号が違いました",
    PIN_BLOCKED: "暗証番号がロックされています",
    PIN_CANCELLED: "暗証番号の入力が取り消されました",
    PIN_NO_PROMPT: "暗証番号を入力する手段がありませんでした",
    forwarded: "許可されていない転送エージェントからの要求です",
    "not-confirmed": "確認が得られませんでした",
    sha1: "SHA-1 は許可されていません",
    "unknown-data": "データの形式が不明です",
    "login-time": "ログインの有効時間が終わっていました",
    "login-signatures": "ログインの署名回数の上限に達していました",
    destination: "この鍵には別のホストが指定されています",
    "key-removed": "鍵は取り除かれています",
  }),
);

export const japaneseSignatures: SignatureTexts = {
  none: "署名の記録はまだありません",
  entry: (entry) =>
    [
      `${RESULTS[entry.result]}${entry.reason === undefined ? "" : `（${reasonOf(entry.reason)}）`}: ${purpose(entry)}`,
      ...(entry.program === undefined ? [] : [`要求元: ${printable(entry.program)}`]),
      ...(entry.hostKey === undefined ? [] : [`ホスト鍵: ${printable(entry.hostKey)}`]),
      printable(entry.comment),
    ].join("、"),
  notice: (entry) => ({
    title: "マイナンバーカードで署名しました",
    body: [
      purpose(entry),
      ...(entry.program === undefined ? [] : [`要求元のプログラム: ${printable(entry.program)}`]),
    ].join("\n"),
  }),
};

function purpose({ data, user, namespace, mechanism, hosts = [], forwarded }: SignatureEntry): string {
  const from = forwarded ? "（転送されたエージェント経由）" : "";
  switch (data) {
    case "userauth": {
      const name = printable(user ?? "");
      const host = hosts.length > 0 ? printable(hosts.join(", ")) : undefined;
      return `${host === undefined ? `ユーザー ${name} での SSH ログイン` : `${host} への ${name} での SSH ログイン`}${from}`;
    }
    case "sshsig":
      return `${namespace === "git" ? "git のコミットまたはタグへの署名" : `SSH 署名（${printable(namespace ?? "")}）`}${from}`;
    case "pkcs11":
      return `PKCS#11（${printable(mechanism ?? "")}）`;
    case "pkcs11-sign":
      return `PKCS#11、署名用の鍵（${printable(mechanism ?? "")}）`;
    case "document":
      return "文書への署名（署名用の鍵）";
    case "document-auth":
      return "文書への署名（利用者証明用の鍵）";
    default:
      return `その他のデータ（${printable(data)}）${from}`;
  }
}

/** `PIN_CANCELLED、暗証番号の入力が取り消されました`. */
function reasonOf(reason: string): string {
  const words = REASONS.get(reason);
  return words === undefined ? printable(reason) : `${reason}、${words}`;
}
