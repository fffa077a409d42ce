/** Japanese for `pkcs11 env` and `pkcs11 server-config`. */

import type { Pkcs11Texts } from "./set-up-texts.ts";

export const japanesePkcs11: Pkcs11Texts = {
  noModule:
    "p11-kit-client.so がインストールされていません。パッケージは p11-kit-modules（Debian、Ubuntu）、p11-kit-server（Fedora）、" +
    "p11-kit（Arch、Homebrew）です",
  programs: {
    module:
      "エージェントは --pkcs11-socket を付けて（または設定ファイルで pkcs11-socket = true として）起動する。\n" +
      "PKCS#11 モジュール（モジュールを指定するプログラム用）:",
    p11Kit:
      "p11-kit（GnuTLS、p11tool など）。root や全ユーザーで使う場合は /etc/pkcs11/modules/ に同じ内容を置く。\n" +
      "jpki-agent pkcs11 env --write が書き込むファイル",
    nss:
      "Chromium など NSS のデータベースを使うプログラム（終了した状態で実行する）。Chromium は先に独自の入力画面を\n" +
      "表示するので、適当な1文字を入力する（どこにも送られない）。そのあと jpki-agent が暗証番号を尋ねる。\n" +
      "Firefox は、設定の「セキュリティデバイス」で上のモジュールを追加する。",
    openssl:
      "OpenSSL の PKCS#11 エンジン（パッケージ libengine-pkcs11-openssl）。~/.config/jpki-agent/openssl.cnf に置く。\n" +
      "ssl_conf の行と [ssl] 以下は、RSASSA-PSS に対応しないカード用（該当するカードを読み取るまでは # を付けて表示する。\n" +
      "そのカードでは TLS 1.3 は使えない）:",
    curl: "curl:",
    openvpn:
      "OpenVPN（id は openvpn --show-pkcs11-ids モジュール で表示される。root やサービスとして動かす場合は、環境変数\n" +
      "P11_KIT_SERVER_ADDRESS も必要。sudo では、sudo の後ろに書いて渡す）:",
    wpa_supplicant: "wpa_supplicant（root やサービスとして動かす場合は、環境変数 P11_KIT_SERVER_ADDRESS も必要）:",
    ssh: "ssh（通常はエージェントのソケットを使う: jpki-agent env）:",
  },
  servers: {
    oneLineEach: "カード1枚につき1行。カードや証明書を更新したら作り直す。",
    nginx: {
      intro:
        "server ブロックに書く: include /etc/nginx/jpki-agent.conf;\n" +
        "JPKI の認証局は全国のカードに証明書を発行しているため、認証局の署名だけでは誰も通さず、証明書全体がこれと\n" +
        "一致するときだけ通す。SHA-1、シリアル番号、名前だけの比較では不十分。",
      protocols:
        "RSASSA-PSS に対応しないカードは TLS 1.3 ではログインできない。その場合は同じブロックに書く:\nssl_protocols TLSv1.2;",
    },
    apache: {
      intro:
        "<VirtualHost> に書く: Include /etc/apache2/jpki-agent.conf\n" +
        "JPKI の認証局は全国のカードに証明書を発行しているため、認証局の署名だけでは誰も通さず、証明書全体がこれと\n" +
        "一致するときだけ通す。このあとの設定で / に別の許可を与えないこと。",
      protocols:
        "RSASSA-PSS に対応しないカードは TLS 1.3 ではログインできない。その場合は同じ場所に書く:\nSSLProtocol TLSv1.2",
    },
    sshd: {
      intro:
        "下の鍵を、アカウントの authorized_keys で通す。sshd は X.509 を扱わない（TrustedUserCAKeys は OpenSSH の証明書用）。\n" +
        "RSA 鍵の署名は SHA-2 だけを使う。",
    },
  },
};
