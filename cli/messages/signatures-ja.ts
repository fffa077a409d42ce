/** What `log` and a desktop notice say of a signature, in Japanese. */

import { printable } from "../../lib/printable.ts";
import type { SignatureEntry, SignatureResult } from "../../lib/signature-entry.ts";
import type { SignatureTexts } from "./messages.ts";

const RESULTS: Readonly<Record<SignatureResult, string>> = {
  signed: "署名",
  refused: "拒否",
  failed: "失敗",
  abandoned: "中断",
};

export const japaneseSignatures: SignatureTexts = {
  none: "署名の記録はまだありません",
  entry: (entry) =>
    [
      `${RESULTS[entry.result]}${entry.reason === undefined ? "" : `（${printable(entry.reason)}）`}: ${purpose(entry)}`,
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
