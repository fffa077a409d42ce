/** What `doctor` finds and what to do about it, in Japanese. */

import { errorOf, type Fault } from "../../lib/agent-status.ts";
import type { FindingText, FindingTexts, HolderFact, OtherAgent } from "../doctor/finding.ts";
import type { DoctorTexts } from "./doctor-texts.ts";
import { japaneseError } from "./errors-ja.ts";

const PINS: Readonly<Record<string, string>> = {
  auth: "利用者証明用の暗証番号",
  sign: "署名用の暗証番号",
  text: "券面事項入力補助用の暗証番号",
};

const AGENTS: Readonly<Record<OtherAgent, string>> = {
  "gnome-keyring": "GNOME キーリング",
  "gpg-agent": "gpg-agent",
  openssh: "OpenSSH の ssh-agent、または転送されたエージェント",
  macos: "macOS のエージェント",
  "1password": "1Password",
  unknown: "別のエージェント",
};

const japaneseFindings: FindingTexts = {
  "node-ok": ({ version }) => ({ text: `Node.js ${version}` }),
  "node-old": ({ version, needed }) => ({
    text: `Node.js ${version} は古すぎます`,
    mend: `${needed} 以降をインストールしてください`,
  }),
  "binding-loads": ({ binding }) => ({ text: `PC/SC ライブラリ ${binding} を読み込めます` }),
  "binding-broken": ({ binding, fault }) => withFault(`PC/SC ライブラリ ${binding} を読み込めません`, fault),
  "binding-spare-broken": ({ binding, fault }) =>
    withFault(`PC/SC ライブラリ ${binding} を読み込めません（もう一方を使えるため、なくても動作します）`, fault),
  "pcscd-runs": ({ version }) => ({
    text: `PC/SC サービスは動作しています${version === undefined ? "" : `（pcsc-lite ${version}）`}`,
  }),
  "pcscd-absent": ({ installed }) => ({
    text: installed ? "PC/SC サービスが動作していません" : "PC/SC サービスがインストールされていません",
    mend: installed
      ? "sudo systemctl enable --now pcscd.socket"
      : "sudo apt install pcscd libccid && sudo systemctl enable --now pcscd.socket",
  }),
  "pcscd-denied": ({ path }) => ({
    text: `PC/SC サービスのソケット ${path} に接続する権限がありません`,
    mend: `ls -l ${path} で確認してください。コンテナなどの中では、このソケットを使えるようにしてください`,
  }),
  "pcscd-built-in": () => ({ text: "PC/SC サービスは OS に含まれています" }),
  "pcsc-works": ({ binding }) => ({
    text: binding === undefined ? "PC/SC は使用していません（仮想カード）" : `PC/SC を利用できます（${binding}）`,
  }),
  "pcsc-fault": ({ fault }) => withFault("", fault),
  "polkit-refuses": ({ path, rule }) => ({
    text: "polkit がこのユーザーの利用を拒否しています（既定では、SSH のセッションやサービスからはスマートカードを使えません）",
    mend: `root 権限で、次の内容を ${path} に書いてください:\n${rule}`,
  }),
  "polkit-allows": () => ({ text: "polkit による拒否はありません" }),
  "polkit-unknown": () => ({ text: "polkit の許可は、PC/SC が動作するまで確認できません" }),
  "driver-found": ({ drivers }) => ({ text: `リーダーのドライバー: ${drivers.join("、")}` }),
  "driver-missing": ({ usbReaders }) => ({
    text: `リーダーのドライバーがありません${usbReaders.length > 0 ? `（接続中のリーダー: ${usbReaders.join("、")}）` : ""}`,
    mend: "sudo apt install libccid（多くの USB リーダーに対応。専用ドライバーが必要な機種もあります）",
  }),
  "driver-built-in": () => ({ text: "リーダーのドライバーは OS に含まれています" }),
  "holders-none": () => ({ text: "ほかに PC/SC サービスを使用中のプログラムはありません" }),
  "holders-some": ({ programs }) => {
    const mends = [...new Set(programs.flatMap(({ kind }) => HOLDER_MENDS[kind] ?? []))];
    return {
      text: `PC/SC サービスを使用中のプログラム: ${programs.map(holder).join("、")}`,
      mend: mends.length > 0 ? mends.join("\n") : undefined,
    };
  },
  "holders-unknown": () => ({
    text: "PC/SC サービスを使用中のプログラムは確認できません（ss がないか、Linux 以外です）",
  }),
  "reader-some": ({ readers }) => ({ text: `カードリーダー: ${readers.join("、")}` }),
  "reader-none": ({ usbReaders }) =>
    usbReaders.length > 0
      ? {
          text: `PC/SC からカードリーダーが見えません（USB には接続されています: ${usbReaders.join("、")}）`,
          mend: "ドライバーを入れて（sudo apt install libccid）から sudo systemctl restart pcscd を実行してください",
        }
      : {
          text: "カードリーダーがありません",
          mend: "カードリーダーを接続してください。仮想マシンでは、リーダーを仮想マシンに割り当てる必要があります",
        },
  "reader-unknown": () => ({ text: "カードリーダーは確認できません" }),
  "card-ready": ({ card, reader }) => ({ text: `${card}（${reader}）` }),
  "card-hidden": ({ reader }) => ({
    text: `${reader} に未確認のスマートフォンがあります（鍵は暗証番号の入力後に分かります）`,
    mend: "jpki-agent export-key を実行してください",
  }),
  "card-foreign": ({ reader }) => ({
    text: `${reader} のカードはマイナンバーカードではありません`,
    mend: "マイナンバーカードを置いてください。非接触リーダーでは、ほかのカードと重ねないでください",
  }),
  "card-mute": ({ reader }) => ({
    text: `${reader} のカードが応答しません`,
    mend: "裏返すか、置き直してください。接点の汚れも確認してください。非接触リーダーでは中央に平らに置いてください",
  }),
  "card-unreadable": ({ reader, fault }) => withFault(`${reader} のカードを読み取れません`, fault),
  "card-none": () => ({
    text: "リーダーにカードがありません",
    mend: "マイナンバーカードをリーダーに置いてください",
  }),
  "card-unknown": () => ({ text: "カードは確認できません" }),
  "tries-left": ({ pin, triesLeft, maxTries }) => ({ text: `${PINS[pin]}: 残り${triesLeft}回（最大${maxTries}回）` }),
  "tries-low": ({ pin, triesLeft, maxTries }) => ({
    text: `${PINS[pin]}: 残り${triesLeft}回（最大${maxTries}回）`,
    mend: "次に正しく入力すれば回数は元に戻ります。自信がなければ入力しないでください",
  }),
  "tries-blocked": ({ pin }) => ({
    text: `${PINS[pin]}: ロックされています`,
    mend: "お住まいの市区町村窓口（または専用アプリとコンビニの端末）で再設定してください",
  }),
  "certificate-valid": ({ date, daysLeft }) => ({ text: `証明書の有効期限: ${date}（残り${daysLeft}日）` }),
  "certificate-renewable": ({ date, daysLeft }) => ({
    text: `証明書の有効期限: ${date}（残り${daysLeft}日）`,
    mend:
      "市区町村窓口で更新できます。更新すると鍵も変わるため、その前に別の鍵をサーバーに登録し、" +
      "更新後に export-key を実行してください",
  }),
  "certificate-expired": ({ date }) => ({
    text: `証明書の有効期限が ${date} に切れています`,
    mend: "市区町村窓口で更新してから、export-key を実行してください（鍵は新しくなります）",
  }),
  "certificate-early": ({ date }) => ({
    text: `証明書の有効期間がまだ始まっていません（期限: ${date}）`,
    mend: "このコンピューターの時計を確認してください: date",
  }),
  "prompt-way": ({ way, program }) => ({
    text: `暗証番号の入力画面: ${way}${program === undefined ? "" : `（${program}）`}。--show-prompt で表示できます`,
  }),
  "prompt-none": ({ fault }) => withFault("", fault),
  "prompt-agent-fault": ({ fault }) => withFault("動作中のエージェント", fault),
  "prompt-shown": ({ answer }) => ({
    text: `入力画面を表示し、${answer === "answered" ? "入力" : "取り消し"}を確認しました（カードには何も送っていません）`,
  }),
  "prompt-broken": ({ fault }) => withFault("入力画面", fault),
  "keychain-works": () => ({ text: "OS のキーチェーンを利用できます（--pin-cache keychain）" }),
  "keychain-fault": ({ fault }) => withFault("キーチェーン（--pin-cache keychain のときだけ必要）", fault),
  "agent-runs": ({ pid, socket }) => ({ text: `エージェントは動作しています（プロセス ${pid}、${socket}）` }),
  "agent-locked": ({ socket }) => ({
    text: `エージェントはロックされています（${socket}）`,
    mend: "ssh-add -X で解除してください",
  }),
  "agent-absent": ({ socket }) => ({
    text: `エージェントが動作していません（${socket}）`,
    mend: "jpki-agent agent で起動してください",
  }),
  "agent-silent": ({ socket, fault }) => withFault(`エージェントが応答しません（${socket}）`, fault),
  "auth-sock-ours": ({ path }) => ({ text: `SSH_AUTH_SOCK はこのエージェントを指しています（${path}）` }),
  "auth-sock-config": ({ path }) => ({
    text: `~/.ssh/config がこのエージェントを指しています（IdentityAgent ${path}）`,
  }),
  "auth-sock-unset": ({ socket }) => ({
    text: "SSH_AUTH_SOCK が設定されていないため、ssh はエージェントを見つけられません",
    mend: `export SSH_AUTH_SOCK=${socket}\nまたは ~/.ssh/config に: IdentityAgent ${socket}`,
  }),
  "auth-sock-dead": ({ path, socket }) => ({
    text: `SSH_AUTH_SOCK の ${path} では、どのエージェントも動作していません`,
    mend: `export SSH_AUTH_SOCK=${socket}\nまたは ~/.ssh/config に: IdentityAgent ${socket}`,
  }),
  "auth-sock-other": ({ path, agent, socket }) => ({
    text: `SSH_AUTH_SOCK の接続先がこのエージェントではありません: ${AGENTS[agent]}（${path}）`,
    mend:
      `export SSH_AUTH_SOCK=${socket}\nまたは ~/.ssh/config に: IdentityAgent ${socket}\n` +
      `そのエージェントの鍵も使い続けるには: jpki-agent agent --upstream ${path}`,
  }),
  "files-private": () => ({ text: "状態フォルダーとソケットは、ほかのユーザーからアクセスできません" }),
  "files-open": ({ path, mode, wanted }) => ({
    text: `${path} にほかのユーザーがアクセスできます（モード ${mode}）`,
    mend: `chmod ${wanted} ${path}`,
  }),
  "server-modern": ({ server, software, algorithms }) => ({
    text: `${server}（${software}）はカードの署名方式に対応しています: ${algorithms.join("、")}`,
  }),
  "server-sha1-only": ({ server, software }) => ({
    text: `${server}（${software}）が対応する RSA 署名は SHA-1 だけです（ssh もこのエージェントも、既定では拒否します）`,
    mend:
      "サーバーを更新してください（DSM: コントロールパネル → 更新）。それまでは jpki-agent agent --allow-sha1 で起動し、" +
      "~/.ssh/config のこのホストにだけ PubkeyAcceptedAlgorithms +ssh-rsa を書いてください" +
      "（ホスト鍵が拒否される場合は HostKeyAlgorithms +ssh-rsa も）",
  }),
  "server-no-rsa": ({ server, algorithms }) => ({
    text: `${server} は RSA の鍵を受け付けません（対応方式: ${algorithms.join("、")}）`,
    mend: "サーバーの sshd_config に PubkeyAcceptedAlgorithms +rsa-sha2-512,rsa-sha2-256 を書いてください",
  }),
  "server-silent-on-algorithms": ({ server, software }) => ({
    text: `${server}（${software}）は対応する署名方式を通知しません`,
    mend: "ログインを試してください。拒否される場合は SHA-1 だけに対応している可能性があります（--allow-sha1）",
  }),
  "server-no-publickey": ({ server, methods }) => ({
    text: `${server} は公開鍵でのログインを受け付けません（対応方式: ${methods.join("、")}）`,
    mend: "サーバーの sshd_config に PubkeyAuthentication yes を書き、sshd を再起動してください",
  }),
  "server-too-old": ({ server, reason }) => ({
    text: `${server} は、現在の ssh が使わなくなった方式にしか対応していません（${reason}）`,
    mend: "サーバーを更新してください。ホストごとに古い方式を許可する方法は ssh_config のマニュアルにあります（KexAlgorithms、Ciphers）",
  }),
  "server-unreachable": ({ server, reason }) => ({
    text: `${server} に接続できません（${reason}）`,
    mend: "ホスト名、ポート、ネットワークと、SSH が有効か（DSM: コントロールパネル → 端末と SNMP）を確認してください",
  }),
  "server-no-ssh": () => ({
    text: "ssh がないため、サーバーを確認していません",
    mend: "sudo apt install openssh-client",
  }),
  "server-permissions": ({ server }) => ({
    text: `${server} 側のファイルの権限は、ここからは確認できません（ほかのユーザーが書き換えられる鍵を sshd は無視します）`,
    mend:
      "サーバーで: chmod go-w ~ && chmod 700 ~/.ssh && chmod 600 ~/.ssh/authorized_keys\n" +
      "Synology NAS ではさらに: ユーザーが administrators グループに属し、ユーザーホームサービスが有効であること。\n" +
      "chmod 755 ~（DSM では 777 になっていることがあります）。File Station の権限（ACL）でほかのユーザーにホームへの書き込みを許可しないこと",
  }),
};

