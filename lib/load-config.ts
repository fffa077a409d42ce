/**
 * The configuration file: TOML, whose keys are the long options without their dashes.
 *
 *     reader = "SCR3310"
 *     pcsc-binding = "pcsc-mini"
 *     [agent]
 *     card-hold = 3
 *
 * This part is light; the parser is loaded only where there is a file.
 */

import { readFile } from "node:fs/promises";
import type { Config } from "./config.ts";
import { ConfigError, hasErrno, messageOf } from "./errors.ts";

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
