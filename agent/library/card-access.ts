/**
 * Cards for a program: the same readers, prompts, key store and record of signatures that the agent has, in the
 * program's own process. The one file of agent/ that joins the adapters by itself, as cli/ does for the command line.
 */

import { homedir } from "node:os";
import { CARD_SOURCES, PCSC_BINDINGS, PIN_PROMPTS } from "../../lib/config.ts";
import type { KeyStore } from "../../lib/keys.ts";
import { languageOf } from "../../lib/language.ts";
import { type Logger, silentLogger } from "../../lib/log.ts";
import type { PathSources } from "../../lib/paths.ts";
import type { Prompt } from "../../lib/pin/prompt.ts";
import { CardArrival } from "../card-arrival.ts";
import { CardKeyStore } from "../card-key-store.ts";
import { type AgentParts, type Cards, firstReading, openCards } from "../cards.ts";
import type { PinCache } from "../remembered-pins.ts";
import { requireKnown } from "./known-words.ts";
import { type JpkiOptions, PROGRAM_PIN_CACHES } from "./options.ts";
import { ProgramPrompt } from "./program-prompt.ts";

const DEFAULT_TTL_MS = 3_600_000;

export interface CardAccess {
  readonly parts: AgentParts;
  readonly cards: Cards;
  readonly keys: KeyStore;
  /** Shown to the person who is asked. */
  readonly program: string;
  /** Aborts when it is closed. */
  readonly closing: AbortSignal;
  /** Ends what waits, cuts the cards' power, lets the process end. May be called twice. */
  close(): Promise<void>;
}

/**
 * Starts to watch the readers. Needs neither PC/SC nor a reader nor a card: they may come later.
 *
 * @throws ConfigError for an option's word that nobody knows.
 */
export async function openCardAccess(options: JpkiOptions): Promise<CardAccess> {
  const { card = "pcsc", pcscBinding = "auto", reader, env = process.env, log = silentLogger } = options;
  const { pinCache = "off", pinCacheTtlMs = DEFAULT_TTL_MS, program = process.argv[1] ?? "node" } = options;
  requireKnown("card", card, CARD_SOURCES);
  requireKnown("pcscBinding", pcscBinding, PCSC_BINDINGS);
  requireKnown("pinCache", pinCache, PROGRAM_PIN_CACHES);
  if (typeof options.prompt === "string") requireKnown("prompt", options.prompt, PIN_PROMPTS);
  const node = await import("../../lib/node.ts");
  const paths = { env, home: homedir() };
  const parts: AgentParts = {
    transport: await node.openTransport(card, pcscBinding, paths, { log }),
    prompt: await openPrompt(options, paths, log),
    known: await node.openKnownKeys(paths, log),
    record: await node.openSignatureRecord(paths, log, undefined),
    log,
    reader,
    now: () => performance.now(),
  };
  return startCardAccess(parts, { mode: pinCache, ttlMs: pinCacheTtlMs }, program);
}

/** The same over parts that are open already, which it closes. */
export async function startCardAccess(parts: AgentParts, cache: PinCache, program: string): Promise<CardAccess> {
  const { transport, known, log } = parts;
  // No session is held between two uses: a program that dies must not leave a verified card behind.
  const cards = openCards(parts, cache, 0);
  const arrival = new CardArrival({ ...cards, waitMs: 0, fault: () => transport.fault(), log });
  const closing = new AbortController();
  await firstReading(transport, cards.registry, log);
  return {
    parts,
    cards,
    keys: new CardKeyStore({ ...cards, known, arrival, log }),
    program,
    closing: closing.signal,
    close: async () => {
      closing.abort(new DOMException("the cards were closed", "AbortError"));
      await cards.close();
    },
  };
}

async function openPrompt({ prompt = "auto" }: JpkiOptions, { env }: PathSources, log: Logger): Promise<Prompt> {
  if (typeof prompt !== "string") return new ProgramPrompt(prompt);
  const node = await import("../../lib/node.ts");
  return node.openPrompt({ mode: prompt, env, texts: await wordsIn(languageOf(env)), log });
}

async function wordsIn(language: "en" | "ja") {
  if (language === "ja") return (await import("../../lib/pin/words-ja.ts")).japanesePrompts;
  return (await import("../../lib/pin/words-en.ts")).englishPrompts;
}
