/** What `cert` and `verify-cert` say, in Japanese. */

import type { Era } from "../../lib/japanese-era.ts";
import { printable } from "../../lib/printable.ts";
import type { Check, CheckName, CheckResult, FindingDetails, Reason } from "../../lib/x509/checks.ts";
import { type BirthDate, eraYear } from "../../lib/x509/holder.ts";
import type { CertificateTexts } from "./certificate-texts.ts";
import { isoDate } from "./dates.ts";
import { DOCUMENT_CHECKS, DOCUMENT_WORDS } from "./documents-ja.ts";

export const japaneseCertificates: CertificateTexts = {
  disclosure:
    "署名用電子証明書には、氏名、住所、生年月日、性別が記載されています。署名用パスワードでカードから読み出し、" +
    "これから表示または保存します。写しを渡した相手には、そのすべてが伝わります。",
  disclosureToVerify:
    "署名用電子証明書には、氏名、住所、生年月日、性別が記載されています。署名用パスワードでカードから読み出し、" +
    "このコンピューターで検証します。これらは表示せず、サーバーにはシリアル番号のほか何も送りません。",
  revocationLaw:
    "注意: JPKI の失効情報は、主務大臣の認定を受けた署名検証者などにのみ提供されます。他人の電子証明書の失効確認を業として行うには、この認定が必要です。",
  labels: {
    subject: "主体者",
    issuer: "発行者",
    serial: "シリアル番号",
    notBefore: "有効期間の開始",
    notAfter: "有効期間の満了",
    key: "公開鍵",
    keyUsage: "鍵用途",
    extendedKeyUsage: "拡張鍵用途",
    policies: "証明書ポリシー",
    pinned: "JPKI の既知の認証局",
    name: "氏名",
    nameSubstitutes: "氏名の代替文字",
    birthDate: "生年月日",
    sex: "性別",
    address: "住所",
    addressSubstitutes: "住所の代替文字",
  },
  validity: ({ kind, daysLeft }) => {
    if (kind === "expired") return "（期限切れ）";
    return kind === "not-yet-valid" ? "（まだ有効ではありません）" : `（残り${daysLeft}日）`;
  },
  pinned: (generation) => (generation === undefined ? "いいえ" : `はい（第${generation}世代）`),
  sexes: { male: "男", female: "女", unknown: "不明" },
  birthDate,
  check: ({ check, result, reason, details }: Check) =>
    `${NAMES[check]}: ${RESULTS[result]}（${printable(WORDS[reason](details), MAX_SHOWN)}）`,
  verdicts: {
    valid: "この証明書は有効です。",
    "valid-so-far": "この証明書は有効です（失効しているかどうかは確認していません）。",
    "not-valid": "この証明書は有効ではないか、有効であることを確認できませんでした。",
  },
};

const MAX_SHOWN = 500;
const ERAS: Readonly<Record<Era, string>> = {
  meiji: "明治",
  taisho: "大正",
  showa: "昭和",
  heisei: "平成",
  reiwa: "令和",
};

/** `1990年4月1日（平成2年）`. */
function birthDate(date: BirthDate): string {
  const { year, month, day, era, raw } = date;
  if (year === undefined && month === undefined && day === undefined) return `不明（${raw}）`;
  const text = `${year ?? "？"}年${month ?? "？"}月${day ?? "？"}日`;
  const inEra = eraYear(date);
  if (era === undefined) return text;
  return inEra === undefined ? `${text}（${ERAS[era]}）` : `${text}（${ERAS[era]}${inEra === 1 ? "元" : inEra}年）`;
}

const NAMES: Readonly<Record<CheckName, string>> = {
  ...DOCUMENT_CHECKS,
  chain: "発行元",
  dates: "有効期間",
  "key-usage": "鍵用途",
  purpose: "目的",
  revocation: "失効",
  crl: "失効リスト",
  ocsp: "OCSP",
  stapled: "ファイルの OCSP 応答",
};

const RESULTS: Readonly<Record<CheckResult, string>> = { good: "正常", bad: "異常", "not-checked": "未確認" };

