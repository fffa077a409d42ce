/** English for `pkcs11 env` and `pkcs11 server-config`. */

import type { Pkcs11Texts } from "./set-up-texts.ts";

export const englishPkcs11: Pkcs11Texts = {
  noModule:
    "p11-kit-client.so is not installed here; it is in p11-kit-modules (Debian, Ubuntu), p11-kit-server (Fedora) or " +
    "p11-kit (Arch, Homebrew)",
  programs: {
    module:
      "The agent has to run with --pkcs11-socket, or with pkcs11-socket = true in its configuration.\n" +
      "The PKCS#11 module, for programs that ask for one:",
    p11Kit:
      "p11-kit (GnuTLS, p11tool and others). For root, or for everybody: the same in /etc/pkcs11/modules/.\n" +
      "jpki-agent pkcs11 env --write puts it into",
    nss:
      "Chromium and others with NSS's database, while they are closed. Chromium then shows a window of its own\n" +
      '("Please unlock ..."): type any character there, it goes nowhere; after that jpki-agent asks for the PIN.\n' +
      "Firefox: Settings, Security Devices, Load: the module above.",
    openssl:
      "OpenSSL by its PKCS#11 engine (package libengine-pkcs11-openssl), as ~/.config/jpki-agent/openssl.cnf.\n" +
      "ssl_conf and all below [ssl] are for a card that makes no RSASSA-PSS, behind # while no such card is known;\n" +
      "with one, TLS 1.3 is impossible:",
    curl: "curl:",
    openvpn:
      "OpenVPN; the id is what openvpn --show-pkcs11-ids MODULE prints. As root or as a service it needs\n" +
      "P11_KIT_SERVER_ADDRESS in its environment (sudo takes it away, unless it is named behind sudo):",
    wpa_supplicant: "wpa_supplicant; as root or as a service it needs P11_KIT_SERVER_ADDRESS in its environment:",
    ssh: "ssh, where there is a reason not to use the agent's own socket (jpki-agent env):",
  },
  servers: {
    oneLineEach: "One line like this for each card. A renewed card has a new certificate.",
    nginx: {
      intro:
        "In a server block: include /etc/nginx/jpki-agent.conf;\n" +
        "JPKI's CA vouches for every card in the country, so nobody is let in for its signature: the certificate\n" +
        "must be this very one, all of it. Its SHA-1, serial number or names would be less.",
      protocols:
        "Cards that do not make RSASSA-PSS cannot log in with TLS 1.3. For them, in the same block:\n" +
        "ssl_protocols TLSv1.2;",
    },
    apache: {
      intro:
        "In a <VirtualHost>: Include /etc/apache2/jpki-agent.conf\n" +
        "JPKI's CA vouches for every card in the country, so nobody is let in for its signature: the certificate\n" +
        "must be this very one, all of it. Nothing after these lines may grant more for /.",
      protocols:
        "Cards that do not make RSASSA-PSS cannot log in with TLS 1.3. For them, in the same place:\nSSLProtocol TLSv1.2",
    },
    sshd: {
      intro:
        "sshd lets in the key below, by the account's own authorized_keys. It knows nothing of X.509: TrustedUserCAKeys\n" +
        "is for OpenSSH's certificates. RSA keys sign with SHA-2 only.",
    },
  },
};
