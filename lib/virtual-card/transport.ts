/**
 * Readers and cards without PC/SC: the {@link CardTransport} of `--card virtual`, of `demo` and of tests.
 *
 * It behaves as a reader does where that can be seen: one connection at a time is alone with a card, the card has power
 * from connect to end, and a card that is pulled out ends its connection with `CARD_RESET`.
 */

import { setTimeout as delay, setImmediate as nextTurn } from "node:timers/promises";
import type { CardConnection, CardSlot, CardTransport, ConnectOptions } from "../card/transport.ts";
import { MalformedError, PcscError } from "../errors.ts";
import type { EmulatedCard } from "./card.ts";

const DEFAULT_BUSY_TIMEOUT_MS = 5000;
const STATUS_BYTES = 2;

export interface VirtualSlotOptions {
  readonly reader: string;
  /** The card on it; none: an empty reader. */
  readonly card?: EmulatedCard | undefined;
}

export interface VirtualTransportOptions {
  readonly slots: readonly VirtualSlotOptions[];
  /** How long each command takes, milliseconds (default 0). */
  readonly delayMs?: number | undefined;
}

/** The port, and a hand that moves cards and readers. */
export interface VirtualTransport extends CardTransport {
  addReader(reader: string): void;
  /** Unplugs it, card and all. @throws RangeError for a reader that is not there. */
  removeReader(reader: string): void;
  /** Lays the card on the reader, in place of one that is there. @throws RangeError for a reader that is not there. */
  insert(reader: string, card: EmulatedCard): void;
  /** Takes the card away. @throws RangeError for a reader that is not there. */
  remove(reader: string): void;
}

/** A reader; the fields change, the object stays until it is unplugged. */
interface Reader {
  slot: CardSlot;
  card: EmulatedCard | undefined;
  connection: VirtualConnection | undefined;
  unplugged: boolean;
  /** Wake-up calls of those who wait for the connection's end or the card's removal, in order. */
  waiting: (() => void)[];
}

export function createVirtualTransport(options: VirtualTransportOptions): VirtualTransport {
  return new ReaderTable(options);
}

class ReaderTable implements VirtualTransport {
  readonly #readers = new Map<string, Reader>();
  readonly #listeners = new Set<() => void>();
  readonly #delayMs: number;
  #insertions = 0;
  #closed = false;

  constructor(options: VirtualTransportOptions) {
    this.#delayMs = options.delayMs ?? 0;
    for (const { reader, card } of options.slots) {
      this.addReader(reader);
      if (card !== undefined) this.insert(reader, card);
    }
  }

