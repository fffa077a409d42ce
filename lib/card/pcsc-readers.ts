/**
 * The readers as PC/SC reports them, watched through restarts of the service for as long as the transport lives; which
 * card still lies where it lay, and why PC/SC cannot be used at the moment.
 */

import { PcscError } from "../errors.ts";
import type { Logger } from "../log.ts";
import { Backoff } from "./backoff.ts";
import type { OpenCard, PcscBinding, PcscWatch, WatchEvents } from "./pcsc-binding.ts";
import { serviceFault } from "./pcsc-errors.ts";
import { pcscdAnswers } from "./pcscd-answers.ts";
import { SlotTable } from "./slots.ts";
import type { CardSlot } from "./transport.ts";
import { orAbort, pause, settlesWithin } from "./waiting.ts";

export interface PcscReadersOptions {
  /** Loads the binding's native part. */
  readonly load: () => Promise<PcscBinding>;
  /** The service's socket. */
  readonly servicePath: string;
  /** Whether a watch that is over is left to the end of the process, see {@link PcscWatch.leave}. */
  readonly leaveWatch: boolean;
  readonly log: Logger;
}

export class PcscReaders {
  readonly #servicePath: string;
  readonly #leaveWatch: boolean;
  readonly #log: Logger;
  readonly #table = new SlotTable();
  readonly #listeners = new Set<() => void>();
  readonly #stop = new AbortController();
  readonly #running: Promise<void>;
  #binding: string | undefined;
  #watch: PcscWatch | undefined;
  #known = false;
  #fault: PcscError | undefined;
  #ended = false;

  /** Starts at once. */
  constructor({ load, servicePath, leaveWatch, log }: PcscReadersOptions) {
    this.#log = log;
    this.#servicePath = servicePath;
    this.#leaveWatch = leaveWatch;
    this.#running = this.#run(load);
  }

  /** The binding in use, once it is loaded. */
  get binding(): string | undefined {
    return this.#binding;
  }

  slots(): readonly CardSlot[] {
    return this.#table.slots();
  }

  find(reader: string): CardSlot | undefined {
    return this.#table.find(reader);
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

  /** Powers the card in a reader, see {@link PcscWatch.open}. @returns undefined while PC/SC is not watched. */
  open(reader: string): Promise<OpenCard> | undefined {
    return this.#watch?.open(reader);
  }

  /** For a binding that learns the ATR only by connecting. */
  learnAtr(reader: string, atr: Uint8Array): void {
    if (atr.length > 0 && this.#table.learnAtr(reader, atr)) this.#changed();
  }

  /** Why the card that `slot` describes cannot be used any more. */
  whyNot({ reader, insertion }: CardSlot): PcscError | undefined {
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

  /** @throws PcscError what {@link whyNot} says. */
  check(slot: CardSlot): void {
    const error = this.whyNot(slot);
    if (error !== undefined) throw error;
  }

  /** Whether the slot's insertion ends within this time. */
  async isOverWithin(slot: CardSlot, ms: number): Promise<boolean> {
    let stopListening = (): void => {};
    const over = new Promise<void>((resolve) => {
      const look = (): void => {
        if (this.whyNot(slot) !== undefined) resolve();
      };
      stopListening = this.onChange(look);
      look();
    });
    return settlesWithin(over, ms).finally(stopListening);
  }

  /** From here on nothing can be used, and nothing is reported. */
  end(): void {
    this.#ended = true;
    this.#fault = new PcscError("PCSC_UNAVAILABLE", "use PC/SC: it was closed");
    this.#table.clear();
    this.#changed();
    this.#listeners.clear();
  }

  /** After {@link end}: lets go of PC/SC. */
  async stop(): Promise<void> {
    this.#stop.abort(this.#fault);
    await this.#running;
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
      // Either the binding cannot be loaded, or the pause was ended by stop(): both are told by fault().
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
        throw new PcscError("PCSC_UNAVAILABLE", "use PC/SC: the service is there, but does not answer", {
          hint: "unplug the readers, or restart the service: `sudo systemctl restart pcscd`",
          details: { problem: "silent" },
        });
      this.#watch = binding.watch(this.#events(fail, backoff));
      await orAbort(failure, this.#stop.signal);
    } catch (cause) {
      // Told by fault(); the caller tries again.
      const watch = this.#watch;
      this.#watch = undefined;
      this.#fail(cause);
      if (this.#leaveWatch) watch?.leave();
      else await watch?.close();
    }
  }

  #events(failed: (cause: unknown) => void, backoff: Backoff): WatchEvents {
    return {
      state: (reader, rawState, atr) => {
        if (this.#ended || !this.#table.update(reader, rawState, atr)) return;
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
        if (this.#ended) return;
        backoff.reset();
        this.#known = true;
        this.#fault = undefined;
        this.#changed();
      },
      failed,
    };
  }

  #fail(cause: unknown): void {
    if (this.#ended) return; // end() has told it.
    const fault = serviceFault(cause);
    const level = this.#fault?.message === fault.message ? "debug" : "warn";
    this.#log[level]("PC/SC cannot be used", { error: fault.message, ...fault.details });
    this.#table.clear();
    this.#known = false;
    this.#fault = fault;
    this.#changed();
  }

  #changed(): void {
    for (const listener of [...this.#listeners]) listener();
  }
}
