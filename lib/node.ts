/**
 * The one place that joins adapters to ports: PC/SC or the virtual card, a way to ask a person, the state folder, the
 * log. Each adapter is loaded only when it is used.
 */

import { existsSync } from "node:fs";
import { join } from "node:path";
import type { CardTransport } from "./card/transport.ts";
import type { KnownKeyStore } from "./card-key.ts";
import type { CardSource, PcscBinding, PinPromptChoice } from "./config.ts";
import type { Logger, LogLevel } from "./log.ts";
import { type PathSources, stateFolder } from "./paths.ts";
import type { Prompt, PromptTexts } from "./pin/prompt.ts";

/** The card that `--card virtual` means. */
export const VIRTUAL_READER = "Virtual card reader";

export interface PromptOptions {
  readonly mode: PinPromptChoice;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly texts: PromptTexts;
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
  log: Logger,
): Promise<CardTransport> {
  if (card === "virtual") return openVirtualTransport(paths);
  const mini = await import("./card/pcsc-mini.ts");
  if (binding === "pcsc-mini" || (binding === "auto" && (await mini.isPcscMiniUsable()))) {
    return mini.createPcscMiniTransport({ log });
  }
  const { createPcscliteTransport } = await import("./card/pcsclite.ts");
  return createPcscliteTransport({ log });
}

async function openVirtualTransport(paths: PathSources): Promise<CardTransport> {
  const { createVirtualTransport } = await import("./virtual-card/transport.ts");
  const { openVirtualCard } = await import("./virtual-card/store.ts");
  const card = await openVirtualCard({ path: join(stateFolder(paths), "virtual-card.json"), now: new Date() });
  return createVirtualTransport({ slots: [{ reader: VIRTUAL_READER, card }] });
}

/** The way to ask that fits these surroundings; one that says why it cannot where there is none. */
export async function openPrompt({ mode, env, texts }: PromptOptions): Promise<Prompt> {
  const { createNoPrompt, DEFAULT_ASKPASS, selectPrompt } = await import("./pin/select-prompt.ts");
  const { isTerminalUsable } = await import("./pin/terminal.ts");
  const path = env["GPG_TTY"] || "/dev/tty";
  const choice = selectPrompt(mode, {
    env,
    defaultAskpass: existsSync(DEFAULT_ASKPASS) ? DEFAULT_ASKPASS : undefined,
    ttyUsable: isTerminalUsable(path),
  });
  switch (choice.kind) {
    case "askpass": {
      const { createAskpassPrompt } = await import("./pin/askpass.ts");
      return createAskpassPrompt({ program: choice.program, env, texts });
    }
    case "tty": {
      const { createTtyPrompt } = await import("./pin/tty.ts");
      return createTtyPrompt({ path, texts });
    }
    case "none":
      return createNoPrompt(choice);
  }
}

export async function openKnownKeys(paths: PathSources, log: Logger): Promise<KnownKeyStore> {
  const known = await import("./known-keys.ts");
  return known.openKnownKeys({ folder: stateFolder(paths), log });
}

/** Names of host keys for prompts and the record. */
export async function openHostNames(
  home: string,
  log: Logger,
): Promise<(hostKeyBlob: Uint8Array) => readonly string[]> {
  const { createHostNames } = await import("./host-names.ts");
  return createHostNames({ files: [join(home, ".ssh/known_hosts"), "/etc/ssh/ssh_known_hosts"], log });
}
