/** Errors around a PIN in Japanese: asked for, refused by the card, kept in the keychain, changed. */

import { assertNever, type ErrorCode, type ErrorDetails, type JpkiError } from "../../lib/errors.ts";
import { text, withReason } from "./error-text-ja.ts";
import type { ErrorText } from "./messages.ts";

type PinErrorCode = Extract<ErrorCode, `PIN_${string}` | "KEYCHAIN_UNAVAILABLE">;

/** The Japanese words for `error`, whose code is `code`. */
export function japanesePinError(code: PinErrorCode, error: JpkiError): ErrorText {
  const { details } = error;
  switch (code) {
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
    default:
      return assertNever(code);
  }
}

/** After a change of a PIN that failed: which value the card has. */
export function pinStateWords({ pinState }: ErrorDetails): string {
  if (pinState === undefined) return "";
  return pinState === "old"
    ? "。暗証番号は変更前のままです"
    : "。暗証番号は変更前・変更後のどちらかです。残り回数を確かめ（pin status）、まず新しい方を試してください";
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
