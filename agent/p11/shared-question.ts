/** One question that several calls wait for: it is asked once, and taken back when none of them is left. */

export class SharedQuestion {
  readonly #unwanted = new AbortController();
  readonly #answer: Promise<void>;
  #waiting = 0;
  #answered = false;

  /** @param ask is called at once; its signal aborts, with the last one's reason, when nobody waits any more. */
  constructor(ask: (signal: AbortSignal) => Promise<void>) {
    this.#answer = ask(this.#unwanted.signal).finally(() => {
      this.#answered = true;
    });
    this.#answer.catch(() => {}); // who waited has left already, and was told why
  }

  /** Whether one more may wait for it. */
  get isOpen(): boolean {
    return !this.#answered && !this.#unwanted.signal.aborted;
  }

  /** @throws what `ask` throws; the signal's reason. */
  wait(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      // Within the abort itself: an answer that is on its way already must find out that it is not wanted.
      const leave = () => {
        if (--this.#waiting === 0) this.#unwanted.abort(signal.reason);
        reject(signal.reason);
      };
      this.#waiting++;
      if (signal.aborted) return leave();
      signal.addEventListener("abort", leave, { once: true });
      this.#answer.then(resolve, reject).finally(() => signal.removeEventListener("abort", leave));
    });
  }
}
