/** What can be configured: the long options, by the command line or by a file (load-config.ts). */

export const CARD_SOURCES = ["pcsc", "virtual"] as const;
export const PCSC_BINDINGS = ["auto", "pcsc-mini", "pcsclite"] as const;
export const PIN_PROMPTS = ["auto", "pinentry", "askpass", "tty", "none"] as const;
export const PIN_CACHES = ["off", "session", "timed", "keychain"] as const;

/** Whether a card makes RSASSA-PSS signatures: `auto`, it is asked once. */
export const PSS_CHOICES = ["auto", "on", "off"] as const;

export type CardSource = (typeof CARD_SOURCES)[number];
export type PcscBinding = (typeof PCSC_BINDINGS)[number];
export type PinPromptChoice = (typeof PIN_PROMPTS)[number];
export type PssChoice = (typeof PSS_CHOICES)[number];
export type PinCacheChoice = (typeof PIN_CACHES)[number];

/** The longest time an option takes, seconds: what a Node timer can count (2^31 ms). */
export const MAX_SECONDS = 2_147_483;
/** The shortest PKCS#11 login, seconds: with none at all a person would be asked for the PIN of a login already over. */
export const MIN_PKCS11_LOGIN_TTL = 1;

/** Options of every command. */
export interface GlobalConfig {
  /** A reader's name or a part of it. */
  readonly reader?: string | undefined;
  readonly card?: CardSource | undefined;
  readonly pcscBinding?: PcscBinding | undefined;
}

/** Options of `agent`. */
export interface AgentConfig {
  /** The socket's path; absolute in a file. */
  readonly socket?: string | undefined;
  readonly pinPrompt?: PinPromptChoice | undefined;
  /** A path, or a name in the PATH. */
  readonly pinentry?: string | undefined;
  readonly pinCache?: PinCacheChoice | undefined;
  /** Seconds. */
  readonly pinCacheTtl?: number | undefined;
  /** Seconds. */
  readonly cardHold?: number | undefined;
  /** Seconds. */
  readonly waitCard?: number | undefined;
  readonly allowSha1?: boolean | undefined;
  readonly allowAnyData?: boolean | undefined;
  readonly confirm?: boolean | undefined;
  readonly requireBinding?: boolean | undefined;
  /** Names and patterns of hosts, as in known_hosts. */
  readonly allowForwarded?: readonly string[] | undefined;
  /** Paths of SSH certificates; absolute in a file. */
  readonly certificate?: readonly string[] | undefined;
  /** Another agent's socket; absolute in a file. */
  readonly upstream?: string | undefined;
  /** Serve PKCS#11: at the default path, or at this one; absolute in a file. */
  readonly pkcs11Socket?: string | boolean | undefined;
  /** Offer the signature key there too. */
  readonly pkcs11SignatureKey?: boolean | undefined;
  /** How long a program's login lasts, seconds. */
  readonly pkcs11LoginTtl?: number | undefined;
  /** How many signatures it may make. */
  readonly pkcs11LoginSignatures?: number | undefined;
  readonly pkcs11Pss?: PssChoice | undefined;
  /** Whether to show a notice on the desktop after each signature. */
  readonly notify?: boolean | undefined;
}

export interface Config extends GlobalConfig {
  readonly agent: AgentConfig;
}
