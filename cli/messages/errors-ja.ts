/** Errors in Japanese, from their code and details; what only the English message holds is added in brackets. */

import { assertNever, type ErrorDetails, type JpkiError } from "../../lib/errors.ts";
import type { ErrorText } from "./messages.ts";
import { fileReason, originOf, statusWordReason, systemReason } from "./reasons-ja.ts";
import { japaneseUsage } from "./usage-ja.ts";

/** The Japanese words for `error`. Its own (English) hint stands where it says more than the code does. */
export function japaneseError(error: JpkiError): ErrorText {
  const { message, hint } = japaneseWords(error);
  return { message: `${message}${pinStateWords(error.details)}`, hint };
}

/** After a change of a PIN that failed: which value the card has. */
function pinStateWords({ pinState }: ErrorDetails): string {
  if (pinState === undefined) return "";
  return pinState === "old"
    ? "。暗証番号は変更前のままです"
    : "。暗証番号は変更前・変更後のどちらかです。残り回数を確かめ（pin status）、まず新しい方を試してください";
}

function japaneseWords(error: JpkiError): ErrorText {
  const { details, hint } = error;
  switch (error.code) {
    case "PCSC_UNAVAILABLE":
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
      return text(pinProblem(details), "カードには送っていないため、残り回数は減っていません");
    case "PIN_WRONG":
      if (details["problem"] === "same-again")
        return text(
          `先ほど違っていた${pinNoun(details)}と同じため、カードには送りませんでした${tries(details)}`,
          "正しいものを確かめてから、もう一度実行してください（代わりに入力するプログラムの設定も確かめてください）",
        );
      return text(
        `${pinNoun(details)}が違います${tries(details)}`,
        "残り回数がなくなると、市区町村窓口での再設定が必要です",
      );
    case "PIN_BLOCKED":
      return text(
        `${pinNoun(details)}がロックされています`,
        "お住まいの市区町村窓口（または専用アプリとコンビニの端末）で再設定してください",
      );
    case "PIN_CANCELLED":
      return text("暗証番号の入力が取り消されました", undefined);
    case "PIN_PROTECTED":
      return text(
        `暗証番号がロックされるおそれがあるため、カードには送りませんでした${tries(details)}`,
        "pin change では --force を付けると続行できます。ssh-add -s の代わりに、暗証番号の入力画面からログインしてください",
      );
    case "KEYCHAIN_UNAVAILABLE":
      return noKeychain(error);
    case "PIN_NO_PROMPT":
      return noPrompt(error);
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
      return withReason("この署名要求は拒否されました", error, hint);
    case "MALFORMED":
      if (details["problem"] === "not-a-certificate")
        return text(`PEM または DER の証明書として読み取れません: ${details["path"]}`, undefined);
      return malformed(error, "形式が正しくありません");
    case "TOO_LARGE":
      return malformed(error, "大きさが上限を超えています");
    case "SOCKET_IN_USE":
      return text(
        `ソケット${named(details, "path")}は、動作中の別のエージェントが使っています`,
        "そのエージェントを終了するか、-a（PKCS#11 では --pkcs11-socket）で別のパスを指定してください",
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

function noKeychain(error: JpkiError): ErrorText {
  switch (error.details["problem"]) {
    case "timeout":
      return text("OS のキーチェーンから応答がありません", "ロックを解除して、もう一度実行してください");
    case "no-keytar":
      return text(
        "OS のキーチェーンを利用できません（keytar がありません）",
        "npm install keytar を実行してください（Debian では先に apt install libsecret-1-dev build-essential python3）",
      );
    case "refused":
      return text(
        "OS のキーチェーンを利用できません（拒否されました）",
        "キーチェーンを起動し、ロックを解除してください（GNOME では gnome-keyring-daemon --start。D-Bus セッションも必要です）",
      );
    default:
      return withReason("OS のキーチェーンを利用できません", error, error.hint);
  }
}

const SET_ASKPASS = "SSH_ASKPASS に入力用プログラムを設定するか、--pin-prompt tty で端末から入力してください";

/** What lib/pin/select-prompt.ts finds, but for "no-display", which names variables: the reason and the mend. */
const PROMPT_PROBLEMS: ReadonlyMap<string, readonly [string, string]> = new Map([
  ["turned-off", ["--pin-prompt none が指定されています", "ほかの --pin-prompt を指定してください"]],
  ["forced-without-askpass", ["SSH_ASKPASS_REQUIRE=force ですが SSH_ASKPASS がありません", SET_ASKPASS]],
  ["no-terminal", ["端末がありません", "端末のフォアグラウンドで起動してください"]],
  [
    "no-pinentry",
    [
      "PATH に pinentry がありません",
      "pinentry をインストールする（Debian では apt install pinentry-gnome3）か、--pinentry で指定してください",
    ],
  ],
  ["askpass-never", ["SSH_ASKPASS_REQUIRE=never が設定されています", "SSH_ASKPASS_REQUIRE を解除してください"]],
  ["no-askpass", ["入力用プログラム（askpass）がありません", SET_ASKPASS]],
  [
    "no-program",
    [
      "pinentry も askpass も端末もありません",
      "pinentry をインストールする（Debian では apt install pinentry-gnome3）か、SSH_ASKPASS に入力用プログラムを設定してください",
    ],
  ],
]);

function noPrompt(error: JpkiError): ErrorText {
  const { missing, problem } = error.details;
  const known = typeof problem === "string" ? PROMPT_PROBLEMS.get(problem) : undefined;
  if (known !== undefined) return text(`暗証番号の入力画面を表示できません（${known[0]}）`, known[1]);
  if (!Array.isArray(missing)) return withReason("暗証番号の入力画面を表示できません", error, error.hint);
  return text(
    `暗証番号の入力画面を表示できません（環境変数 ${missing.join("、")} がなく、端末もありません）`,
    `systemd のユーザーサービスでは systemctl --user import-environment ${missing.join(" ")} XAUTHORITY のあと ` +
      "systemctl --user restart jpki-agent.service を実行してください",
  );
}

function text(message: string, hint: string | undefined): ErrorText {
  return { message, hint };
}

/** @param reason in Japanese; else the English message is the reason. */
function withReason(message: string, error: JpkiError, hint: string | undefined, reason = error.message): ErrorText {
  return { message: `${message}（${reason}）`, hint };
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

/** ` NAME ` between Japanese words, or nothing where the error does not say. */
function named(details: ErrorDetails, key: string): string {
  const name = details[key];
  return typeof name === "string" ? ` ${name} ` : "";
}

/** What is wrong with a PIN that was not sent; the four problems are those of a new value. */
function pinProblem({ problem }: ErrorDetails): string {
  switch (problem) {
    case "no-such-pin":
      return "このカードにはその暗証番号がありません";
    case "not-mixed":
      return "新しい暗証番号には英字と数字の両方が必要です";
    case "not-new":
      return "新しい暗証番号が現在のものと同じです";
    case "entries-differ":
      return "2回入力された新しい暗証番号が一致しません";
    default:
      return "暗証番号の形式が違います";
  }
}

/** 照合番号 are printed on the card, not chosen. */
function pinNoun({ pin }: ErrorDetails): string {
  return pin === "code-a" || pin === "code-b" ? "照合番号" : "暗証番号";
}

function tries(details: ErrorDetails): string {
  const { triesLeft } = details;
  return typeof triesLeft === "number" ? `（残り回数: ${triesLeft}回）` : "";
}
