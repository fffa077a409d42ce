/**
 * The only way to a card: jobs in a row, each alone with the card from SELECT to the cut of its power (promise 2).
 *
 * One session object per insertion. A job finds the application selected; what the card has verified is gone when the
 * job's promise settles, unless the job asked to hold the card for the next one.
 */

import { JpkiError, PcscError } from "../errors.ts";
import { type Logger, silentLogger } from "../log.ts";
import { CardChannel } from "./exchange.ts";
import { type CardFeatures, createCardFeatures } from "./features.ts";
import { JpkiApplication } from "./jpki.ts";
import type { CardConnection, CardSlot, CardTransport } from "./transport.ts";

/** Calls `run` once after `ms` milliseconds. Returns the function that prevents it. */
export type SetTimer = (run: () => void, ms: number) => () => void;

export interface CardSessionOptions {
  readonly transport: CardTransport;
  /** The insertion this session is for: after it nothing works any more. */
  readonly slot: CardSlot;
  /** What is known of this card; the session adds to it. */
  readonly features?: CardFeatures | undefined;
  readonly log?: Logger | undefined;
  /** How long a held card waits for the next job, milliseconds (default 3000), while no other program wants it. */
  readonly holdMs?: number | undefined;
  /** For tests. The default keeps the process alive until the card's power is cut. */
  readonly setTimer?: SetTimer | undefined;
}

export interface CardJobOptions {
  /** Takes a waiting job out of the row at once; ends a running one after its command under way. */
  readonly signal?: AbortSignal | undefined;
  /** Keep the card as it is, PIN verified, for a job that comes within `holdMs`, unless others want it (default false). */
  readonly hold?: boolean | undefined;
}

interface Opened {
  readonly connection: CardConnection;
  readonly channel: CardChannel;
  readonly jpki: JpkiApplication;
}

/** One turn in the row. */
interface Turn {
  /** Never rejects. */
  readonly take: () => Promise<void>;
  /** Instead of its turn, when the session closes. Absent: it keeps its turn. */
  readonly refuse?: () => void;
}

const DEFAULT_HOLD_MS = 3000;
/** A reset between power-up and SELECT is another program's affair: once more, then it is told. */
const OPEN_ATTEMPTS = 2;

export class CardSession {
  readonly #transport: CardTransport;
  readonly #slot: CardSlot;
  readonly #features: CardFeatures;
  readonly #log: Logger;
  readonly #holdMs: number;
  readonly #setTimer: SetTimer;
  #row: Turn[] = [];
  #taking = false;
  #opened: Opened | undefined;
  #endHold: (() => void) | undefined;
  readonly #closing = new AbortController();

  constructor(options: CardSessionOptions) {
    this.#transport = options.transport;
    this.#slot = options.slot;
    this.#features = options.features ?? createCardFeatures();
    this.#log = options.log ?? silentLogger;
    this.#holdMs = options.holdMs ?? DEFAULT_HOLD_MS;
    this.#setTimer = options.setTimer ?? setNodeTimer;
  }

  /** Whether the card has power and is ours: during a job, and while it is held. */
  get open(): boolean {
    return this.#opened !== undefined;
  }

