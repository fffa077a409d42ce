/**
 * The one place that joins adapters to ports: PC/SC or the virtual card, a way to ask a person, the state folder, the
 * log. Each adapter is loaded only when it is used.
 */

import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { AskAgentOptions } from "./agent-client.ts";
import type { PcscTransportOptions } from "./card/pcsc-transport.ts";
import type { CardTransport } from "./card/transport.ts";
import type { KnownKeyStore } from "./card-key.ts";
import type { CardSource, PcscBinding, PinPromptChoice } from "./config.ts";
import { assertNever } from "./errors.ts";
import type { HttpExchange } from "./http-exchange.ts";
import type { KnownHostKeys } from "./known-host-keys.ts";
import type { Logger, LogLevel } from "./log.ts";
import { type PathSources, stateFolder } from "./paths.ts";
import type { Prompt, PromptTexts } from "./pin/prompt.ts";
import type { PromptChoice, PromptWay } from "./pin/select-prompt.ts";
import type { PinVault } from "./pin/vault.ts";
import type { DatedSignatureEntry, NoticeText, SignatureEntry, SignatureRecord } from "./signature-entry.ts";
import type { AgentRequest } from "./ssh/agent-protocol.ts";
import type { AgentResponse } from "./ssh/agent-response.ts";
import type { ServiceNotice } from "./systemd-notify.ts";
import type { CertificateSource } from "./user-certificates.ts";

/** The card that `--card virtual` means. */
export const VIRTUAL_READER = "Virtual card reader";

type PromptSources = Pick<PromptOptions, "mode" | "pinentry" | "env">;

export interface PromptOptions {
  readonly mode: PinPromptChoice;
  /** `--pinentry`: a path, or a name in the PATH. */
  readonly pinentry?: string | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly texts: PromptTexts;
  readonly log: Logger;
}

/** @param write takes whole lines of JSON. */
export async function openLog(level: LogLevel, write: (line: string) => void): Promise<Logger> {
  const { createPinoLogger } = await import("./pino-log.ts");
  return createPinoLogger({ level, destination: { write } });
}

/** Readers and cards; never fails for want of pcscd or a reader, see {@link CardTransport.fault}. */
export async function openTransport(
  card: CardSource,
  binding: PcscBinding,
  paths: PathSources,
  options: PcscTransportOptions,
): Promise<CardTransport> {
  if (card === "virtual") return openVirtualTransport(paths);
  const mini = await import("./card/pcsc-mini.ts");
  if (binding === "pcsc-mini" || (binding === "auto" && (await mini.isPcscMiniUsable()))) {
    return mini.createPcscMiniTransport(options);
  }
  const { createPcscliteTransport } = await import("./card/pcsclite.ts");
  return createPcscliteTransport(options);
}

/** Loads a binding's native part and nothing else. @returns why it cannot be loaded. */
export async function tryPcscBinding(name: Exclude<PcscBinding, "auto">): Promise<Error | undefined> {
  switch (name) {
    case "pcsc-mini":
      return (await import("./card/pcsc-mini.ts")).tryPcscMini();
    case "pcsclite":
      return (await import("./card/pcsclite.ts")).tryPcsclite();
    default:
      return assertNever(name);
  }
}

async function openVirtualTransport(paths: PathSources): Promise<CardTransport> {
  const { createVirtualTransport } = await import("./virtual-card/transport.ts");
  const { openVirtualCard } = await import("./virtual-card/store.ts");
  const card = await openVirtualCard({ path: join(stateFolder(paths), "virtual-card.json"), now: new Date() });
  return createVirtualTransport({ slots: [{ reader: VIRTUAL_READER, card }] });
}

/** Asks in the best way there is, chosen anew for each question. */
export async function openPrompt(options: PromptOptions): Promise<Prompt> {
  const { createChoosingPrompt } = await import("./pin/choosing-prompt.ts");
  const { log } = options;
  return createChoosingPrompt({ choose: await openChooser(options), open: (way) => openWay(way, options), log });
}

/** The ways that {@link openPrompt} would try now, for people to read. */
export async function choosePrompt(options: PromptSources): Promise<PromptChoice> {
  return (await openChooser(options))();
}

async function openChooser({ mode, pinentry, env }: PromptSources): Promise<() => PromptChoice> {
  const { DEFAULT_ASKPASS, selectPrompt } = await import("./pin/select-prompt.ts");
  const { isTerminalUsable } = await import("./pin/terminal.ts");
  const { findProgram, findSystemdAsk } = await import("./pin/programs.ts");
  return () => {
    const ttyUsable = isTerminalUsable(terminalPath(env));
    return selectPrompt(mode, {
      env,
      pinentry: pinentry ?? findProgram(["pinentry-mac", "pinentry"], env),
      defaultAskpass: existsSync(DEFAULT_ASKPASS) ? DEFAULT_ASKPASS : undefined,
      systemdAsk: findSystemdAsk(env),
      ttyForPinentry: namedTerminal(env) !== undefined || ttyUsable,
      ttyUsable,
    });
  };
}

