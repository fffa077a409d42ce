/**
 * PC/SC through pcsclite: an exclusive connection, since it knows no transactions. Any other program that is connected
 * to the card, even one that does nothing with it, is in its way.
 *
 * What pcsclite 1.0.1 does that its documentation does not tell (observed, and read in its source):
 * - While a call with a reader object is under way, this object reports nothing, and may hold up the whole process to
 *   report what came right before. So each reader has two objects: one that watches, and one for calls that does not.
 * - The destructor of an object that never watched waits for a thread that never was: it must never be collected.
 * - `close()` on an object that is not asleep at that moment may freeze the process, or never let it exit; and in a
 *   listener of the object, or in what that awaits, it never returns.
 * - `connect` on an object whose last disconnect failed calls back without an error and without connecting.
 * - Native code does not hold the objects: they must outlive their calls, and their own end by a turn of the event loop.
 */

import { messageOf, PcscError } from "../errors.ts";
import { type Logger, silentLogger } from "../log.ts";
import type { OpenCard, PcscBinding, PcscWatch, WatchEvents } from "./pcsc-binding.ts";
import { bindingError } from "./pcsc-errors.ts";
import { createPcscTransport, type PcscTransportOptions } from "./pcsc-transport.ts";
import type { CreateLiteClient, LiteClient, LiteReader } from "./pcsclite-client.ts";
import { Settling } from "./settling.ts";
import type { CardTransport } from "./transport.ts";
import { settlesWithin } from "./waiting.ts";

type Callback<T> = (error: unknown, value: T) => void;

export interface PcscliteOptions extends PcscTransportOptions {
  /** Loads the binding; for tests. */
  readonly load?: (() => Promise<{ readonly default: CreateLiteClient }>) | undefined;
}

/** The longest response: MAX_BUFFER_SIZE_EXTENDED (pcsclite.h). */
const RESPONSE_BUFFER_BYTES = 65_548;
const SCARD_PROTOCOL_T0 = 1;
const FIRST_REPORT_WITHIN_MS = 1000;
const NO_ATR = new Uint8Array(0);

/** See above. One for each reader and each time that the service went away; for the whole process, as the collector is. */
const CALLERS = new Set<LiteReader>();
/** Watches that were not ended: their objects' destructors would wait for their threads. */
const LEFT = new Set<LiteWatch>();

/** Starts watching at once; {@link CardTransport.ready} and {@link CardTransport.fault} tell how that went. */
export function createPcscliteTransport(options: PcscliteOptions = {}): CardTransport {
  const { log = silentLogger, load = () => import("pcsclite") } = options;
  return createPcscTransport(async () => {
    try {
      const { default: createClient } = await load();
      return new LiteBinding(createClient, log);
    } catch (cause) {
      throw bindingError("pcsclite", cause);
    }
  }, options);
}

/** @returns why it cannot be loaded. */
export async function tryPcsclite(): Promise<Error | undefined> {
  try {
    await import("pcsclite");
    return undefined;
  } catch (cause) {
    return bindingError("pcsclite", cause);
  }
}

class LiteBinding implements PcscBinding {
  readonly name = "pcsclite";
  readonly #createClient: CreateLiteClient;
  readonly #log: Logger;

  constructor(createClient: CreateLiteClient, log: Logger) {
    this.#createClient = createClient;
    this.#log = log;
  }

  watch(events: WatchEvents): PcscWatch {
    return new LiteWatch(this.#createClient, events, this.#log);
  }
}

/** A reader object that watches. */
interface Watched {
  readonly reader: LiteReader;
  /** Resolves with its first report or its end: only then it can be closed. */
  readonly reported: Promise<void>;
}

class LiteWatch implements PcscWatch {
  readonly #log: Logger;
  readonly #client: LiteClient;
  readonly #settling: Settling;
  readonly #watched = new Map<string, Watched>();
  readonly #unreported = new Set<LiteReader>();
  /** Reader objects for calls, by reader; one is out of this map while it is in use. */
  readonly #idle = new Map<string, LiteReader>();
  #events: WatchEvents | undefined;

  constructor(createClient: CreateLiteClient, events: WatchEvents, log: Logger) {
    this.#log = log;
    this.#events = events;
    this.#client = createClient();
    this.#client.on("reader", (reader) => this.#watchReader(reader));
    this.#client.on("error", (error) => this.#events?.failed(error));
    this.#settling = new Settling(
      () => this.#unreported.size === 0,
      () => this.#events?.complete(),
    );
  }