  /**
   * Runs `job` when its turn comes. It must wait for nothing but the card: no prompt, no other job.
   *
   * @param what for the log and for errors: `log in`.
   * @throws what `job` throws; the signal's reason; PcscError `CARD_ABSENT` once closed, and what
   * {@link CardTransport.connect} throws; CardStatusError `NOT_JPKI`. The card is without power by then.
   */
  run<T>(what: string, job: (jpki: JpkiApplication) => Promise<T>, options: CardJobOptions = {}): Promise<T> {
    const { signal, hold = false } = options;
    return new Promise<T>((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      if (this.#closed) return reject(this.#closedError(what));
      const leave = (): void => {
        this.#row = this.#row.filter((other) => other !== turn);
        reject(signal?.reason);
      };
      const turn: Turn = {
        take: () => {
          signal?.removeEventListener("abort", leave);
          return this.#runJob(what, job, signal, hold).then(resolve, reject);
        },
        refuse: () => {
          signal?.removeEventListener("abort", leave);
          reject(this.#closedError(what));
        },
      };
      signal?.addEventListener("abort", leave, { once: true });
      this.#row.push(turn);
      this.#takeTurns();
    });
  }

  /** Ends a held session now, or after the current job, before any waiting one. Resolves when the power is cut. */
  release(): Promise<void> {
    return new Promise((resolve) => {
      this.#row.unshift({ take: () => this.#end().then(resolve) });
      this.#takeTurns();
    });
  }

  /**
   * Refuses waiting and new jobs, lets the current one finish unless it still waits for the card. Resolves when the
   * power is cut. May be called twice.
   */
  async close(): Promise<void> {
    this.#closing.abort(this.#closedError("wait for the card"));
    const waiting = this.#row;
    this.#row = waiting.filter((turn) => turn.refuse === undefined);
    for (const turn of waiting) turn.refuse?.();
    await this.release();
  }

  /** Turns settle their own promises; this one only keeps them in a row. */
  #takeTurns(): void {
    if (this.#taking) return;
    const turn = this.#row.shift();
    if (turn === undefined) return;
    this.#taking = true;
    void turn.take().finally(() => {
      this.#taking = false;
      this.#takeTurns();
    });
  }

  async #runJob<T>(
    what: string,
    job: (jpki: JpkiApplication) => Promise<T>,
    signal: AbortSignal | undefined,
    hold: boolean,
  ): Promise<T> {
    this.#endHold?.();
    let held = false;
    try {
      const { jpki, channel } = this.#opened ?? (await this.#openFresh(what, signal));
      channel.signal = signal;
      const value = await job(jpki);
      signal?.throwIfAborted();
      held = hold && jpki.selected && !this.#closed;
      return value;
    } catch (error) {
      throw signal?.aborted ? signal.reason : error;
    } finally {
      if (held) this.#holdOn();
      else await this.#end();
    }
  }

  async #openFresh(what: string, signal: AbortSignal | undefined): Promise<Opened> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#open(signal);
      } catch (error) {
        const reset = error instanceof JpkiError && error.code === "CARD_RESET";
        if (!reset || attempt === OPEN_ATTEMPTS || signal?.aborted) throw error;
        this.#log.debug("the card was reset before its first job; once more", { what, reader: this.#slot.reader });
      }
    }
  }

  async #open(signal: AbortSignal | undefined): Promise<Opened> {
    const { signal: closing } = this.#closing;
    const either = signal === undefined ? closing : AbortSignal.any([signal, closing]);
    const connection = await this.#transport.connect(this.#slot, { signal: either });
    try {
      const channel = new CardChannel(connection, this.#log);
      channel.signal = signal;
      const jpki = await JpkiApplication.select(channel, this.#features);
      this.#opened = { connection, channel, jpki };
      return this.#opened;
    } catch (error) {
      await connection.end();
      throw error;
    }
  }

  /** Until the time is over, another program may want the card, or the next job comes. */
  #holdOn(): void {
    const release = () => void this.release();
    const stopTimer = this.#setTimer(release, this.#holdMs);
    const stopWatching = this.#opened?.connection.watchOthers?.(release);
    this.#endHold = () => {
      stopTimer();
      stopWatching?.();
    };
  }

  /** Cuts the power, if there is any. */
  async #end(): Promise<void> {
    this.#endHold?.();
    this.#endHold = undefined;
    await this.#opened?.connection.end();
    this.#opened = undefined;
  }

  get #closed(): boolean {
    return this.#closing.signal.aborted;
  }

  #closedError(what: string): PcscError {
    const { reader } = this.#slot;
    return new PcscError("CARD_ABSENT", `${what}: the card in ${reader} is no longer used`, { details: { reader } });
  }
}

function setNodeTimer(run: () => void, ms: number): () => void {
  const timer = setTimeout(run, ms);
  return () => clearTimeout(timer);
}
