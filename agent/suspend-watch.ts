/**
 * Notices that the machine was asleep: on Linux the monotonic clock stands still meanwhile and the wall clock does not.
 * Where it goes on (macOS), a timer that comes far too late says the same. A clock that is set by hand looks like it,
 * and costs a question for the PIN.
 */

import type { SetTimer } from "./pin-memory.ts";

export interface SuspendWatchOptions {
  /** Monotonic milliseconds. */
  readonly now: () => number;
  /** Milliseconds since 1970. */
  readonly wallNow: () => number;
  readonly setTimer: SetTimer;
  /** Called once for each sleep that is noticed. */
  readonly onSuspend: () => void;
}

/** How often it looks without being asked. */
export const WATCH_MS = 15_000;
/** More than a clock is corrected by at once, and than a busy process is late. */
export const JUMP_MS = 5_000;

export class SuspendWatch {
  readonly #options: SuspendWatchOptions;
  #monotonicMs: number;
  #wallMs: number;
  #cancelTimer: () => void = () => {};

  /** Begins to watch. */
  constructor(options: SuspendWatchOptions) {
    this.#options = options;
    this.#monotonicMs = options.now();
    this.#wallMs = options.wallNow();
    this.#lookLater();
  }

  /** Looks now: before each use of what must not survive a sleep. */
  check(): void {
    const monotonicMs = this.#options.now();
    const wallMs = this.#options.wallNow();
    const jumpMs = Math.abs(wallMs - this.#wallMs - (monotonicMs - this.#monotonicMs));
    this.#monotonicMs = monotonicMs;
    this.#wallMs = wallMs;
    if (jumpMs > JUMP_MS) this.#options.onSuspend();
  }

  close(): void {
    this.#cancelTimer();
  }

  #lookLater(): void {
    const dueMs = this.#options.now() + WATCH_MS;
    this.#cancelTimer = this.#options.setTimer(() => {
      if (this.#options.now() > dueMs + JUMP_MS) this.#options.onSuspend();
      else this.check();
      this.#lookLater();
    }, WATCH_MS);
  }
}
