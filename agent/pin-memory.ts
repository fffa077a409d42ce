/**
 * Remembered PINs: at most one for each card, wiped at their time even if nobody asks again.
 *
 * A PIN holds for one card (the SHA-256 of its authentication certificate), in one insertion or in all, for a time
 * since its last use, and never longer than the hard maximum since a person typed it; or for a lifetime that the person
 * named. All times are of a monotonic clock.
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
  readonly setTimer: SetTimer;
  /** Called when a PIN was wiped because its time is over. */
  readonly onExpired?: (() => void) | undefined;
}

const DEFAULT_MAX_TTL_MS = 8 * 60 * 60 * 1000;
/** A longer delay would make Node's timers fire at once. */
const MAX_TIMER_MS = 2 ** 31 - 1;

interface Entry {
  readonly pin: Pin;
  /** Undefined: any. */
  readonly insertion: number | undefined;
  readonly lastMs: number;
  untilMs: number;
  cancelTimer: () => void;
}

export class PinMemory {
  readonly #options: PinMemoryOptions;
  readonly #maxTtlMs: number;
  readonly #entries = new Map<string, Entry>();

  constructor(options: PinMemoryOptions) {
    this.#options = options;
    this.#maxTtlMs = options.maxTtlMs ?? Math.max(options.ttlMs, DEFAULT_MAX_TTL_MS);
  }

  /** A copy, which the caller wipes; counts as a use. */
  recall(cardId: string, insertion: number): Pin | undefined {
    const entry = this.#find(cardId, insertion);
    if (entry === undefined) return undefined;
    entry.untilMs = Math.min(Math.max(this.#options.now() + this.#options.ttlMs, entry.untilMs), entry.lastMs);
    return entry.pin.copy();
  }

  /** Whether there is one now; no use of it. */
  has(cardId: string, insertion: number): boolean {
    return this.#find(cardId, insertion) !== undefined;
  }

  /**
   * Keeps a copy in the place of the one before.
   *
   * @param insertion undefined: for every insertion of this card.
   * @param lifetimeMs how long, in place of the two times of the options.
   */
  keep(cardId: string, insertion: number | undefined, pin: Pin, lifetimeMs?: number | undefined): void {
    this.forget(cardId);
    const now = this.#options.now();
    const lastMs = now + (lifetimeMs ?? this.#maxTtlMs);
    const untilMs = Math.min(now + (lifetimeMs ?? this.#options.ttlMs), lastMs);
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

  /** Wipes the PINs that hold for an insertion that is over. */
  forgetInsertionsExcept(current: ReadonlySet<number>): void {
    for (const [id, { insertion }] of this.#entries)
      if (insertion !== undefined && !current.has(insertion)) this.forget(id);
  }

  #find(cardId: string, insertion: number): Entry | undefined {
    const entry = this.#entries.get(cardId);
    if (entry === undefined || (entry.insertion !== undefined && entry.insertion !== insertion)) return undefined;
    if (this.#options.now() < entry.untilMs) return entry;
    this.#expire(cardId);
    return undefined;
  }

  #expire(cardId: string): void {
    this.forget(cardId);
    this.#options.onExpired?.();
  }

  /** A use since then has moved the time: the timer is set again, never moved. */
  #wipeInTime(cardId: string, entry: Entry): void {
    const leftMs = entry.untilMs - this.#options.now();
    if (leftMs <= 0) this.#expire(cardId);
    else
      entry.cancelTimer = this.#options.setTimer(
        () => this.#wipeInTime(cardId, entry),
        Math.min(Math.ceil(leftMs), MAX_TIMER_MS),
      );
  }
}

/** Node's own timer; it does not keep the process alive. */
export const unrefTimer: SetTimer = (callback, delayMs) => {
  const timer = setTimeout(callback, delayMs).unref();
  return () => clearTimeout(timer);
};
