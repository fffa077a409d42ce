/** A monotonic clock with its timers, and a wall clock, moved by the test alone. */

export class FakeClock {
  #now = 0;
  /** How much the wall clock is ahead. */
  #aheadMs = 1_700_000_000_000;
  readonly #timers = new Set<{ readonly at: number; readonly callback: () => void }>();
  longestDelay = 0;

  readonly now = (): number => this.#now;

  readonly wallNow = (): number => this.#now + this.#aheadMs;

  readonly setTimer = (callback: () => void, delayMs: number): (() => void) => {
    const timer = { at: this.#now + delayMs, callback };
    this.longestDelay = Math.max(this.longestDelay, delayMs);
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  };

  /** How many timers are set. */
  get timers(): number {
    return this.#timers.size;
  }

  /** Moves the clock and runs each timer at its time. */
  advance(ms: number): void {
    const end = this.#now + ms;
    for (;;) {
      const [next] = [...this.#timers].filter(({ at }) => at <= end).sort((a, b) => a.at - b.at);
      if (next === undefined) break;
      this.#now = next.at;
      this.#timers.delete(next);
      next.callback();
    }
    this.#now = end;
  }

  /** The machine sleeps: the monotonic clock and the timers stand still. */
  sleep(ms: number): void {
    this.#aheadMs += ms;
  }

  /** As in a process that was too busy to run its timers. */
  advanceWithoutTimers(ms: number): void {
    this.#now += ms;
  }

  /** Runs every timer now, before its time. */
  fireAll(): void {
    for (const timer of [...this.#timers]) {
      this.#timers.delete(timer);
      timer.callback();
    }
  }
}
