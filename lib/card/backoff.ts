/** How long to wait before PC/SC is tried again: soon at first, since a restarted service is back at once. */

const FIRST_DELAY_MS = 100;
const LAST_DELAY_MS = 5000;

export class Backoff {
  #nextMs = FIRST_DELAY_MS;

  /** Milliseconds until the next attempt: 100, 200, 400 … 5000. */
  next(): number {
    const delayMs = this.#nextMs;
    this.#nextMs = Math.min(2 * delayMs, LAST_DELAY_MS);
    return delayMs;
  }

  /** An attempt worked. */
  reset(): void {
    this.#nextMs = FIRST_DELAY_MS;
  }
}
