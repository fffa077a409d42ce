/** What `pin` says, in Japanese. */

import type { CountedPin } from "../../agent/main.ts";
import { printable } from "../../lib/printable.ts";
import type { PinTexts } from "./card-texts.ts";

const NAMES: Readonly<Record<CountedPin, string>> = {
  auth: "auth 利用者証明用（数字4桁）",
  sign: "sign 署名用（英大文字と数字、6〜16文字）",
  text: "text 券面事項入力補助用（数字4桁）",
  "text-a": "照合番号A 券面事項入力補助用（個人番号）",
  "text-b": "照合番号B 券面事項入力補助用（生年月日、有効期限の年、セキュリティコード）",
  "surface-a": "照合番号A 券面事項確認用",
  "surface-b": "照合番号B 券面事項確認用",
};

export const japanesePins: PinTexts = {
  card: (card, reader) => `${card || "スマートフォン"}（リーダー: ${printable(reader)}）`,
  state: ({ pin, state, triesLeft, maxTries }) => {
    switch (state) {
      case "usable":
        return `${NAMES[pin]}: 残り${triesLeft}回（最大${maxTries}回）`;
      case "blocked":
        return `${NAMES[pin]}: ロックされています。お住まいの市区町村窓口で再設定してください`;
      case "unknown":
        return `${NAMES[pin]}: 不明（カードから取得できません）`;
    }
  },
  changed: (pin) =>
    pin === "sign"
      ? "変更しました。英字は小文字で入力しても大文字として登録されます"
      : "変更しました" +
        (pin === "auth" ? "。記憶・保存していた暗証番号は消去しました（保存し直すには pin save）" : ""),
  saved: (card) =>
    `${card} の暗証番号をキーチェーンに保存しました（jpki-agent agent --pin-cache keychain で使われます）`,
  forgotten: (agents) => `暗証番号を消去したエージェント: ${agents}件`,
  erased: (count) => `キーチェーンから消去した暗証番号: ${count}件`,
  notErased: (reason) =>
    `古い暗証番号がキーチェーンに残っている可能性があります（${reason}）。jpki-agent pin forget を実行してください`,
};
