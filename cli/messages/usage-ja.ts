/** Mistakes on the command line and in the configuration file, in Japanese, from `details` of the error. */

import type { ErrorDetails, JpkiError } from "../../lib/errors.ts";
import type { ErrorText } from "./messages.ts";

/** The Japanese words for a `CONFIG_INVALID`. */
export function japaneseUsage({ details, message, hint }: JpkiError): ErrorText {
  const words = usageWords(details);
  if (words === undefined) return { message: `オプションまたは設定に誤りがあります（${message}）`, hint };
  const { help } = details;
  return { message: help === undefined ? words : `${words}。詳しくは ${help} を実行してください`, hint };
}

function usageWords(details: ErrorDetails): string | undefined {
  const { problem, subject, suggestion, value, expected, file, key, reason } = details;
  const meant = suggestion === undefined ? "" : `（もしかして: ${suggestion}）`;
  switch (problem) {
    case "unknown-option":
      return `不明なオプションです: ${subject}${meant}`;
    case "unknown-command":
      return `不明なコマンドです: ${subject}${meant}`;
    case "missing-value":
      return `オプション ${subject} には値が必要です`;
    case "too-many-arguments":
      return `コマンド ${subject} の引数が多すぎます`;
    case "no-command":
      return "コマンドが指定されていません";
    case "bad-option-value":
      return `${subject} に「${value}」は指定できません（指定できる値: ${expected}）`;
    case "option-without-place":
      return `${subject} は ${value} では使えません（使える形式: ${expected}）`;
    case "conflicting-options":
      return `同時に指定できないオプションがあります: ${subject}`;
    case "own-upstream":
      return "--upstream に、このエージェント自身のソケットは指定できません";
    case "same-socket":
      return "--pkcs11-socket に、SSH のソケットと同じパスは指定できません";
    case "no-agent":
      return `終了するエージェントが見つかりません（SSH_AGENT_PID: ${value || "未設定"}）`;
    case "no-service-manager":
      return `このシステム（${value}）では、サービスにできません（systemd または launchd が必要です）`;
    case "unfit-for-ssh-config":
      return `ssh_config に書けない文字が含まれています: ${value}`;
    case "unfit-for-unit":
      return `サービスの設定ファイルに書けない文字が含まれています: ${value}`;
    case "control-characters":
      return "鍵のコメントやオプションに、改行などの制御文字は使えません";
    case "unreadable-file":
      return `設定ファイル ${file} を読めません`;
    case "syntax":
      return `設定ファイル ${file} の書式に誤りがあります（${reason}）`;
    case "unknown-key":
      return `設定ファイル ${file} に不明なキーがあります: ${key}`;
    case "bad-value":
      return `設定ファイル ${file} の ${key} の値が正しくありません（${reason}）`;
    case "binary-to-terminal":
      return `${subject} は端末に表示できません。-o でファイルに書き込むか、| で別のプログラムに渡してください`;
    case "several-certificates":
      return `${subject} に指定できる証明書は1つだけです（${value}）`;
    case "no-ca-certificate":
      return `${file} に、電子証明書と、それに続く認証局の証明書がありません（jpki-agent cert auth と cert auth-ca の --format pem で出力したものを1つのファイルにしてください）`;
    case "output-is-input":
      return `${value} は読み取るファイルです。上書きはしません`;
    case "same-file":
      return `ファイルとその署名に、同じファイル（${value}）は指定できません`;
    case "content-inside":
      return `署名 ${value} にはファイルが含まれています。ほかのファイルは指定できません`;
    case "content-elsewhere":
      return `署名 ${value} には署名されたファイルが含まれていません。そのファイルを署名の前に指定してください`;
    case "raw-needs-cert":
      return "raw 形式の署名には証明書が含まれていません。署名者の証明書を --cert で指定してください";
    case "several-cards":
      return "カードが複数あります。使わないカードを外すか、--reader でカードリーダーを指定してください";
    default:
      return undefined;
  }
}
