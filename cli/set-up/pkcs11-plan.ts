/** What programs need to use the card by PKCS#11: settings for each of them, as text to print. */

import type { Deps } from "../deps.ts";
import { moduleFile, serverAddress } from "./p11-kit.ts";
import type { FileLines } from "./plan.ts";
import type { LoginShell } from "./shell-lines.ts";

/** What the settings are for, in the order in which they are printed. */
export const PKCS11_PROGRAMS = ["nss", "openssl", "curl", "openvpn", "wpa_supplicant", "ssh"] as const;
export type Pkcs11Program = (typeof PKCS11_PROGRAMS)[number];

export interface Pkcs11Options {
  readonly shell: LoginShell;
  /** The face's socket, absolute. */
  readonly socket: string;
  /** Whether p11-kit-client.so looks there by itself. */
  readonly isUsualSocket: boolean;
  /** p11-kit-client.so, absolute. */
  readonly module: string;
  /** Whether OpenSSL must be kept from RSASSA-PSS: the agent does not offer it for the card. */
  readonly withoutPss: boolean;
}

export interface Pkcs11Plan {
  /** p11-kit-client.so. */
  readonly module: string;
  /** Lines for the shell that set P11_KIT_SERVER_ADDRESS; undefined: it is not needed. */
  readonly shell: string | undefined;
  /** For every program that uses p11-kit. */
  readonly moduleFile: FileLines;
  readonly programs: Readonly<Record<Pkcs11Program, string>>;
}

/** The objects by their label alone: so the lines are the same for every card. Source: RFC 7512. */
const CERTIFICATE_URI = "pkcs11:object=JPKI%20authentication;type=cert";
const KEY_URI = "pkcs11:object=JPKI%20authentication;type=private";
const OPENSSL_FILE = "~/.config/jpki-agent/openssl.cnf";

export function planPkcs11(options: Pkcs11Options, deps: Pick<Deps, "env" | "home">): Pkcs11Plan {
  const { socket, isUsualSocket, shell, module } = options;
  // Root's programs look elsewhere than the user's, and a service has no XDG_RUNTIME_DIR of the user's.
  const addressLine = `# P11_KIT_SERVER_ADDRESS=${serverAddress(socket)}`;
  return {
    module,
    shell: isUsualSocket ? undefined : variableLine(shell, serverAddress(socket)),
    moduleFile: { path: moduleFile(deps), text: `remote: ${serverAddress(socket)}\n` },
    programs: {
      // modutil makes the database where there is none, but not its folder: Chromium does, at its first start.
      nss:
        "mkdir -p -m 700 $HOME/.pki/nssdb\n" +
        `modutil -dbdir sql:$HOME/.pki/nssdb -add jpki-agent -libfile ${module} -force\n`,
      openssl: opensslFile(options),
      curl:
        `OPENSSL_CONF=${OPENSSL_FILE} curl --engine pkcs11 \\\n` +
        `  --cert-type ENG --cert '${CERTIFICATE_URI}' \\\n` +
        `  --key-type ENG --key '${KEY_URI}' https://…\n`,
      openvpn: [addressLine, `pkcs11-providers ${module}`, "pkcs11-protected-authentication 1", "pkcs11-id '…'\n"].join(
        "\n",
      ),
      wpa_supplicant: [
        addressLine,
        `pkcs11_module_path=${module}`,
        "network={",
        '    ssid="…"',
        "    key_mgmt=WPA-EAP",
        "    eap=TLS",
        '    identity="…"',
        '    ca_cert="…"',
        `    client_cert="${CERTIFICATE_URI}"`,
        `    private_key="${KEY_URI}"`,
        "}\n",
      ].join("\n"),
      ssh: `Host …\n    PKCS11Provider ${module}\n`,
    },
  };
}

/**
 * OpenSSL's engine (libp11). OpenSSL chooses RSASSA-PSS also for a card that lacks it, unless the algorithms of the
 * client's certificate are named (observed with OpenSSL 3.0 and libp11 0.4.12; SSL_CONF_cmd(3)).
 */
function opensslFile({ module, withoutPss }: Pkcs11Options): string {
  const mend = withoutPss ? "" : "# ";
  return [
    "openssl_conf = openssl_init",
    "[openssl_init]",
    "engines = engines",
    `${mend}ssl_conf = ssl`,
    "[engines]",
    "pkcs11 = pkcs11",
    "[pkcs11]",
    "engine_id = pkcs11",
    `MODULE_PATH = ${module}`,
    "init = 0",
    `${mend}[ssl]`,
    `${mend}system_default = tls`,
    `${mend}[tls]`,
    `${mend}ClientSignatureAlgorithms = RSA+SHA256`,
    "",
  ].join("\n");
}

function variableLine(shell: LoginShell, address: string): string {
  return shell === "fish"
    ? `set -gx P11_KIT_SERVER_ADDRESS '${address}'\n`
    : `export P11_KIT_SERVER_ADDRESS='${address}'\n`;
}
