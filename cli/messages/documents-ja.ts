/** What `sign` and `verify` say, in Japanese. */

import type { FindingDetails } from "../../lib/x509/checks.ts";
import type { DocumentCheckName, DocumentReason, DocumentTexts } from "./document-texts.ts";

export const japaneseDocuments: DocumentTexts = {
  disclosure:
    "署名には、氏名、住所、生年月日、性別が記載された署名用電子証明書が含まれます。署名を渡した相手には、そのすべてが伝わります。" +
    "次に署名用パスワードを尋ねます。やめる場合は、そこで取り消してください。",
  disclosureRaw:
    "署名そのものに個人の情報は含まれませんが、検証する相手には署名用電子証明書（氏名、住所、生年月日、性別を記載。jpki-agent cert sign）" +
    "も必要です。次に署名用パスワードを尋ねます。",
  rawAuthWarning:
    "警告: 利用者証明用の鍵による raw 形式の署名は、サーバーがログインとして受け取るものと同じです。自分で作成した、内容の分かるファイルだけに署名してください。",
  hashing: (name) => `${name} のハッシュを計算中`,
  writing: (name) => `${name} を書き込み中`,
  standardInput: "標準入力",
  signer: "署名者",
  signerName: "氏名",
  signingTime: "署名日時（署名者の申告）",
  verdicts: {
    valid: "この署名は有効です。",
    "valid-so-far": "この署名は有効です（証明書が失効しているかどうかは確認していません）。",
    "not-valid": "この署名は有効ではないか、有効であることを確認できませんでした。",
  },
};

export const DOCUMENT_CHECKS: Readonly<Record<DocumentCheckName, string>> = {
  form: "形式",
  "content-type": "内容の種類",
  content: "内容",
  signature: "署名",
  "signing-certificate": "署名された証明書",
  "signing-time": "署名日時",
  "unsigned-attributes": "署名されていない属性",
};

export const DOCUMENT_WORDS: Readonly<Record<DocumentReason, (details: FindingDetails) => string>> = {
  "one-signature": ({ kind }) => (kind === "raw" ? "raw 形式の RSA 署名" : "CMS、署名者は1人"),
  "not-one-signer": ({ signers }) => `署名者が${signers}人います。1人でなければなりません`,
  malformed: ({ error }) => `読み取れません: ${error}`,
  "content-type-fits": () => "署名されたものと同じです",
  "content-type-differs": () => "署名されたものと異なります",
  "content-fits": ({ hash }) => `署名後に変更されていません（${hash}）`,
  "content-differs": () => "署名された内容と異なります",
  "content-is-attributes": () => "署名された文書ではなく、CMS 署名の署名属性です",
  signed: () => "署名者の証明書の鍵で作成されています",
  "signature-wrong": () => "署名者の証明書の鍵がこの内容に対して作成したものではありません",
  "no-signer-certificate": () => "署名者の証明書がありません。--cert には署名者本人の証明書を指定してください",
  "unsupported-algorithm": ({ algorithm }) => `このプログラムが検証しない方式です: ${algorithm}`,
  "certificate-bound": () => "署名者が指定した証明書です",
  "other-certificate-bound": () => "署名者が指定したのは別の証明書です",
  "signed-in-force": ({ time }) => `${time}、証明書の有効期間内（署名者の申告）`,
  "signed-out-of-force": ({ time }) => `${time}、証明書の有効期間外`,
  "signed-in-the-future": ({ time }) => `${time} は未来の日時です。このコンピューターの時計を確認してください`,
  "unsigned-attributes": ({ attributes }) => `タイムスタンプや副署は検証しません: ${attributes}`,
};
