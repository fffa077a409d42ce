/** What `--help`, the completion and the man page say: every command, option and argument has its words here. */

export type CommandName =
  | "agent"
  | "export-key"
  | "pin"
  | "pin status"
  | "pin change"
  | "pin save"
  | "pin forget"
  | "cert"
  | "verify-cert"
  | "card"
  | "card attributes"
  | "card number"
  | "card face"
  | "card photo"
  | "sign"
  | "verify"
  | "status"
  | "release"
  | "doctor"
  | "env"
  | "service"
  | "service install"
  | "service uninstall"
  | "service status"
  | "pkcs11"
  | "pkcs11 env"
  | "pkcs11 server-config"
  | "log"
  | "completion"
  | "demo";

export type OptionName =
  | "reader"
  | "card"
  | "pcsc-binding"
  | "config"
  | "json"
  | "verbose"
  | "version"
  | "help"
  | "socket"
  | "background"
  | "csh"
  | "sh"
  | "kill"
  | "pin-prompt"
  | "pinentry"
  | "pin-cache"
  | "pin-cache-ttl"
  | "card-hold"
  | "wait-card"
  | "allow-sha1"
  | "allow-any-data"
  | "confirm"
  | "allow-forwarded"
  | "require-binding"
  | "certificate"
  | "upstream"
  | "pkcs11-socket"
  | "pkcs11-signature-key"
  | "pkcs11-login-ttl"
  | "pkcs11-login-signatures"
  | "pkcs11-pss"
  | "notify"
  | "server"
  | "show-prompt"
  | "report"
  | "n"
  | "force"
  | "shell"
  | "host"
  | "write"
  | "remove"
  | "pkcs11-socket-env"
  | "write-module"
  | "remove-module"
  | "server-cert"
  | "format"
  | "cert-format"
  | "output"
  | "attributes-with"
  | "face-with"
  | "i-may"
  | "i-may-image"
  | "item"
  | "face-output"
  | "photo-output"
  | "png"
  | "cert"
  | "key"
  | "verify-key"
  | "signature-format"
  | "attached"
  | "signature-output"
  | "signer-cert"
  | "content-output"
  | "ca"
  | "crl"
  | "ocsp"
  | "stapled"
  | "comment"
  | "options";

export interface HelpTexts {
  /** What the program is, one sentence. */
  readonly program: string;
  /** What stands before the list of commands and so on. */
  readonly titles: {
    readonly usage: string;
    readonly arguments: string;
    readonly options: string;
    readonly globalOptions: string;
    readonly commands: string;
  };
  readonly commands: Readonly<Record<CommandName, string>>;
  readonly options: Readonly<Record<OptionName, string>>;
  /** The command that `agent` runs. */
  readonly command: string;
  /** Which PIN `pin change` changes. */
  readonly pinName: string;
  /** The shell that `completion` writes for. */
  readonly shellName: string;
  /** Which certificate `cert` shows. */
  readonly certificateName: string;
  /** Which kind of certificate `verify-cert` looks at. */
  readonly certificatePurpose: string;
  /** For which server `pkcs11 server-config` is. */
  readonly server: string;
  /** The file that `sign` signs. */
  readonly documentToSign: string;
  /** The file that `verify` looks at. */
  readonly signedDocument: string;
  /** The signature that `verify` looks at. */
  readonly signature: string;
}