const HOLDER_MENDS: Readonly<Record<HolderFact["kind"], string | undefined>> = {
  scdaemon:
    "scdaemon（GnuPG）はカードを占有します: gpgconf --kill scdaemon を実行してください。共有するには " +
    "~/.gnupg/scdaemon.conf に disable-ccid と pcsc-shared を書いてください",
  opensc:
    "OpenSC がカードを開いたままの場合があります: ssh-agent なら ssh-add -e でモジュールを外すか、プログラムを終了してください",
  browser:
    "カードのモジュールを使うブラウザーは、動作中カードを占有することがあります: カードが使用中なら終了してください",
  "jpki-agent": undefined,
  other: "カードが使用中になる場合は終了してください",
};

function holder({ name, pid, kind }: HolderFact): string {
  if (kind === "jpki-agent") return `このエージェント（${pid}）`;
  return pid === undefined ? "ほかのユーザーのプログラム" : `${name}（${pid}）`;
}

function withFault(text: string, fault: Fault): FindingText {
  const { message, hint } = japaneseError(errorOf(fault));
  return { text: text === "" ? message : `${text}: ${message}`, mend: hint };
}

export const japaneseDoctor: DoctorTexts = {
  levels: { ok: "正常", warn: "注意", fail: "異常", skipped: "――" },
  indent: "      ",
  findings: japaneseFindings,
  summary: (failed, warned) => {
    if (failed > 0) return `\n異常 ${failed} 件（上から順に対処してください）`;
    return warned > 0 ? `\nログインできる状態です（注意 ${warned} 件）` : "\nすべて正常です";
  },
};
