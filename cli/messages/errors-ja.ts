/** Errors in Japanese, from their code and details; what only the English message holds is added in brackets. */

import { assertNever, type ErrorDetails, type JpkiError } from "../../lib/errors.ts";
import { named, text, withReason } from "./error-text-ja.ts";
import type { ErrorText } from "./messages.ts";
import { japanesePinError, pinStateWords } from "./pin-errors-ja.ts";
import { fileReason, originOf, statusWordReason, systemReason } from "./reasons-ja.ts";
import { japaneseUsage } from "./usage-ja.ts";

/** The Japanese words for `error`. Its own (English) hint stands where it says more than the code does. */
export function japaneseError(error: JpkiError): ErrorText {
  const { message, hint } = japaneseWords(error);
  return { message: `${message}${pinStateWords(error.details)}`, hint };
}

function japaneseWords(error: JpkiError): ErrorText {
  const { details, hint } = error;
  switch (error.code) {
    case "PCSC_UNAVAILABLE":
      if (details["problem"] === "silent")
        return text(
          "PC/SC（スマートカードサービス）が応答しません",
          "リーダーを抜くか、サービスを再起動してください（sudo systemctl restart pcscd）",
        );
      if (details["problem"] === "no-answer")
        return text(
          `カード${named(details, "reader")}が応答しません`,
          "カードを置き直してください。それでも応答しない場合は、リーダーを差し直してください",
        );
      return details["binding"] === undefined
        ? text("PC/SC（スマートカードサービス）を利用できません", pcscHint(details))
        : withReason("PC/SC（スマートカードサービス）を利用できません", error, pcscHint(details));
    case "READER_ABSENT":
      return readerAbsent(details);
    case "CARD_ABSENT":
      return cardAbsent(details);
    case "CARD_BUSY":
      return text(
        `ほかのプログラムがカード${named(details, "reader")}を使用中です`,
        "そのプログラムを終了してから、もう一度実行してください",
      );
    case "CARD_RESET":
      return text("処理の途中でカードが外されたか、リセットされました", "カードを置き直して、もう一度実行してください");
    case "CARD_STATUS":
      if (details["problem"] === "no-application")
        return text(
          "このカードには、その記録を扱うアプリケーションがありません",
          "スマートフォンにあるのは電子証明書だけです。マイナンバーカードそのものをリーダーに置いてください",
        );
      if (details["problem"] === "not-opened")
        return text(
          "入力は正しいものでしたが、このカードではその記録を読み取れませんでした",
          "別の --with を指定してください",
        );
      return withReason("カードが想定外の応答を返しました", error, hint, statusWordReason(details));
    case "NOT_JPKI":
      return text("リーダーのカードは公的個人認証（JPKI）のカードではありません", "マイナンバーカードを置いてください");
    case "PIN_FORMAT":
    case "PIN_WRONG":
    case "PIN_BLOCKED":
    case "PIN_CANCELLED":
    case "PIN_PROTECTED":
    case "PIN_NO_PROMPT":
    case "KEYCHAIN_UNAVAILABLE":
      return japanesePinError(error.code, error);
    case "KEY_UNKNOWN":
      if (details["problem"] === "no-known-key")
        return text(
          "カードの鍵がまだ登録されていないため、設定を書き込めません",
          "カードをリーダーに置いて jpki-agent export-key を実行してください",
        );
      if (details["problem"] === "no-certificate")
        return text(
          `カードに電子証明書がありません（${details["certificate"]}）`,
          "15歳未満の方のカードなど、署名用電子証明書のないカードがあります",
        );
      return withReason("該当する鍵がありません", error, hint);
    case "ALGORITHM_UNSUPPORTED":
      return withReason("対応していない署名方式です", error, hint);
    case "POLICY_REFUSED":
      if (details["problem"] === "number-unasked")
        return text(
          "個人番号は --i-may がなければ読み取りません",
          "番号法により、他人の個人番号の収集は制限されています。自分のカードか、法律で認められている場合だけ --i-may を付けてください",
        );
      if (details["problem"] === "login-data")
        return withReason(
          "このファイルは文書ではなく、ログインに使われるデータです",
          error,
          "この署名を得た人は、あなたとしてログインできます。--format cms か --key sign を使ってください",
        );
      if (details["problem"] === "attributes-data")
        return withReason(
          "このファイルは文書ではなく、CMS 署名の署名属性です",
          error,
          "この署名を得た人は、別の文書への署名に作り変えられます。--format cms を使ってください",
        );
      return withReason("この署名要求は拒否されました", error, hint);
    case "MALFORMED":
      if (details["problem"] === "not-a-certificate")
        return text(`PEM または DER の証明書として読み取れません: ${details["path"]}`, undefined);
      return malformed(error, "形式が正しくありません");
    case "TOO_LARGE":
      return malformed(error, "大きさが上限を超えています");
    case "SOCKET_IN_USE":
      return text(
        `ソケット${named(details, "path")}は、動作中の別のプログラムが使っています`,
        "エージェントならそれを使うか（SSH_AUTH_SOCK）、そのプログラムを終了するか、-a（PKCS#11 では --pkcs11-socket）で別のパスを指定してください",
      );
    case "SOCKET_UNSAFE":
      return socketUnsafe(error);
    case "CONFIG_INVALID":
      return japaneseUsage(error);
    case "IO_FAILED":
      if (details["problem"] === "no-image")
        return text(`カードにその画像がありません（${details["item"]}）`, undefined);
      return ioFailed(error);
    default:
      return assertNever(error.code);
  }
}

