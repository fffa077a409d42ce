/**
 * PC/SC as a {@link CardTransport}, whatever the binding: keeps watching through restarts of the service, gives one
 * connection at a time for each reader, waits for other programs, and never waits for them without a limit.
 */

import { PcscError } from "../errors.ts";
import { type Logger, silentLogger } from "../log.ts";
import { Backoff } from "./backoff.ts";
import { Lanes } from "./lanes.ts";
import type { OpenCard, PcscBinding, PcscWatch, WatchEvents } from "./pcsc-binding.ts";
import { PcscConnection } from "./pcsc-connection.ts";
import { isSharingViolation, pcscError, serviceFault } from "./pcsc-errors.ts";
import { PCSCD_SOCKET, pcscdAnswers } from "./pcscd-answers.ts";
import { SlotTable } from "./slots.ts";
import type { CardConnection, CardSlot, CardTransport, ConnectOptions } from "./transport.ts";
import { orAbort, pause, settlesWithin } from "./waiting.ts";

export interface PcscTransportOptions {
  readonly log?: Logger | undefined;
  /** The service's socket; for tests. */
  readonly servicePath?: string | undefined;
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
  readonly #table = new SlotTable();
  readonly #lanes = new Lanes();
  readonly #listeners = new Set<() => void>();
  readonly #connections = new Set<PcscConnection>();
  /** Native calls that nobody waits for any more. */
  readonly #abandoned = new Set<Promise<void>>();
  readonly #stop = new AbortController();
  readonly #running: Promise<void>;
  #binding: string | undefined;
  #watch: PcscWatch | undefined;
  #known = false;
  #fault: PcscError | undefined;
  #closing: Promise<void> | undefined;

  constructor(load: () => Promise<PcscBinding>, options: PcscTransportOptions) {
    this.#log = options.log ?? silentLogger;
    this.#servicePath = options.servicePath ?? PCSCD_SOCKET;
    this.#running = this.#run(load);
  }

  get binding(): string | undefined {
    return this.#binding;
  }

  slots(): readonly CardSlot[] {
    return this.#table.slots();
  }

