/** What `status` and `release` say, in Japanese. */

import type { ChosenPinName } from "../../lib/pin/pin.ts";
import type { StatusTexts } from "./agent-texts.ts";

const PIN_NAMES: Readonly<Record<ChosenPinName, string>> = {
  auth: "利用者証明用",
  sign: "署名用",
  text: "券面事項入力補助用",
};
const OFFICE = "ロック中（市区町村窓口での再設定が必要）";

export const japaneseStatus: StatusTexts = {
  agentRunning: (pid, version, uptimeSeconds) =>
    `エージェント: 動作中（プロセス ${pid}、バージョン ${version}、起動から${duration(uptimeSeconds)}）`,
  agentLocked: "エージェント: ロック中（ssh-add -X で解除してください）",
  agentAbsent: "エージェント: 動作していません（jpki-agent agent で起動してください）",
  agentSilent: "エージェント: 応答がありません",
  socket: (path) => `ソケット: ${path}`,
  pcsc: (binding) => (binding === undefined ? "PC/SC: 使用していません（仮想カード）" : `PC/SC: 正常（${binding}）`),
  pcscFault: "PC/SC: 利用できません",
  noReader: "カードリーダー: なし（リーダーを接続してください）",
  reader: (name, state) => `カードリーダー: ${name}（${READER_STATES[state]}）`,
  noCard: "カード: リーダーにありません",
  card: (state, name, reader) => {
    switch (state) {
      case "ready":
        return `カード: ${name}（${reader}）`;
      case "hidden":
        return `カード: 未確認のスマートフォン（${reader}）。jpki-agent export-key で暗証番号を入力すると鍵が分かります`;
      case "away":
        return `カード: ${name}（リーダーにありません）`;
      case "not-jpki":
        return `カード: ${reader} のカードはマイナンバーカードではありません`;
      case "unreadable":
        return `カード: ${reader} の${name ?? "カード"}を読み取れません`;
    }
  },
  key: (fingerprint) => `鍵: ${fingerprint}`,
  triesLeft: (tries) => {
    const told = PINS.flatMap((pin) => {
      const left = tries[pin];
      return left === undefined
        ? []
        : [`${PIN_NAMES[pin]} ${left === 0 ? OFFICE : `${left}回${left === 1 ? "（最後）" : ""}`}`];
    });
    return `暗証番号の残り回数: ${told.length > 0 ? told.join("、") : "不明（カードから取得できません）"}`;
  },
  certificate: ({ kind, daysLeft }, date) => {
    switch (kind) {
      case "valid":
        return `証明書の有効期限: ${date}（残り${daysLeft}日）`;
      case "renewable":
        return `証明書の有効期限: ${date}（残り${daysLeft}日）。市区町村窓口で更新できます。更新すると鍵も変わります`;
      case "expired":
        return `証明書の有効期限: ${date} に切れています。市区町村窓口で更新してください。更新すると鍵も変わります`;
      case "not-yet-valid":
        return `証明書の有効期限: ${date}（有効期間がまだ始まっていません。このコンピューターの時計を確認してください）`;
    }
  },
  pinRemembered: (remembered) => `暗証番号の記憶: ${remembered ? "あり" : "なし"}`,
  pkcs11Socket: (path) => `PKCS#11 のソケット: ${path}`,
  pkcs11Login: ({ program, key, card, signatures, maxSignatures, endsInSeconds }) =>
    `PKCS#11 のログイン: ${program ?? "不明なプログラム"}、${card}${key === "sign" ? "（署名用の鍵）" : ""}、` +
    `署名 ${signatures}/${maxSignatures}回、残り${duration(endsInSeconds)}`,
  lastRefusal: (time, entry) => `最後の失敗: ${time}  ${entry}`,
  released: "カードを解放しました",
  nothingToRelease: "エージェントが動作していないため、カードは使われていません",
};

const PINS = ["auth", "sign", "text"] as const;
const READER_STATES = { empty: "カードなし", present: "カードあり", mute: "カードが応答しません" } as const;

function duration(seconds: number): string {
  const minutes = Math.floor(seconds / 60);
  const hours = Math.floor(minutes / 60);
  const days = Math.floor(hours / 24);
  if (days > 0) return `${days}日${hours % 24}時間`;
  if (hours > 0) return `${hours}時間${minutes % 60}分`;
  return minutes > 0 ? `${minutes}分` : `${seconds}秒`;
}
