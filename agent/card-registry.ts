/**
 * What lies on the readers now: one record for each insertion of a card, with its session and, once read, its key.
 *
 * A card is told by selecting the JPKI application, never by its ATR. Its certificate is read once for each insertion,
 * right after it was put on the reader, so that listing never needs the card.
 */

import { CardSession } from "../lib/card/session.ts";
import type { CardSlot, CardTransport } from "../lib/card/transport.ts";
import type { CardKey } from "../lib/card-key.ts";
import { messageOf, PcscError } from "../lib/errors.ts";
import type { Logger } from "../lib/log.ts";
import { type CardIdentity, identifyCard, type ReadMore } from "./identify-card.ts";

/** One insertion of one card. */
export interface CardRecord {
  readonly slot: CardSlot;
  readonly session: CardSession;
  /** What is known so far; `identified` resolves when the reading under way has ended. */
  readonly identity: CardIdentity;
  readonly identified: Promise<void>;
}

interface MutableRecord extends CardRecord {
  identity: CardIdentity;
  identified: Promise<void>;
  /** Whether it is being read now. */
  reading: boolean;
}

export interface CardRegistryOptions {
  readonly transport: CardTransport;
  /** How long a session may stay open for the next request. */
  readonly holdMs: number;
  /** Which readers count; all of them if absent. */
  readonly wantsReader?: ((reader: string) => boolean) | undefined;
  /** Called with the insertions that are there, after each change. */
  readonly onChange?: ((insertions: ReadonlySet<number>) => void) | undefined;
  /** Called with each key that was read from a card. */
  readonly onKey?: ((key: CardKey) => Promise<void>) | undefined;
  /** Reads more of a JPKI card in the session that reads its certificate; absent: no command more is sent. */
  readonly readMore?: ReadMore | undefined;
  readonly log: Logger;
}

export class CardRegistry {
  readonly #options: CardRegistryOptions;
  readonly #records = new Map<number, MutableRecord>();
  /** Sessions of cards that have left, still ending. */
  readonly #ending = new Set<Promise<void>>();
  readonly #watchers = new Set<() => void>();
  #unsubscribe: (() => void) | undefined;

  constructor(options: CardRegistryOptions) {
    this.#options = options;
  }

  /** Begins to watch. Call once. */
  start(): void {
    this.#unsubscribe = this.#options.transport.onChange(() => this.#refresh());
    this.#refresh();
  }

  /** Calls back after each change of {@link cards}, of a card's identity, and of PC/SC. Returns what ends it. */
  watch(watcher: () => void): () => void {
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  }

  /** The cards on the readers now, in the readers' order. */
  cards(): readonly CardRecord[] {
    return [...this.#records.values()];
  }

  /** @throws PcscError `CARD_RESET` if the card is no longer the one that lies on its reader. */
  requireCurrent(card: CardRecord): void {
    const { reader } = card.slot;
    if (this.#isCurrent(card)) return;
    throw new PcscError("CARD_RESET", `use the card in ${reader}: it was taken out`, { details: { reader } });
  }

  /** Resolves when every card on the readers has been read or has failed. */
  async settled(): Promise<void> {
    await Promise.all(this.cards().map((card) => card.identified));
  }

  /** Reads again the cards that could not be read; resolves when done. */
  async retryUnreadable(): Promise<void> {
    for (const record of this.#records.values()) {
      if (record.identity.kind === "unreadable" && !record.reading) record.identified = this.#identify(record);
    }
    await this.settled();
  }

  /** Notes what a phone showed after its PIN. */
  async reveal(card: CardRecord, key: CardKey): Promise<void> {
    const record = this.#records.get(card.slot.insertion);
    if (record !== undefined) record.identity = { kind: "known", key };
    await this.#remember(key);
  }

  /** Lets go of all cards at once. */
  async release(): Promise<void> {
    await Promise.all(this.cards().map((card) => card.session.release()));
  }

  /** Stops watching and ends every session with the card's power cut. */
  async close(): Promise<void> {
    this.#unsubscribe?.();
    for (const record of this.#records.values()) this.#end(record);
    this.#records.clear();
    await Promise.all(this.#ending);
  }

  #isCurrent(card: CardRecord): boolean {
    return this.#options.transport.slots().some((slot) => slot.insertion === card.slot.insertion);
  }

  #refresh(): void {
    const { transport, wantsReader, onChange } = this.#options;
    const present = transport
      .slots()
      .filter((slot) => slot.state === "present" && (wantsReader?.(slot.reader) ?? true));
    const insertions = new Set(present.map((slot) => slot.insertion));
    for (const [insertion, record] of this.#records) {
      if (insertions.has(insertion)) continue;
      this.#records.delete(insertion);
      this.#end(record);
    }
    for (const slot of present) if (!this.#records.has(slot.insertion)) this.#add(slot);
    onChange?.(insertions);
    this.#tellWatchers();
  }

  #tellWatchers(): void {
    for (const watcher of [...this.#watchers]) watcher();
  }

  #add(slot: CardSlot): void {
    const { transport, holdMs, log } = this.#options;
    const record: MutableRecord = {
      slot,
      session: new CardSession({ transport, slot, holdMs, log }),
      identity: { kind: "unread" },
      identified: Promise.resolve(),
      reading: false,
    };
    this.#records.set(slot.insertion, record);
    record.identified = this.#identify(record);
  }

  #end(record: CardRecord): void {
    const ending = record.session.close().finally(() => this.#ending.delete(ending));
    this.#ending.add(ending);
  }

  /** Never rejects: what went wrong is the record's identity. */
  async #identify(record: MutableRecord): Promise<void> {
    const { readMore, log } = this.#options;
    record.reading = true;
    try {
      record.identity = await identifyCard(record, { readMore, isCurrent: () => this.#isCurrent(record), log });
      if (record.identity.kind === "known") await this.#remember(record.identity.key);
    } finally {
      record.reading = false;
      this.#tellWatchers();
    }
  }

  /** A key that cannot be kept on disk is no reason not to use the card. */
  async #remember(key: CardKey): Promise<void> {
    try {
      await this.#options.onKey?.(key);
    } catch (error) {
      this.#options.log.warn("the card's key could not be remembered", { key: key.id, error: messageOf(error) });
    }
  }
}