  slots(): readonly CardSlot[] {
    return [...this.#readers.values()].map((reader) => reader.slot);
  }

  ready(): Promise<void> {
    return Promise.resolve();
  }

  fault(): undefined {
    return undefined;
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async connect(slot: CardSlot, options: ConnectOptions = {}): Promise<CardConnection> {
    const deadline = performance.now() + (options.busyTimeoutMs ?? DEFAULT_BUSY_TIMEOUT_MS);
    for (;;) {
      options.signal?.throwIfAborted();
      const { reader, card } = this.#find(slot);
      if (reader.connection === undefined) {
        reader.connection = new VirtualConnection(reader, card, this.#delayMs);
        return reader.connection;
      }
      await waitForTurn(reader, deadline, options.signal);
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#listeners.clear();
    for (const reader of this.#readers.values()) {
      await reader.connection?.end();
      wakeAll(reader);
    }
  }

  addReader(name: string): void {
    this.#readers.set(name, newReader(name));
    this.#changed();
  }

  removeReader(name: string): void {
    const reader = this.#reader(name);
    this.#readers.delete(name);
    reader.unplugged = true;
    takeCard(reader);
    this.#changed();
  }

  insert(name: string, card: EmulatedCard): void {
    const reader = this.#reader(name);
    takeCard(reader);
    reader.card = card;
    const state = card.atr.length > 0 ? "present" : "mute";
    reader.slot = { reader: name, state, atr: card.atr, insertion: ++this.#insertions };
    this.#changed();
  }

  remove(name: string): void {
    takeCard(this.#reader(name));
    this.#changed();
  }

  #reader(name: string): Reader {
    const reader = this.#readers.get(name);
    if (reader === undefined) throw new RangeError(`no reader "${name}"`);
    return reader;
  }

  #find(slot: CardSlot): { readonly reader: Reader; readonly card: EmulatedCard } {
    if (this.#closed) throw new PcscError("PCSC_UNAVAILABLE", "connect: the transport is closed");
    const reader = this.#readers.get(slot.reader);
    if (reader === undefined) throw new PcscError("READER_ABSENT", `connect: reader ${slot.reader} is gone`);
    if (reader.card === undefined || reader.slot.state !== "present")
      throw new PcscError("CARD_ABSENT", `connect: no card answers on reader ${slot.reader}`);
    if (reader.slot.insertion !== slot.insertion)
      throw new PcscError("CARD_RESET", `connect: the card on reader ${slot.reader} was taken out`);
    return { reader, card: reader.card };
  }

  #changed(): void {
    for (const listener of [...this.#listeners]) listener();
  }
}

class VirtualConnection implements CardConnection {
  readonly slot: CardSlot;
  readonly protocol: "T=0" | "T=1";
  readonly #reader: Reader;
  readonly #card: EmulatedCard;
  readonly #delayMs: number;
  #ended = false;

  constructor(reader: Reader, card: EmulatedCard, delayMs: number) {
    this.slot = reader.slot;
    this.protocol = card.protocol;
    this.#reader = reader;
    this.#card = card;
    this.#delayMs = delayMs;
    card.powerOn();
  }

  async transmit(command: Uint8Array): Promise<Uint8Array> {
    this.#checkPresent();
    // A timer of 0 ms takes 1 ms. Whatever else is due still gets its turn, as with a reader.
    await (this.#delayMs === 0 ? nextTurn() : delay(this.#delayMs));
    this.#checkPresent();
    const response = this.#card.transmit(command);
    // A card made for a test may have been pulled out by its own answer.
    this.#checkPresent();
    if (response.length < STATUS_BYTES)
      throw new MalformedError(`transmit: the card answered ${response.length} bytes`);
    return response;
  }

  end(): Promise<void> {
    if (this.#ended) return Promise.resolve();
    this.#ended = true;
    this.#card.powerOff();
    if (this.#reader.connection === this) this.#reader.connection = undefined;
    wakeAll(this.#reader);
    return Promise.resolve();
  }

  #checkPresent(): void {
    if (this.#reader.unplugged)
      throw new PcscError("READER_ABSENT", `transmit: reader ${this.slot.reader} was unplugged`);
    if (this.#ended || this.#reader.connection !== this)
      throw new PcscError("CARD_RESET", `transmit: the card on reader ${this.slot.reader} was taken out`);
  }
}

function newReader(name: string): Reader {
  return { slot: emptySlot(name), card: undefined, connection: undefined, unplugged: false, waiting: [] };
}

function emptySlot(reader: string): CardSlot {
  return { reader, state: "empty", atr: new Uint8Array(0), insertion: 0 };
}

function takeCard(reader: Reader): void {
  reader.card?.powerOff();
  reader.card = undefined;
  reader.connection = undefined;
  reader.slot = emptySlot(reader.slot.reader);
  wakeAll(reader);
}

function wakeAll(reader: Reader): void {
  const waiting = reader.waiting;
  reader.waiting = [];
  for (const wake of waiting) wake();
}

/** Returns when the connection may be free: the first to look takes it. @throws `CARD_BUSY`, the signal's reason. */
function waitForTurn(reader: Reader, deadline: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = (done: () => void) => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", onAbort);
      reader.waiting = reader.waiting.filter((other) => other !== onTurn);
      done();
    };
    const onTurn = () => settle(resolve);
    const onAbort = () => settle(() => reject(signal?.reason));
    const onTimeout = () =>
      settle(() => reject(new PcscError("CARD_BUSY", `connect: the card on reader ${reader.slot.reader} is in use`)));
    const timer = setTimeout(onTimeout, Math.max(0, deadline - performance.now()));
    signal?.addEventListener("abort", onAbort, { once: true });
    reader.waiting.push(onTurn);
  });
}