async function openWay(way: PromptWay, { env, texts }: PromptOptions): Promise<Prompt> {
  switch (way.kind) {
    case "pinentry": {
      const { createPinentryPrompt } = await import("./pin/pinentry.ts");
      const { controllingTerminal } = await import("./pin/programs.ts");
      const { program, windowOnly } = way;
      return createPinentryPrompt({
        program,
        windowOnly,
        env,
        tty: namedTerminal(env) ?? controllingTerminal(),
        texts,
      });
    }
    case "askpass": {
      const { createAskpassPrompt } = await import("./pin/askpass.ts");
      return createAskpassPrompt({ program: way.program, env, texts });
    }
    case "tty": {
      const { createTtyPrompt } = await import("./pin/tty.ts");
      const color = !["", "dumb"].includes(env["TERM"] ?? "") && !env["NO_COLOR"];
      return createTtyPrompt({ path: terminalPath(env), color, texts });
    }
    case "systemd": {
      const { createSystemdAskPrompt } = await import("./pin/systemd-ask.ts");
      return createSystemdAskPrompt({ program: way.program, env, texts });
    }
    default:
      return assertNever(way);
  }
}

function terminalPath(env: PromptOptions["env"]): string {
  return namedTerminal(env) ?? "/dev/tty";
}

/** GPG_TTY, as pinentry's users set it by `$(tty)`, which says "not a tty" where there is none. */
function namedTerminal(env: PromptOptions["env"]): string | undefined {
  return env["GPG_TTY"]?.startsWith("/") ? env["GPG_TTY"] : undefined;
}

/** The record of signatures; with `notice`, each is shown on the desktop too. */
export async function openSignatureRecord(
  paths: PathSources,
  log: Logger,
  notice: ((entry: SignatureEntry) => NoticeText) | undefined,
): Promise<SignatureRecord> {
  const { openSignatureRecord } = await import("./signature-record.ts");
  const kept = openSignatureRecord({ folder: stateFolder(paths), now: () => new Date(), log });
  if (notice === undefined) return kept;
  const { createDesktopNotice } = await import("./desktop-notice.ts");
  const shown = createDesktopNotice({ env: paths.env, text: notice, log });
  return {
    add: (entry) => {
      kept.add(entry);
      shown.add(entry);
    },
  };
}

/** Tells the service manager at `socket` (NOTIFY_SOCKET) how we stand. */
export async function openServiceNotice(
  socket: string,
  env: Readonly<Record<string, string | undefined>>,
  log: Logger,
): Promise<ServiceNotice> {
  const { createSystemdNotice } = await import("./systemd-notify.ts");
  return createSystemdNotice({ socket, env, log });
}

/** What the record holds, the newest last. @throws FileError `IO_FAILED`. */
export async function readSignatures(paths: PathSources): Promise<readonly DatedSignatureEntry[]> {
  const { readSignatureRecord } = await import("./signature-record.ts");
  return readSignatureRecord(stateFolder(paths));
}

export async function openKnownKeys(paths: PathSources, log: Logger): Promise<KnownKeyStore> {
  const known = await import("./known-keys.ts");
  return known.openKnownKeys({ folder: stateFolder(paths), log });
}

/** The hosts of host keys: for prompts, the record, and the policy of forwarding. */
export async function openKnownHosts(home: string, log: Logger): Promise<KnownHostKeys> {
  const { createKnownHostKeys } = await import("./host-names.ts");
  return createKnownHostKeys({ files: [join(home, ".ssh/known_hosts"), "/etc/ssh/ssh_known_hosts"], log });
}

/** The certificates in these files and in the state folder. @param files absolute paths. */
export async function openCertificates(
  files: readonly string[],
  paths: PathSources,
  log: Logger,
): Promise<CertificateSource> {
  const { createCertificateFiles } = await import("./certificate-files.ts");
  return createCertificateFiles({ files, folder: stateFolder(paths), log });
}

export interface VaultOptions {
  /** Node's executable. */
  readonly node: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly log: Logger;
}

/** A locked keyring shows a window where its owner types a password; after this long the PIN is asked for instead. */
const KEYCHAIN_TIMEOUT_MS = 15_000;

/** The OS keychain; that it cannot be used is told by each request. */
export async function openVault({ node, env, log }: VaultOptions): Promise<PinVault> {
  const { createKeychain } = await import("./pin/keychain.ts");
  // All parts of the built program lie in one folder.
  const child = fileURLToPath(new URL("keychain-child.js", import.meta.url));
  return createKeychain({ command: [node, child], env, timeoutMs: KEYCHAIN_TIMEOUT_MS, log });
}

/** One question to the agent at a socket, see agent-client.ts. @returns undefined if none listens there. */
export async function askAgent(
  path: string,
  request: AgentRequest,
  options: AskAgentOptions,
): Promise<AgentResponse | undefined> {
  const client = await import("./agent-client.ts");
  return client.askAgent(path, request, options);
}

/** The body of an answer over plain HTTP, see http-exchange.ts. */
export async function exchangeHttp(exchange: HttpExchange): Promise<Uint8Array> {
  const http = await import("./http-exchange.ts");
  return http.exchangeHttp(exchange);
}
