/**
 * What lies on the readers now: one record for each insertion of a card, with its session and, once read, its key.
 *
 * A card is told by selecting the JPKI application, never by its ATR. Its certificate is read once for each insertion,
 * right after it was put on the reader, so that listing never needs the card.
 */

import type { CertificateOutcome, JpkiApplication } from "../lib/card/jpki.ts";
import { CardSession } from "../lib/card/session.ts";
import type { CardSlot, CardTransport } from "../lib/card/transport.ts";
import { type CardKey, cardKeyOf } from "../lib/card-key.ts";
import { JpkiError, messageOf, PcscError } from "../lib/errors.ts";
import type { Logger } from "../lib/log.ts";

/** What reading a card has told. */
export type CardIdentity =
  | { readonly kind: "unread" }
  | { readonly kind: "known"; readonly key: CardKey }
  /** A JPKI application whose certificate comes only after the PIN: a phone. */
  | { readonly kind: "hidden" }
  | { readonly kind: "not-jpki" }
  | { readonly kind: "unreadable"; readonly error: Error };

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

/**
 * Never rejects for what a card does: it is used without what it did not tell.
 *
 * @param certificate DER; undefined: the card shows it only after its PIN.
 * @returns what was learnt of the card, to be kept with its key.
 */
export type ReadMore = (
  jpki: JpkiApplication,
  insertion: number,
  certificate: Uint8Array | undefined,
) => Promise<Pick<CardKey, "pss">>;

interface CardReading {
  readonly found: CertificateOutcome;
  readonly learnt?: Pick<CardKey, "pss"> | undefined;
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
    const { log } = this.#options;
    const { reader } = record.slot;
    record.reading = true;
    try {
      const { found, learnt } = await this.#read(record);
      switch (found.kind) {
        case "certificate": {
          const key = { ...cardKeyOf(found.der, "card"), ...learnt };
          record.identity = { kind: "known", key };
          log.info("card ready", { reader, key: key.id });
          await this.#remember(key);
          return;
        }
        case "needs-pin":
          record.identity = { kind: "hidden" };
          log.info("card ready; it shows its certificate only after its PIN", { reader });
          return;
        case "absent":
          record.identity = { kind: "not-jpki" };
          log.warn("card without an authentication certificate", { reader });
          return;
      }
    } catch (error) {
      if (error instanceof JpkiError && error.code === "NOT_JPKI") {
        record.identity = { kind: "not-jpki" };
        log.info("card is not a JPKI card", { reader });
        return;
      }
      const cause = error instanceof Error ? error : new Error(messageOf(error));
      record.identity = { kind: "unreadable", error: cause };
      log.warn("card could not be read", { reader, error: cause.message });
    } finally {
      record.reading = false;
      this.#tellWatchers();
    }
  }

  /** Twice: a reader that cannot carry a long answer fails once, and the session has learnt to ask for short ones. */
  async #read(record: CardRecord): Promise<CardReading> {
    const { readMore } = this.#options;
    const { insertion } = record.slot;
    const read = () =>
      record.session.run("identify", async (jpki): Promise<CardReading> => {
        const found = await jpki.readCertificate("auth");
        if (found.kind === "absent") return { found };
        const certificate = found.kind === "certificate" ? found.der : undefined;
        return { found, learnt: await readMore?.(jpki, insertion, certificate) };
      });
    try {
      return await read();
    } catch (error) {
      if (!isTransient(error) || !this.#isCurrent(record)) throw error;
      this.#options.log.debug("reading the card once more", { reader: record.slot.reader, error: messageOf(error) });
      return read();
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

function isTransient(error: unknown): boolean {
  return error instanceof JpkiError && (error.code === "CARD_RESET" || error.code === "MALFORMED");
}
