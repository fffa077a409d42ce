/**
 * The configuration: a TOML file whose keys are the long options without their dashes.
 *
 *     reader = "SCR3310"
 *     pcsc-binding = "pcsc-mini"
 *     [agent]
 *     card-hold = 3
 *
 * This part is light; the parser is loaded only where there is a file.
 */

import { readFile } from "node:fs/promises";
import { ConfigError, hasErrno, messageOf } from "./errors.ts";

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

export interface ConfigSource {
  readonly path: string;
  /** Whether the user named the file: then it must be there. */
  readonly required: boolean;
}

/**
 * Reads the file; a missing one that nobody named is an empty one.
 *
 * @throws ConfigError `CONFIG_INVALID` if it cannot be read, is not TOML, or has a key or value that does not exist.
 */
export async function loadConfig(source: ConfigSource): Promise<Config> {
  let text: string;
  try {
    text = await readFile(source.path, "utf8");
  } catch (cause) {
    if (!source.required && hasErrno(cause, "ENOENT", "ENOTDIR")) return { agent: {} };
    throw new ConfigError(`read the configuration ${source.path}: ${messageOf(cause)}`, {
      details: { problem: "unreadable-file", file: source.path },
      cause,
    });
  }
  const { parseConfig } = await import("./config-file.ts");
  return parseConfig(text, source.path);
}