function pcscHint({ binding, refused }: ErrorDetails): string {
  if (refused === true)
    return "polkit が画面の前にいるユーザー以外のスマートカード利用を拒否しています。追加する規則は jpki-agent doctor が表示します";
  if (binding === "pcsc-mini") return "Debian では apt install libpcsclite1 のあと npm ci を実行してください";
  if (binding === "pcsclite")
    return "Debian では apt install libpcsclite-dev build-essential python3 のあと npm ci を実行してください";
  return (
    "PC/SC サービスを起動してください（Debian では apt install pcscd のあと systemctl start pcscd.socket）。" +
    "起動している場合は、このユーザーの利用が polkit で許可されているか確認してください"
  );
}

function readerAbsent({ reader, readers }: ErrorDetails): ErrorText {
  if (typeof reader === "string" && Array.isArray(readers))
    return text(`カードリーダー「${reader}」が見つかりません`, `接続されているリーダー: ${readers.join(", ")}`);
  return text(
    "カードリーダーが見つかりません",
    "リーダーを接続してください。接続済みならドライバーが必要です（Debian では apt install libccid）",
  );
}

function cardAbsent(details: ErrorDetails): ErrorText {
  const { card } = details;
  if (typeof card === "string")
    return text(`この鍵のカード（${card}）がリーダーにありません`, "そのカードを置いて、もう一度実行してください");
  return text(
    `カードリーダー${named(details, "reader")}にカードがありません`,
    "マイナンバーカードをカードリーダーに置いてください",
  );
}

function socketUnsafe(error: JpkiError): ErrorText {
  const { details } = error;
  const fact = socketFact(details);
  if (fact === undefined) return withReason("このソケットのパスは使えません", error, error.hint);
  const hint =
    details["problem"] === "too-long"
      ? "-a（PKCS#11 では --pkcs11-socket）で短いパスを指定してください"
      : "自分だけが書き込めるフォルダーのパスを -a（PKCS#11 では --pkcs11-socket）で指定してください";
  return text(`ソケットのパス${named(details, "path")}は使えません（${fact}）`, hint);
}

function socketFact({ problem, pathBytes, maxBytes }: ErrorDetails): string | undefined {
  switch (problem) {
    case "too-long":
      return `長さ ${pathBytes} バイト、上限 ${maxBytes} バイト`;
    case "not-a-folder":
      return "親がフォルダーではありません";
    case "other-owner":
      return "フォルダーの所有者が別のユーザーです";
    case "open-folder":
      return "フォルダーにほかのユーザーが書き込めます";
    case "not-a-socket":
      return "ソケットではないものがあるため、手を付けていません";
    default:
      return undefined;
  }
}

function malformed(error: JpkiError, what: string): ErrorText {
  const origin = originOf(error);
  if (origin === undefined) return withReason(`データの${what}`, error, error.hint);
  return text(`${origin}の${what}`, error.hint);
}

function ioFailed(error: JpkiError): ErrorText {
  const { path, url } = error.details;
  const reason = fileReason(error.details) ?? systemReason(error);
  if (reason === undefined) return withReason("ファイルを読み書きできません", error, error.hint);
  const name = [url, path].find((place) => typeof place === "string");
  if (name === undefined) return withReason("ファイルを読み書きできません", error, error.hint, reason);
  return text(`${name} を${url === undefined ? "読み書きできません" : "取得できません"}（${reason}）`, error.hint);
}
