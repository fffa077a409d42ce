/**
 * Remembered PINs: at most one for each card, wiped at their time even if nobody asks again.
 *
 * A PIN holds for one card (the SHA-256 of its authentication certificate) in one insertion, for a time since its
 * last use, and never longer than the hard maximum since a person typed it. All times are of a monotonic clock.
 */

import type { Pin } from "../lib/pin/pin.ts";

/** Calls back once after `delayMs`, without keeping the process alive. Returns what calls it off. */
export type SetTimer = (callback: () => void, delayMs: number) => () => void;

export interface PinMemoryOptions {
  /** Since the last use, milliseconds. */
  readonly ttlMs: number;
  /** Since it was typed, milliseconds; default 8 hours, or `ttlMs` if that is longer. */
  readonly maxTtlMs?: number | undefined;
  /** Monotonic milliseconds. */
  readonly now: () => number;
  readonly setTimer?: SetTimer | undefined;
}

const DEFAULT_MAX_TTL_MS = 8 * 60 * 60 * 1000;
/** A longer delay would make Node's timers fire at once. */
const MAX_TIMER_MS = 2 ** 31 - 1;

interface Entry {
  readonly pin: Pin;
  readonly insertion: number;
  readonly lastMs: number;
  untilMs: number;
  cancelTimer: () => void;
}

export class PinMemory {
  readonly #options: PinMemoryOptions;
  readonly #maxTtlMs: number;
  readonly #setTimer: SetTimer;
  readonly #entries = new Map<string, Entry>();

  constructor(options: PinMemoryOptions) {
    this.#options = options;
    this.#maxTtlMs = options.maxTtlMs ?? Math.max(options.ttlMs, DEFAULT_MAX_TTL_MS);
    this.#setTimer = options.setTimer ?? unrefTimer;
  }

  /** A copy, which the caller wipes; counts as a use. */
  recall(cardId: string, insertion: number): Pin | undefined {
    const entry = this.#entries.get(cardId);
    if (entry === undefined || entry.insertion !== insertion) return undefined;
    const now = this.#options.now();
    if (now >= entry.untilMs) {
      this.forget(cardId);
      return undefined;
    }
    entry.untilMs = Math.min(now + this.#options.ttlMs, entry.lastMs);
    return entry.pin.copy();
  }

  /** Keeps a copy in the place of the one before. */
  keep(cardId: string, insertion: number, pin: Pin): void {
    this.forget(cardId);
    const now = this.#options.now();
    const lastMs = now + this.#maxTtlMs;
    const untilMs = Math.min(now + this.#options.ttlMs, lastMs);
    const entry: Entry = { pin: pin.copy(), insertion, lastMs, untilMs, cancelTimer: () => {} };
    this.#entries.set(cardId, entry);
    this.#wipeInTime(cardId, entry);
  }

  /** Wipes the PIN of one card, or of all. */
  forget(cardId?: string | undefined): void {
    for (const [id, entry] of this.#entries) {
      if (cardId !== undefined && id !== cardId) continue;
      entry.cancelTimer();
      entry.pin.wipe();
      this.#entries.delete(id);
    }
  }

  /** Wipes the PINs of all cards that have left. */
  forgetInsertionsExcept(current: ReadonlySet<number>): void {
    for (const [id, entry] of this.#entries) if (!current.has(entry.insertion)) this.forget(id);
  }

  /** A use since then has moved the time: the timer is set again, never moved. */
  #wipeInTime(cardId: string, entry: Entry): void {
    const leftMs = entry.untilMs - this.#options.now();
    if (leftMs <= 0) this.forget(cardId);
    else
      entry.cancelTimer = this.#setTimer(
        () => this.#wipeInTime(cardId, entry),
        Math.min(Math.ceil(leftMs), MAX_TIMER_MS),
      );
  }
}

function unrefTimer(callback: () => void, delayMs: number): () => void {
  const timer = setTimeout(callback, delayMs).unref();
  return () => clearTimeout(timer);
}
