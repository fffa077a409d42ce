/** What counts in the end: the flag, else the configuration file, else the default of the command. */

import { resolve } from "node:path";
import type { AgentConfig, Config, GlobalConfig } from "../lib/config.ts";
import { loadConfig } from "../lib/load-config.ts";
import { configFile } from "../lib/paths.ts";
import type { Deps } from "./deps.ts";

/** Global flags as commander collects them. */
export interface GlobalFlags extends GlobalConfig {
  readonly config?: string | undefined;
  readonly json?: boolean | undefined;
  /** How often `-v` was given. */
  readonly verbose: number;
}

/**
 * The configuration with the flags laid over it.
 *
 * @throws ConfigError `CONFIG_INVALID`.
 */
export async function settingsOf(flags: GlobalFlags & AgentConfig, deps: Deps): Promise<Config> {
  const file = await loadConfig(
    flags.config === undefined
      ? { path: configFile(deps), required: false }
      : { path: resolve(flags.config), required: true },
  );
  return {
    reader: flags.reader ?? file.reader,
    card: flags.card ?? file.card,
    pcscBinding: flags.pcscBinding ?? file.pcscBinding,
    agent: {
      socket: flags.socket ?? file.agent.socket,
      pinPrompt: flags.pinPrompt ?? file.agent.pinPrompt,
      pinentry: flags.pinentry ?? file.agent.pinentry,
      pinCache: flags.pinCache ?? file.agent.pinCache,
      pinCacheTtl: flags.pinCacheTtl ?? file.agent.pinCacheTtl,
      cardHold: flags.cardHold ?? file.agent.cardHold,
      waitCard: flags.waitCard ?? file.agent.waitCard,
      allowSha1: flags.allowSha1 ?? file.agent.allowSha1,
      allowAnyData: flags.allowAnyData ?? file.agent.allowAnyData,
      confirm: flags.confirm ?? file.agent.confirm,
      requireBinding: flags.requireBinding ?? file.agent.requireBinding,
      allowForwarded: flags.allowForwarded ?? file.agent.allowForwarded,
      certificate: flags.certificate?.map((path) => resolve(path)) ?? file.agent.certificate,
      upstream: flags.upstream === undefined ? file.agent.upstream : resolve(flags.upstream),
      pkcs11Socket: flags.pkcs11Socket ?? file.agent.pkcs11Socket,
      pkcs11SignatureKey: flags.pkcs11SignatureKey ?? file.agent.pkcs11SignatureKey,
      pkcs11LoginTtl: flags.pkcs11LoginTtl ?? file.agent.pkcs11LoginTtl,
      pkcs11LoginSignatures: flags.pkcs11LoginSignatures ?? file.agent.pkcs11LoginSignatures,
      pkcs11Pss: flags.pkcs11Pss ?? file.agent.pkcs11Pss,
      notify: flags.notify ?? file.agent.notify,
    },
  };
}