  async open(reader: string): Promise<OpenCard> {
    const watched = this.#watched.get(reader);
    if (watched === undefined) throw new PcscError("READER_ABSENT", `connect: there is no reader ${reader}`);
    const caller = this.#idle.get(reader) ?? createCaller(watched.reader);
    this.#idle.delete(reader);
    try {
      const protocol = await connectExclusively(caller);
      return new LiteCard(caller, protocol, () => this.#idle.set(reader, caller), this.#log);
    } catch (cause) {
      this.#idle.set(reader, caller);
      throw cause;
    }
  }

  leave(): void {
    this.#events = undefined;
    this.#settling.stop();
    LEFT.add(this);
  }

  async close(): Promise<void> {
    this.leave();
    await this.#settling.rest();
    for (const { reader, reported } of this.#watched.values()) {
      if (await settlesWithin(reported.then(twoTurns), FIRST_REPORT_WITHIN_MS)) reader.close();
      else this.#log.warn("a reader does not report: its watch cannot be ended", { reader: reader.name });
    }
    this.#client.close();
    await twoTurns();
    this.#watched.clear();
    LEFT.delete(this);
  }

  #watchReader(reader: LiteReader): void {
    this.#unreported.add(reader);
    this.#settling.report();
    const reported = new Promise<void>((resolve) => {
      const onReport = (): void => {
        this.#unreported.delete(reader);
        this.#settling.report();
        resolve();
      };
      reader.on("status", ({ state, atr }) => {
        onReport();
        this.#events?.state(reader.name, state, atr === undefined ? NO_ATR : new Uint8Array(atr));
      });
      reader.on("end", () => {
        onReport();
        if (this.#watched.get(reader.name)?.reader === reader) this.#events?.gone(reader.name);
      });
    });
    reader.on("error", (error) => this.#events?.failed(error));
    this.#watched.set(reader.name, { reader, reported });
  }
}

class LiteCard implements OpenCard {
  readonly protocol: "T=0" | "T=1";
  readonly atr = NO_ATR;
  readonly #caller: LiteReader;
  readonly #protocolNumber: number;
  readonly #onIdle: () => void;
  readonly #log: Logger;

  constructor(caller: LiteReader, protocolNumber: number, onIdle: () => void, log: Logger) {
    this.protocol = protocolNumber === SCARD_PROTOCOL_T0 ? "T=0" : "T=1";
    this.#caller = caller;
    this.#protocolNumber = protocolNumber;
    this.#onIdle = onIdle;
    this.#log = log;
  }

  async transmit(command: Uint8Array): Promise<Uint8Array> {
    const bytes = Buffer.from(command.buffer, command.byteOffset, command.length);
    const response = await call<Buffer>(this.#caller, (done) =>
      this.#caller.transmit(bytes, RESPONSE_BUFFER_BYTES, this.#protocolNumber, done),
    );
    return new Uint8Array(response);
  }

  async cut(): Promise<void> {
    const { SCARD_UNPOWER_CARD, SCARD_LEAVE_CARD } = this.#caller;
    if (!(await this.#disconnect(SCARD_UNPOWER_CARD))) await this.#disconnect(SCARD_LEAVE_CARD);
  }

  async giveBack(): Promise<void> {
    await this.#disconnect(this.#caller.SCARD_LEAVE_CARD);
  }

  async #disconnect(disposition: number): Promise<boolean> {
    try {
      await call<void>(this.#caller, (done) => this.#caller.disconnect(disposition, done));
      this.#onIdle();
      return true;
    } catch (error) {
      // The card or the service is gone; the object is not used again.
      this.#log.debug("disconnect", { reader: this.#caller.name, error: messageOf(error) });
      return false;
    }
  }
}

/** A second object of the same reader that watches nothing, see above. */
function createCaller(watched: LiteReader): LiteReader {
  const ReaderClass: unknown = watched.constructor;
  if (!isReaderClass(ReaderClass)) throw new TypeError("pcsclite: a reader object without a class");
  const caller = new ReaderClass(watched.name);
  CALLERS.add(caller);
  return caller;
}

function connectExclusively(caller: LiteReader): Promise<number> {
  return call<number>(caller, (done) => caller.connect({ share_mode: caller.SCARD_SHARE_EXCLUSIVE }, done));
}

/** The callback holds `reader` for as long as native code may use it. */
function call<T>(reader: LiteReader, run: (done: Callback<T>) => void): Promise<T> {
  return new Promise((resolve, reject) => {
    run((error, value) => {
      if (error) reject(new Error(`${reader.name}: ${messageOf(error)}`, { cause: error }));
      else resolve(value);
    });
  });
}

function isReaderClass(value: unknown): value is new (name: string) => LiteReader {
  return typeof value === "function";
}

function twoTurns(): Promise<void> {
  return new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
}
