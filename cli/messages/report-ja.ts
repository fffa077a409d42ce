/** What `doctor --report` says, in Japanese. */

import type { ReportTexts } from "./doctor-texts.ts";

export const japaneseReport: ReportTexts = {
  intro:
    "このカードとリーダーの動作です。氏名、番号、証明書、製造番号は含みません。内容を確認のうえ、" +
    "jpki-agent の開発者に送ってください。",
  reader: "カードリーダー",
  times: "コマンドと所要時間",
  verdicts: { confirmed: "確認", refuted: "相違", "not-tried": "未確認" },
  steps: {
    verify: "暗証番号を1回照合し、その後のカードの応答を調べる",
    sign: "さらに、ゼロだけのデータに数回署名する（署名は捨てる）",
  },
  beliefs: {
    "first-command-6f00": "電源投入後、最初のコマンドに 6F00 を返す",
    "application-jpki": "公的個人認証APがある",
    "application-text": "券面事項入力補助APがある",
    "application-surface": "券面事項確認APがある",
    "application-juki": "住基APがある",
    "token-name": "EF 0006 が既知のトークン名で始まる",
    "token-160-bytes": "EF 0006 は160バイト",
    "presence-3-bytes": "EF 0008 は3バイト",
    "tries-query": "空の VERIFY で残り回数が分かる",
    "short-ef-pin": "空の VERIFY で短縮 EF 識別子を使える",
    "short-ef-read": "READ BINARY で短縮 EF 識別子を使える",
    "extended-le": "READ BINARY で拡張 Le を使える",
    "past-end-6b00": "ファイルの末尾より後の読み出しに 6B00 を返す",
    "auth-certificate-free": "利用者証明用電子証明書は暗証番号なしで読める",
    "sign-certificate-guarded": "署名用電子証明書は暗証番号がないと読めない",
    "ca-certificates-free": "CA 証明書は暗証番号なしで読める",
    "sign-guarded": "暗証番号なしの署名に 6982 を返す",
    "short-ef-sign": "COMPUTE DIGITAL SIGNATURE で短縮 EF 識別子を使える",
    "scheme-02": "P1 02（SHA-256 から DigestInfo を作る）に対応している",
    "scheme-03": "P1 03（カードがハッシュを計算する）に対応している",
    "scheme-04": "P1 04（RSASSA-PSS）に対応している",
    "query-after-verify": "照合後の空の VERIFY に 9000 を返す",
    "sign-256-bytes": "SHA-256 の DigestInfo への署名は256バイト",
    "sign-sha512": "SHA-512 の DigestInfo にも署名できる",
    "short-ef-same-signature": "短縮 EF 識別子でも署名は同じになる",
    "select-keeps-verified": "アプリケーションの SELECT 後も照合済みのまま",
    "power-clears-verified": "電源を切ると照合済みの状態が消える",
  },
};
