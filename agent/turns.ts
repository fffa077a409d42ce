/** One at a time, in the order of asking; who waits may leave. */

interface Waiting {
  readonly begin: () => void;
}

export class Turns {
  #busy = false;
  readonly #waiting: Waiting[] = [];

  /**
   * Runs `job` when its turn comes.
   *
   * @throws what `job` throws; the signal's reason if it aborts before the turn comes: then `job` is never run.
   */
  async run<T>(signal: AbortSignal, job: () => Promise<T>): Promise<T> {
    signal.throwIfAborted();
    if (this.#busy) await this.#wait(signal);
    this.#busy = true;
    try {
      signal.throwIfAborted(); // it may have aborted between being called and running
      return await job();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#busy = false;
      else next.begin();
    }
  }

  /** Being called hands the turn over without letting go of it, so that nobody jumps the queue. */
  #wait(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const leave = () => {
        this.#waiting.splice(this.#waiting.indexOf(waiting), 1);
        reject(signal.reason);
      };
      const waiting: Waiting = {
        begin: () => {
          signal.removeEventListener("abort", leave);
          resolve();
        },
      };
      this.#waiting.push(waiting);
      signal.addEventListener("abort", leave, { once: true });
    });
  }
}
