/**
 * PC/SC as a {@link CardTransport}, whatever the binding: gives one connection at a time for each reader, waits for
 * other programs, and never waits for them without a limit.
 */

import { PcscError } from "../errors.ts";
import { type Logger, silentLogger } from "../log.ts";
import { Lanes } from "./lanes.ts";
import { OtherPrograms } from "./other-programs.ts";
import type { OpenCard, PcscBinding } from "./pcsc-binding.ts";
import { PcscConnection } from "./pcsc-connection.ts";
import { isSharingViolation, noAnswerError, pcscError } from "./pcsc-errors.ts";
import { PcscReaders } from "./pcsc-readers.ts";
import { PCSCD_SOCKET } from "./pcscd-answers.ts";
import { PcscdTransactions } from "./pcscd-transactions.ts";
import type { CardConnection, CardSlot, CardTransport, ConnectOptions } from "./transport.ts";
import { orAbort, pause, settlesWithin } from "./waiting.ts";

export interface PcscTransportOptions {
  readonly log?: Logger | undefined;
  /** The service's socket; for tests. */
  readonly servicePath?: string | undefined;
  /**
   * Whether closing leaves the native watch to the end of the process, which must then come by `process.exit()`: at
   * once and without the risk of stopping it, see {@link PcscWatch}. Default false.
   */
  readonly leaveWatch?: boolean | undefined;
  /**
   * Called by closing where a native call does not return: libuv waits for its threads at the end of the process, by
   * `process.exit()` too, so that only a signal ends it before the call does.
   */
  readonly onStuck?: (() => void) | undefined;
}

const DEFAULT_BUSY_TIMEOUT_MS = 5000;
/** As libpcsclite's own clients ask (PCSCLITE_LOCK_POLL_RATE). */
const BUSY_RETRY_MS = 100;
/** Reports of a removal that are on their way when a connection succeeds arrive within a turn of the event loop. */
const REPORTS_ARRIVE_MS = 1;
const CLOSE_WITHIN_MS = 1000;

/**
 * @param load loads the binding's native part. @throws PcscError, which stays the fault: the module loader does not
 * load again what failed once.
 */
export function createPcscTransport(load: () => Promise<PcscBinding>, options: PcscTransportOptions): CardTransport {
  return new PcscTransport(load, options);
}

class PcscTransport implements CardTransport {
  readonly #log: Logger;
  readonly #servicePath: string;
  readonly #onStuck: () => void;
  readonly #readers: PcscReaders;
  readonly #transactions: PcscdTransactions;
  readonly #lanes = new Lanes();
  readonly #connections = new Set<PcscConnection>();
  /** Native calls that nobody waits for any more. */
  readonly #abandoned = new Set<Promise<void>>();
  #closing: Promise<void> | undefined;

  constructor(load: () => Promise<PcscBinding>, options: PcscTransportOptions) {
    this.#log = options.log ?? silentLogger;
    this.#servicePath = options.servicePath ?? PCSCD_SOCKET;
    this.#transactions = new PcscdTransactions(this.#servicePath);
    const { leaveWatch = false, onStuck = () => {} } = options;
    this.#onStuck = onStuck;
    this.#readers = new PcscReaders({ load, servicePath: this.#servicePath, leaveWatch, log: this.#log });
  }

  get binding(): string | undefined {
    return this.#readers.binding;
  }

  slots(): readonly CardSlot[] {
    return this.#readers.slots();
  }

  fault(): Error | undefined {
    return this.#readers.fault();
  }

  onChange(listener: () => void): () => void {
    return this.#readers.onChange(listener);
  }

  ready(signal?: AbortSignal): Promise<void> {
    return this.#readers.ready(signal);
  }

