/** Japanese, for people who work in Japanese: the cards' official terms, technical names left as they are. */

import { japanesePrompts } from "../../lib/pin/words-ja.ts";
import { japaneseCard } from "./card-ja.ts";
import { japaneseCertificates } from "./certificates-ja.ts";
import { japaneseDoctor } from "./doctor-ja.ts";
import { japaneseError } from "./errors-ja.ts";
import type { Messages } from "./messages.ts";
import { japanesePins } from "./pins-ja.ts";
import { japanesePkcs11 } from "./pkcs11-ja.ts";
import { japaneseReport } from "./report-ja.ts";
import { japaneseSetUp } from "./set-up-ja.ts";
import { japaneseSignatures } from "./signatures-ja.ts";
import { japaneseStatus } from "./status-ja.ts";

export const ja: Messages = {
  language: "ja",
  hintLabel: "対処: ",
  help: {
    program: "マイナンバーカードの利用者証明用の鍵を使う ssh-agent です。",
    titles: {
      usage: "使い方:",
      arguments: "引数:",
      options: "オプション:",
      globalOptions: "共通オプション:",
      commands: "コマンド:",
    },
    commands: {
      agent: "カードの鍵を ssh や git などに提供する（エージェントを起動する）",
      "export-key": "カードの利用者証明用の公開鍵を出力する（authorized_keys にそのまま追記できる）",
      pin: "暗証番号の残り回数の確認、変更、保存と消去",
      "pin status": "すべての暗証番号の残り回数を表示する（回数は減らない）",
      "pin change": "暗証番号を変更する",
      "pin save": "利用者証明用の暗証番号を確かめて OS のキーチェーンに保存する（agent --pin-cache keychain で使う）",
      "pin forget": "動作中のエージェントと OS のキーチェーンから暗証番号を消去する",
      cert: "カードの電子証明書を表示する、またはファイルに保存する",
      "verify-cert": "電子証明書を検証する（JPKI 認証局の署名、有効期間、鍵用途、目的、指定があれば失効）",
      card: "カードのほかの記録（氏名と住所、個人番号、券面、顔写真）を読み取る",
      "card attributes": "氏名、住所、生年月日、性別を文字で表示する",
      "card number": "個人番号を表示する（--i-may が必要）",
      "card face": "券面の内容（日付と性別、そのほかは PNG 画像）を表示または保存する",
      "card photo": "顔写真を保存する（JPEG 2000。--png で PNG）",
      status: "エージェント、リーダー、カード、残り回数、証明書の期限、最後の失敗を表示する（暗証番号は不要）",
      doctor: "ログインの妨げになるものを調べ、対処を示す",
      release: "動作中のエージェントにカードを解放させる",
      env: "シェル、~/.ssh/config、git でエージェントを使うための設定を表示する、または書き込む",
      service: "エージェントを systemd または launchd のユーザーサービスにする",
      "service install": "サービスを設定して有効にする（更新後にも実行する）",
      "service uninstall": "サービスを停止して取り除き、env --write が書き込んだ設定も元に戻す",
      "service status": "サービスの設定と動作の状態を表示する",
      pkcs11: "ブラウザー、curl、VPN などで PKCS#11 を通じてカードを使う",
      "pkcs11 env": "各プログラムでカードを使うための設定を表示する、または p11-kit のモジュール設定を書き込む",
      "pkcs11 server-config": "このカードだけを通すサーバーの設定を表示する",
      log: "カードの鍵による署名の記録を表示する（新しいものが最後）",
      demo: "内蔵の仮想カードでログインの流れを実演する（カードもリーダーも不要）",
    },
    pinName: "auth（利用者証明用）、sign（署名用）、text（券面事項入力補助用）",
    certificateName: "auth（利用者証明用）、sign（署名用）、認証局の証明書は auth-ca、sign-ca",
    certificatePurpose: "auth（利用者証明用）、sign（署名用）",
    server: "nginx、apache、sshd",
    command: "エージェントを使える環境でこのコマンドを実行し、コマンドとともに終了する",
    options: {
      reader: "この名前（一部でも可）のカードリーダーだけを使う",
      card: "カードの種類: pcsc（カードリーダー、既定）、virtual（内蔵の仮想カード）",
      "pcsc-binding": "PC/SC ライブラリ: auto（既定）、pcsc-mini、pcsclite",
      config: "設定ファイル（既定: ~/.config/jpki-agent/config.toml）",
      json: "結果とエラーを JSON で出力する",
      verbose: "詳しいログを標準エラー出力に出す（2回指定するとカードとの通信も出す）",
      version: "バージョンを表示する",
      help: "このヘルプを表示する",
      socket: "エージェントのソケットのパス",
      background: "ソケットの準備ができたらバックグラウンドで動作する",
      csh: "csh 用のコマンドを出力する",
      sh: "sh 用のコマンドを出力する（既定）",
      kill: "SSH_AGENT_PID のエージェントを終了し、環境変数を消すコマンドを出力する",
      "pin-prompt": "暗証番号の入力方法: auto（既定）、pinentry、askpass、tty、none",
      pinentry: "pinentry プログラム（既定: PATH にある pinentry または pinentry-mac）",
      "pin-cache":
        "暗証番号の記憶: off、session（既定。カードを外すまで）、timed（外しても一定時間）、keychain（OS のキーチェーン）",
      "pin-cache-ttl": "記憶した暗証番号を、最後に使ってからこの秒数で消去する",
      "card-hold": "次の要求に備えてカードとの接続を保つ秒数（既定 3）",
      "wait-card": "カードがリーダーに置かれるのを待つ秒数（既定 30、0: 待たない）",
      "allow-sha1": "ssh-rsa（SHA-1）の署名も許可する（古いサーバー向け）",
      "allow-any-data": "SSH のログインや署名以外のデータにも署名する（危険）",
      confirm: "暗証番号を記憶している間も、署名のたびに確認する",
      "allow-forwarded":
        "転送されたエージェント（ssh -A）から、このホストへのログインを確認なしで許可する（known_hosts の名前かパターン、* はすべて）",
      "require-binding": "接続先サーバーを示さないクライアントのログインを拒否する（OpenSSH 8.9 以降は示す）",
      certificate: "カードの鍵の SSH 証明書（*-cert.pub）も提供する",
      upstream: "このソケットの別のエージェントの鍵も、カードの鍵のあとに提供する",
      notify: "署名のたびにデスクトップに通知を表示する",
      force: "残り回数が1回でも実行する",
      server: "このサーバー（HOST[:PORT]）が対応する署名方式も、ログインせずに調べる",
      "show-prompt": "暗証番号の入力画面を実際に表示する（入力内容はどこにも送らない）",
      report: "代わりに、このカードとリーダーの実際の動作を開発者向けに報告する（個人情報は含まない）",
      n: "表示する件数（既定 20）",
      shell: "bash、zsh、fish（既定: 環境変数 SHELL のシェル）",
      host: "このホスト（ssh_config のパターン）ではカードの鍵だけを使う（既定: すべてのホスト、ほかの鍵も併用）",
      write: "シェルの起動ファイル、~/.ssh/config、git のグローバル設定に書き込む",
      remove: "--write が書き込んだ設定を、すべてのシェルについて元に戻す",
      "pkcs11-socket-env":
        "エージェントの PKCS#11 ソケットのパス（既定: XDG_RUNTIME_DIR の p11-kit/pkcs11。p11-kit が自動的に参照する）",
      "write-module": "モジュール設定を書き込む（p11-kit を使うプログラムからカードが見えるようになる）",
      "remove-module": "--write が書き込んだ設定を元に戻す",
      "server-cert": "カードの代わりに、このファイルの証明書（PEM、認証局の証明書を続けたもの）を通す",
      format: "openssh（既定）、rfc4716、pkcs8、jwk",
      "cert-format": "text（既定）、pem、der、json のいずれか",
      "attributes-with": "読み取りに使うもの: pin（券面事項入力補助用の暗証番号4桁、既定）、b（照合番号B）",
      "face-with":
        "読み取りに使うもの: b（照合番号B。生年月日、有効期限の年、セキュリティコード。既定）、a（照合番号A。個人番号）",
      "i-may": "自分のカードであるか、法律で認められていることを確認した",
      "i-may-image": "個人番号の画像も読み取る（--with a が必要）",
      item: "この画像だけ: name（氏名）、address（住所）、security-code（セキュリティコード）、number（個人番号）",
      "face-output": "画像をこのフォルダーに書き込む（--item があればこのファイルに、- はパイプ用）",
      "photo-output": "このファイルに書き込む（- はパイプ用）",
      png: "顔写真を復号して PNG で書き込む",
      output: "このファイルに書き込む（sign は本人だけが読める権限にする）",
      cert: "カードの代わりに、このファイルの証明書（PEM または DER）を検証する",
      ca: "このファイルの認証局証明書（PEM または DER）も信頼する",
      crl: "この失効リストで失効を確認する（ファイルまたは http の URL）",
      ocsp: "この OCSP レスポンダー（http の URL）に問い合わせる（証明書のシリアル番号が相手に伝わる）",
      stapled: "このファイルの OCSP 応答（DER）で失効を確認する",
      comment: "鍵のコメント（省略時はカードを示す文字列）",
      options: "authorized_keys で鍵の前に置くオプション（例: restrict,pty）",
    },
  },
  prompts: japanesePrompts,
  agent: {
    serving: (path) => `${path} で待ち受けています（終了は Ctrl-C）`,
    serviceReady: (path) => `${path} で待ち受けています`,
    serviceStopping: "カードを解放しています",
    killed: (pid) => `エージェント（プロセス ${pid}）を終了しました`,
    anyDataWarning:
      "--allow-any-data が有効です。ソケットにアクセスできるプログラムは、行政サービスへのログインを含め、" +
      "どんなデータにもあなたの鍵で署名させることができます",
  },
  signatures: japaneseSignatures,
  status: japaneseStatus,
  doctor: japaneseDoctor,
  report: japaneseReport,
  setUp: japaneseSetUp,
  pkcs11: japanesePkcs11,
  pin: japanesePins,
  certificate: japaneseCertificates,
  cardData: japaneseCard,
  demo: {
    intro:
      "仮想のマイナンバーカードでログインしてみます。架空なのはカードと名義人だけで、エージェントも SSH も署名も本物です。",
    cardReady: (comment) => `仮想リーダーに仮想カードを置きました: ${comment}`,
    agentReady: (socket) => `エージェントが ${socket} で鍵を提供しています`,
    keyExported: (key) => `このカードの公開鍵です（~/.ssh/authorized_keys に書く形式）:\n   ${key}`,
    serverReady: (host, port) => `${host} のポート ${port} で、この鍵だけを受け付ける SSH サーバーを起動しました`,
    greeting: (user) => `ようこそ、${user} さん。カードの鍵でログインしました`,
    loggingIn: (command) => `ログインします: ${command}`,
    pinEntered: (pin, triesLeft) =>
      `カードが暗証番号を求めています${triesLeft === undefined ? "" : `（残り回数: ${triesLeft}回）`}。` +
      `架空の暗証番号 ${pin} を自動で入力します`,
    loggedIn: (greeting) => `サーバーからの応答: ${greeting}`,
    end: "完了しました。実際のカードでは jpki-agent export-key、jpki-agent agent の順に使います（README.ja.md 参照）。",
    failed: (reason) => `ログインに失敗しました: ${reason}（詳しくは jpki-agent -v demo を実行してください）`,
  },
  error: japaneseError,
};
