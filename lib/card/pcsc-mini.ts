/**
 * PC/SC through pcsc-mini: a shared connection with a transaction, beside other programs that keep the card open.
 *
 * What pcsc-mini 0.1.3 does that its documentation does not tell (observed, and read in its source):
 * - It watches four readers; more are not seen. It has four connections, and loses one for good with each attempt that
 *   finds no room in the service.
 * - The ATR of its state reports is not the card's (it copies memory that is gone); that of `Card.state()` is right.
 * - A response buffer of its own has 264 bytes, and whatever buffer a call uses is never freed: one for each reader.
 * - `Client.stop()` freezes the process until a reader changes, for ever if none does, when the watching thread is not
 *   waiting at that moment: SCardCancel does nothing then, and SCardReleaseContext waits for the thread's call to end
 *   (seen behind pcscd 1.9.9, whose report of a change came in the same millisecond).
 * - `Client.start()` and `Client.stop()` freeze the process for as long as the service does not answer.
 * - A `Client` whose service went away cannot be stopped, and its finalizer throws out of the garbage collector, which
 *   ends the process: such a client must never be collected.
 * - A `Card` must not be touched after its disconnect: it may stand for another connection by then.
 * - Nothing may be thrown out of a listener: it would be lost in a warning of Node's.
 */

import type { Card, Client, Transaction } from "pcsc-mini";
import { messageOf, PcscError } from "../errors.ts";
import { type Logger, silentLogger } from "../log.ts";
import type { OpenCard, PcscBinding, PcscWatch, WatchEvents } from "./pcsc-binding.ts";
import { bindingError, isCardReset } from "./pcsc-errors.ts";
import { createPcscTransport, type PcscTransportOptions } from "./pcsc-transport.ts";
import { PCSCD_SOCKET, pcscdAnswers } from "./pcscd-answers.ts";
import { Settling } from "./settling.ts";
import type { CardTransport } from "./transport.ts";

type PcscMini = typeof import("pcsc-mini");

export interface PcscMiniOptions extends PcscTransportOptions {
  /** Loads the binding; for tests. */
  readonly load?: (() => Promise<PcscMini>) | undefined;
}

/** The longest response and a little more: MAX_BUFFER_SIZE_EXTENDED (pcsclite.h). */
const RESPONSE_BUFFER_BYTES = 65_548;
const BEGIN_ATTEMPTS = 5;
const SCARD_PROTOCOL_T0 = 1;
const NO_ATR = new Uint8Array(0);

/** Clients that were not stopped, see above; for the whole process, since the collector is. */
const KEPT = new Set<Client>();

/** Starts watching at once; {@link CardTransport.ready} and {@link CardTransport.fault} tell how that went. */
export function createPcscMiniTransport(options: PcscMiniOptions = {}): CardTransport {
  const { log = silentLogger, load = () => import("pcsc-mini"), servicePath = PCSCD_SOCKET } = options;
  return createPcscTransport(async () => {
    try {
      return new MiniBinding(await load(), servicePath, log);
    } catch (cause) {
      throw bindingError("pcsc-mini", cause);
    }
  }, options);
}

/** Whether pcsc-mini has a binary for this machine and finds the libraries it needs. */
export async function isPcscMiniUsable(): Promise<boolean> {
  return (await tryPcscMini()) === undefined;
}

/** @returns why it cannot be loaded. */
export async function tryPcscMini(): Promise<Error | undefined> {
  try {
    await import("pcsc-mini");
    return undefined;
  } catch (cause) {
    return bindingError("pcsc-mini", cause);
  }
}

class MiniBinding implements PcscBinding {
  readonly name = "pcsc-mini";
  readonly #pcsc: PcscMini;
  readonly #servicePath: string;
  readonly #log: Logger;
  readonly #buffers = new Map<string, ArrayBuffer>();

  constructor(pcsc: PcscMini, servicePath: string, log: Logger) {
    this.#pcsc = pcsc;
    this.#servicePath = servicePath;
    this.#log = log;
  }

  watch(events: WatchEvents): PcscWatch {
    const [pcsc, servicePath, log] = [this.#pcsc, this.#servicePath, this.#log];
    return new MiniWatch({ pcsc, servicePath, events, buffer: (reader) => this.#buffer(reader), log });
  }

  #buffer(reader: string): ArrayBuffer {
    const buffer = this.#buffers.get(reader) ?? new ArrayBuffer(RESPONSE_BUFFER_BYTES);
    this.#buffers.set(reader, buffer);
    return buffer;
  }
}

interface MiniWatchParts {
  readonly pcsc: PcscMini;
  readonly servicePath: string;
  readonly events: WatchEvents;
  /** For the responses of a reader. */
  readonly buffer: (reader: string) => ArrayBuffer;
  readonly log: Logger;
}

class MiniWatch implements PcscWatch {
  readonly #pcsc: PcscMini;
  readonly #servicePath: string;
  readonly #buffer: (reader: string) => ArrayBuffer;
  readonly #log: Logger;
  readonly #client: Client;
  /** Undefined once it is over. */
  #events: WatchEvents | undefined;
  readonly #settling: Settling;

  constructor({ pcsc, servicePath, events, buffer, log }: MiniWatchParts) {
    this.#pcsc = pcsc;
    this.#servicePath = servicePath;
    this.#buffer = buffer;
    this.#log = log;
    this.#events = events;
    this.#client = new pcsc.Client();
    this.#client.on("reader", (reader) => {
      reader.on("change", ({ raw }) => {
        this.#settling.report();
        this.#events?.state(reader.name(), raw, NO_ATR);
      });
      reader.on("disconnect", () => this.#events?.gone(reader.name()));
    });
    this.#client.on("error", (error) => this.#events?.failed(error));
    this.#client.start();
    this.#settling = new Settling(
      () => true,
      () => this.#events?.complete(),
    );
  }

