/** What `card` says, in Japanese. */

import type { CardTexts } from "./card-texts.ts";
import { japaneseCertificates } from "./certificates-ja.ts";

export const japaneseCard: CardTexts = {
  labels: {
    name: "氏名",
    address: "住所",
    birthDate: "生年月日",
    sex: "性別",
    expires: "有効期限",
    securityCode: "セキュリティコード",
    number: "個人番号",
    photo: "顔写真",
  },
  sexes: japaneseCertificates.sexes,
  date: japaneseCertificates.birthDate,
  image: (bytes) => `画像（${bytes} バイト。-o でファイルに保存できます）`,
  numberLaw:
    "番号法により、法律で定められた場合を除き、他人の個人番号（マイナンバー）を収集、保管、提供することは禁止されています。" +
    "本人が自分のカードを読み取ることはできますが、番号を人に渡すときは用途を確かめてください。",
  reading: "カードを読み取っています",
};
