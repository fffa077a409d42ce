/** The outside for the agent, opened as the settings say. */

import type { AgentParts } from "../agent/main.ts";
import type { Config } from "../lib/config.ts";
import type { KnownHostKeys } from "../lib/known-host-keys.ts";
import type { Logger } from "../lib/log.ts";
import type { PinVault } from "../lib/pin/vault.ts";
import type { CertificateSource } from "../lib/user-certificates.ts";
import type { Deps } from "./deps.ts";
import type { Messages } from "./messages/messages.ts";

export interface LogOptions {
  /** How often `-v` was given. */
  readonly verbose: number;
  /** The log's level without `-v`. */
  readonly level: "info" | "error";
}

export interface PartsOptions extends LogOptions {
  readonly settings: Config;
}

export interface OpenedParts {
  /** Closed by what is built on it. */
  readonly parts: AgentParts;
  readonly knownHosts: KnownHostKeys;
  readonly certificates: CertificateSource;
}

/** The log, as lines of JSON on stderr. */
export async function openLog({ verbose, level }: LogOptions, { stderr }: Deps): Promise<Logger> {
  const { openLog } = await import("../lib/node.ts");
  return openLog(verbose === 0 ? level : verbose === 1 ? "debug" : "trace", (line) => stderr.write(line));
}

/** The OS keychain. */
export async function openVault({ self, env }: Deps, log: Logger): Promise<PinVault> {
  const { openVault } = await import("../lib/node.ts");
  return openVault({ node: self[0], env, log });
}

/** Readers and cards, a way to ask a person, what is remembered. */
export async function openAgentParts(options: PartsOptions, deps: Deps, messages: Messages): Promise<OpenedParts> {
  const { reader, card = "pcsc", pcscBinding = "auto", agent } = options.settings;
  const node = await import("../lib/node.ts");
  const log = await openLog(options, deps);
  const [prompt, known, record, knownHosts, certificates, transport] = await Promise.all([
    node.openPrompt({
      mode: agent.pinPrompt ?? "auto",
      pinentry: agent.pinentry,
      env: deps.env,
      texts: messages.prompts,
      log,
    }),
    node.openKnownKeys(deps, log),
    node.openSignatureRecord(deps, log, agent.notify === true ? messages.signatures.notice : undefined),
    node.openKnownHosts(deps.home, log),
    node.openCertificates(agent.certificate ?? [], deps, log),
    // The process ends when its command has: main.ts sees to it.
    node.openTransport(card, pcscBinding, deps, { log, leaveWatch: true, onStuck: deps.onStuck }),
  ]);
  const now = () => performance.now();
  const vault = agent.pinCache === "keychain" ? await openVault(deps, log) : undefined;
  return { parts: { transport, prompt, known, record, vault, log, reader, now }, knownHosts, certificates };
}