  async open(reader: string): Promise<OpenCard> {
    const { CardDisposition, CardMode } = this.#pcsc;
    const found = this.#client.reader(reader);
    if (found === undefined) throw new PcscError("READER_ABSENT", `connect: there is no reader ${reader}`);
    const card = await found.connect(CardMode.SHARED).catch((cause: unknown) => {
      if (hasCode(cause, "TooManyCardConnections")) this.#events?.failed(cause);
      throw cause;
    });
    try {
      const transaction = await this.#begin(card);
      const { atr } = await card.state();
      return new MiniCard({
        pcsc: this.#pcsc,
        owner: this.#client,
        card,
        transaction,
        atr,
        buffer: this.#buffer(reader),
        log: this.#log,
      });
    } catch (cause) {
      await card.disconnect(CardDisposition.LEAVE).catch((error: unknown) => {
        this.#log.debug("disconnect", { reader, error: messageOf(error) });
      });
      throw cause;
    }
  }

  leave(): void {
    this.#events = undefined;
    this.#settling.stop();
    KEPT.add(this.#client);
  }

  async close(): Promise<void> {
    this.leave();
    await this.#settling.rest();
    if (!(await pcscdAnswers(this.#servicePath))) return;
    try {
      this.#client.stop();
      KEPT.delete(this.#client);
    } catch (error) {
      // The service went away and its context with it.
      this.#log.debug("stop watching", { error: messageOf(error) });
    }
  }

  /** Another program may reset the card between our connecting and our transaction. */
  async #begin(card: Card): Promise<Transaction> {
    const { CardDisposition, CardMode } = this.#pcsc;
    for (let attempt = 1; ; attempt++) {
      try {
        return await card.transaction();
      } catch (cause) {
        if (!isCardReset(cause) || attempt === BEGIN_ATTEMPTS) throw cause;
        await card.reconnect(CardMode.SHARED, CardDisposition.LEAVE);
      }
    }
  }
}

interface MiniCardParts {
  readonly pcsc: PcscMini;
  /** Holds the memory of its cards: it must not be collected before them. */
  readonly owner: Client;
  readonly card: Card;
  readonly transaction: Transaction;
  readonly atr: Uint8Array;
  readonly buffer: ArrayBuffer;
  readonly log: Logger;
}

class MiniCard implements OpenCard {
  readonly protocol: "T=0" | "T=1";
  readonly atr: Uint8Array;
  readonly #parts: MiniCardParts;
  /** Native code reads it while a call is under way, and nobody else may hold it. */
  #command: Uint8Array | undefined;

  constructor(parts: MiniCardParts) {
    this.protocol = parts.card.protocol() === SCARD_PROTOCOL_T0 ? "T=0" : "T=1";
    this.atr = parts.atr;
    this.#parts = parts;
  }

  async transmit(command: Uint8Array): Promise<Uint8Array> {
    const { card, buffer } = this.#parts;
    this.#command = command;
    try {
      const response = await card.transmit(this.#command, buffer);
      return new Uint8Array(response);
    } finally {
      this.#command = undefined;
    }
  }

  /**
   * Ending the transaction cuts the power before anyone else can send a command. To cut it again on disconnecting would
   * only wait for a program that has a transaction by then, without limit, and take its card's power away.
   */
  async cut(): Promise<void> {
    const { UNPOWER, LEAVE } = this.#parts.pcsc.CardDisposition;
    const done = await this.#try("end transaction", () => this.#parts.transaction.end(UNPOWER));
    if (done || !(await this.#try("disconnect", () => this.#parts.card.disconnect(UNPOWER))))
      await this.#try("disconnect", () => this.#parts.card.disconnect(LEAVE));
  }

  async giveBack(): Promise<void> {
    const { LEAVE } = this.#parts.pcsc.CardDisposition;
    await this.#try("end transaction", () => this.#parts.transaction.end(LEAVE));
    await this.#try("disconnect", () => this.#parts.card.disconnect(LEAVE));
  }

  async #try(what: string, call: () => Promise<void>): Promise<boolean> {
    try {
      await call();
      return true;
    } catch (error) {
      // The card or the service is gone, or the caller has another way.
      this.#parts.log.debug(what, { error: messageOf(error) });
      return false;
    }
  }
}

function hasCode(cause: unknown, code: string): boolean {
  return cause instanceof Error && "code" in cause && cause.code === code;
}