  async connect(slot: CardSlot, options: ConnectOptions = {}): Promise<CardConnection> {
    const { signal, busyTimeoutMs = DEFAULT_BUSY_TIMEOUT_MS } = options;
    signal?.throwIfAborted();
    this.#readers.check(slot);
    const stop = new AbortController();
    const onAbort = (): void => stop.abort(signal?.reason);
    const timer = setTimeout(() => stop.abort(this.#busyError(slot, busyTimeoutMs)), busyTimeoutMs);
    const stopListening = this.onChange(() => {
      const over = this.#readers.whyNot(slot);
      if (over !== undefined) stop.abort(over);
    });
    signal?.addEventListener("abort", onAbort, { once: true });
    try {
      return await this.#open(slot, stop.signal);
    } finally {
      clearTimeout(timer);
      stopListening();
      signal?.removeEventListener("abort", onAbort);
    }
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#readers.end();
    this.#transactions.close();
    await Promise.all(Array.from(this.#connections, (connection) => connection.end()));
    await this.#readers.stop();
    const over = await settlesWithin(Promise.all(this.#abandoned), CLOSE_WITHIN_MS);
    if (over && this.#connections.size === 0) return;
    this.#log.warn("PC/SC does not let go of a card: this process cannot exit by itself before it does", {
      readers: this.#lanes.taken,
    });
    this.#onStuck();
  }

  async #open(slot: CardSlot, stop: AbortSignal): Promise<CardConnection> {
    const { reader } = slot;
    const leave = await this.#lanes.enter(reader, stop);
    let opening: Promise<OpenCard> | undefined;
    try {
      for (;;) {
        this.#readers.check(slot);
        await this.#transactions.none(reader, stop);
        opening = this.#readers.open(reader);
        const card = await this.#attempt(opening, stop);
        if (card !== undefined) return await this.#connection(slot, card, stop, leave);
        await pause(BUSY_RETRY_MS, stop);
      }
    } catch (cause) {
      this.#abandon(opening, leave);
      throw stop.aborted ? stop.reason : pcscError(`connect to the card in ${reader}`, cause, "connect");
    }
  }

  #busyError({ reader }: CardSlot, waitedMs: number): PcscError {
    const own = Array.from(this.#connections).find(({ slot }) => slot.reader === reader);
    if (own?.ended) return noAnswerError("connect", reader);
    return new PcscError("CARD_BUSY", `connect: the card in ${reader} was in use for ${waitedMs} ms`, {
      hint: "close the other program that uses the card, or try again when it has finished",
      details: { reader, waitedMs },
    });
  }

  /** @returns undefined where another program has the card for itself. */
  async #attempt(opening: Promise<OpenCard> | undefined, stop: AbortSignal): Promise<OpenCard | undefined> {
    try {
      return opening && (await orAbort(opening, stop));
    } catch (cause) {
      if (stop.aborted || !isSharingViolation(cause)) throw cause;
      return undefined;
    }
  }

  async #connection(slot: CardSlot, card: OpenCard, stop: AbortSignal, leave: () => void): Promise<CardConnection> {
    const { reader } = slot;
    const others = new OtherPrograms({ reader, servicePath: this.#servicePath, log: this.#log });
    await pause(REPORTS_ARRIVE_MS, stop);
    this.#readers.check(slot);
    this.#readers.learnAtr(reader, card.atr);
    const current = this.#readers.find(reader) ?? slot;
    const connection = new PcscConnection({
      slot: current,
      card,
      others,
      log: this.#log,
      isOverWithin: (ms) => this.#readers.isOverWithin(current, ms),
      onLeft: () => {
        this.#connections.delete(connection);
        leave();
      },
    });
    this.#connections.add(connection);
    return connection;
  }

  /** Gives back what a native call may still open, and leaves only then. */
  #abandon(opening: Promise<OpenCard> | undefined, leave: () => void): void {
    const failed = (): void => {}; // Its caller was told why.
    const done = Promise.resolve(opening?.then((card) => card.giveBack(), failed)).then(() => {
      leave();
      this.#abandoned.delete(done);
    });
    this.#abandoned.add(done);
  }
}