const WORDS: Readonly<Record<Reason, (details: FindingDetails) => string>> = {
  ...DOCUMENT_WORDS,
  "pinned-ca": ({ ca, generation }) => `JPKI の第${generation}世代の認証局が署名しています: ${ca}`,
  "named-ca": ({ ca, sha256 }) => `--ca で指定された認証局が署名しています: ${ca}、SHA-256 ${sha256}`,
  "other-purpose-ca": ({ ca }) => `別の種類の証明書のための JPKI 認証局が署名しています: ${ca}`,
  "untrusted-ca": ({ ca, sha256 }) =>
    `既知の JPKI 認証局でも --ca の認証局でもない認証局が署名しています: ${ca}、SHA-256 ${sha256}`,
  "no-issuer": ({ issuer }) => `手元の認証局はどれも署名していません。発行者は ${issuer}`,
  "not-a-ca": () => "署名した鍵は、証明書への署名に使えない鍵です",
  "weak-signature": () =>
    "ここでは認められない方式で署名されています（認めるのは SHA-2 と RSA の PKCS #1 v1.5、または ECDSA）",
  "unknown-critical": ({ extensions }) => `このプログラムが対応していない重要な拡張があります: ${extensions}`,
  "no-ca-given": () => "認証局の証明書がありません。--ca で指定してください",
  "in-force": ({ until, daysLeft }) => `${isoDate(until)} まで、残り${daysLeft}日`,
  expired: ({ until }) => `${isoDate(until)} に期限が切れました`,
  "not-yet-valid": ({ from }) => `${isoDate(from)} より前は無効です。このコンピューターの時計を確認してください`,
  "ca-expired": ({ until }) => `認証局の証明書の期限が ${isoDate(until)} に切れました`,
  "ca-not-yet-valid": ({ from }) => `認証局の証明書は ${isoDate(from)} より前は無効です`,
  "usage-fits": ({ usage }) => `${usage}`,
  "usage-missing": ({ missing }) => `次の用途がありません: ${missing}`,
  "purpose-fits": ({ purpose }) => (purpose === "auth" ? "利用者証明用" : "署名用"),
  "purpose-differs": ({ purpose }) => `${purpose === "auth" ? "利用者証明用" : "署名用"}の証明書ではありません`,
  "not-asked": () =>
    "個人が使える公開の確認手段はありません。JPKI の失効情報は認定を受けた検証者にのみ提供されます。手元に情報があれば --crl、--ocsp、--stapled で指定できます",
  "not-revoked": ({ until }) =>
    until === undefined ? "失効していません" : `失効していません。${isoDate(until)} まで有効な情報`,
  revoked: ({ since, reason }) => `${since === undefined ? "" : `${isoDate(since)} に`}失効しています: ${reason}`,
  "no-issuer-known": () => "認証局の証明書がないため、回答が本物か確認できません",
  "no-answer": ({ error }) => `回答を得られませんでした: ${error}`,
  unreadable: ({ error }) => `読み取れません: ${error}`,
  "wrong-signer": () => "証明書の認証局、またはその認証局が認めたレスポンダーの署名ではありません",
  "other-issuer": () => "別の認証局の失効リストです",
  "other-certificate": () => "別の証明書についての回答です",
  "other-scope": () => "この種類の証明書、またはこの地域のための失効リストではありません",
  unsupported: ({ what }) => `このプログラムが対応していない重要な拡張があります: ${what}`,
  stale: ({ until }) => `${isoDate(until)} までの古い情報です`,
  "from-the-future": () => "未来の日時の情報です。このコンピューターの時計を確認してください",
  "no-end": ({ from }) => `${isoDate(from)} の情報で、いつまで有効か示されていません`,
  "nonce-missing": () => "回答に問い合わせのノンスがなく、古い回答の可能性があります",
  "nonce-differs": () => "別の問い合わせへの回答です",
  "responder-refused": ({ status }) => `レスポンダーが回答しませんでした: ${status}`,
  "responder-does-not-know": () => "レスポンダーはこの証明書を知りません",
};