  fault(): Error | undefined {
    return this.#fault;
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  ready(signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const settle = (done: () => void): void => {
        stopListening();
        signal?.removeEventListener("abort", onAbort);
        done();
      };
      const onAbort = (): void => settle(() => reject(signal?.reason));
      const look = (): void => {
        if (this.#fault !== undefined) settle(() => reject(this.#fault));
        else if (this.#known) settle(resolve);
      };
      const stopListening = this.onChange(look);
      if (signal?.aborted) return onAbort();
      signal?.addEventListener("abort", onAbort, { once: true });
      look();
    });
  }

  async connect(slot: CardSlot, options: ConnectOptions = {}): Promise<CardConnection> {
    const { signal, busyTimeoutMs = DEFAULT_BUSY_TIMEOUT_MS } = options;
    signal?.throwIfAborted();
    this.#check(slot);
    const stop = new AbortController();
    const onAbort = (): void => stop.abort(signal?.reason);
    const timer = setTimeout(() => stop.abort(busyError(slot, busyTimeoutMs)), busyTimeoutMs);
    const stopListening = this.onChange(() => {
      const over = this.#whyNot(slot);
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
    this.#fault = new PcscError("PCSC_UNAVAILABLE", "use PC/SC: it was closed");
    this.#table.clear();
    this.#changed();
    this.#listeners.clear();
    await Promise.all(Array.from(this.#connections, (connection) => connection.end()));
    this.#stop.abort(this.#fault);
    await this.#running;
    if (await settlesWithin(Promise.all(this.#abandoned), CLOSE_WITHIN_MS)) return;
    this.#log.warn("another program keeps a card: this process cannot exit by itself before it lets go", {
      readers: this.#lanes.taken,
    });
  }

  /** Watches until closed, again and again. Never rejects. */
  async #run(load: () => Promise<PcscBinding>): Promise<void> {
    const backoff = new Backoff();
    try {
      const binding = await load();
      this.#binding = binding.name;
      while (!this.#stop.signal.aborted) {
        await this.#watchUntilFailure(binding, backoff);
        await pause(backoff.next(), this.#stop.signal);
      }
    } catch (cause) {
      // Either the binding cannot be loaded, or the pause was ended by close(): both are told by fault().
      this.#fail(cause);
    }
  }

  async #watchUntilFailure(binding: PcscBinding, backoff: Backoff): Promise<void> {
    let fail = (_cause: unknown): void => {};
    const failure = new Promise<never>((_resolve, reject) => {
      fail = reject;
    });
    failure.catch(() => {}); // it may come when nobody waits for it any more
    try {
      if (!(await pcscdAnswers(this.#servicePath, this.#stop.signal)))
        throw new PcscError("PCSC_UNAVAILABLE", "use PC/SC: the service is there, but does not answer");
      this.#watch = binding.watch(this.#events(fail, backoff));
      await orAbort(failure, this.#stop.signal);
    } catch (cause) {
      // Told by fault(); the caller tries again.
      const watch = this.#watch;
      this.#watch = undefined;
      this.#fail(cause);
      await watch?.close();
    }
  }

  #events(failed: (cause: unknown) => void, backoff: Backoff): WatchEvents {
    return {
      state: (reader, rawState, atr) => {
        if (this.#closing !== undefined || !this.#table.update(reader, rawState, atr)) return;
        const { state, insertion } = this.#table.find(reader) ?? { state: "gone", insertion: 0 };
        this.#log.debug("reader", { reader, state, insertion });
        this.#changed();
      },
      gone: (reader) => {
        if (!this.#table.remove(reader)) return;
        this.#log.debug("reader", { reader, state: "gone" });
        this.#changed();
      },
      complete: () => {
        if (this.#closing !== undefined) return;
        backoff.reset();
        this.#known = true;
        this.#fault = undefined;
        this.#changed();
      },
      failed,
    };
  }

  #fail(cause: unknown): void {
    if (this.#closing !== undefined) return; // close() has told it.
    const fault = serviceFault(cause);
    const level = this.#fault?.message === fault.message ? "debug" : "warn";
    this.#log[level]("PC/SC cannot be used", { error: fault.message, ...fault.details });
    this.#table.clear();
    this.#known = false;
    this.#fault = fault;
    this.#changed();
  }

  async #open(slot: CardSlot, stop: AbortSignal): Promise<CardConnection> {
    const { reader } = slot;
    const leave = await this.#lanes.enter(reader, stop);
    let opening: Promise<OpenCard> | undefined;
    try {
      for (;;) {
        this.#check(slot);
        opening = this.#watch?.open(reader);
        const card = await this.#attempt(opening, stop);
        if (card !== undefined) return await this.#connection(slot, card, stop, leave);
        await pause(BUSY_RETRY_MS, stop);
      }
    } catch (cause) {
      this.#abandon(opening, leave);
      throw stop.aborted ? stop.reason : pcscError(`connect to the card in ${reader}`, cause, "connect");
    }
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
    await pause(REPORTS_ARRIVE_MS, stop);
    this.#check(slot);
    if (card.atr.length > 0 && this.#table.learnAtr(slot.reader, card.atr)) this.#changed();
    const current = this.#table.find(slot.reader) ?? slot;
    const connection = new PcscConnection({
      slot: current,
      card,
      log: this.#log,
      isOverWithin: (ms) => this.#isOverWithin(current, ms),
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

  async #isOverWithin(slot: CardSlot, ms: number): Promise<boolean> {
    let stopListening = (): void => {};
    const over = new Promise<void>((resolve) => {
      const look = (): void => {
        if (this.#whyNot(slot) !== undefined) resolve();
      };
      stopListening = this.onChange(look);
      look();
    });
    return settlesWithin(over, ms).finally(stopListening);
  }

  #check(slot: CardSlot): void {
    const error = this.#whyNot(slot);
    if (error !== undefined) throw error;
  }

  /** Why the card that `slot` describes cannot be used any more. */
  #whyNot({ reader, insertion }: CardSlot): PcscError | undefined {
    if (this.#fault !== undefined) return this.#fault;
    const options = { details: { reader } };
    const now = this.#table.find(reader);
    if (now === undefined) return new PcscError("READER_ABSENT", `connect: there is no reader ${reader}`, options);
    if (now.state !== "present")
      return new PcscError("CARD_ABSENT", `connect: no card answers in ${reader}`, {
        ...options,
        hint: "put the card on the reader, the right way round",
      });
    if (now.insertion === insertion) return undefined;
    return new PcscError("CARD_RESET", `connect: the card in ${reader} was taken out in between`, options);
  }

  #changed(): void {
    for (const listener of [...this.#listeners]) listener();
  }
}

function busyError({ reader }: CardSlot, waitedMs: number): PcscError {
  return new PcscError("CARD_BUSY", `connect: the card in ${reader} was in use for ${waitedMs} ms`, {
    hint: "close the other program that uses the card, or try again when it has finished",
    details: { reader, waitedMs },
  });
}
