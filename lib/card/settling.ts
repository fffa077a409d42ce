/**
 * When a watch has said all that it has to say at its start, and when it is at rest.
 *
 * Neither binding tells the end of its first round of reports, and neither says anything where there is no reader. So
 * the end of the first round is a short silence after a report, or a longer one without any.
 */

/** All readers of the first round are reported at once; the first report comes 1 to 10 ms after the start. */
const AFTER_REPORT_MS = 20;
const WITHOUT_REPORT_MS = 500;
/**
 * pcscd tells up to 400 ms later that a program connected or let go, and a native watch that finds a card without an
 * ATR sleeps for 410 ms (PCSCLITE_STATUS_POLL_RATE, winscard_clnt.c): it does not wait for reports before that.
 */
const AT_REST_MS = 500;

export class Settling {
  readonly #isComplete: () => boolean;
  readonly #onSettled: () => void;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #lastReportAt = performance.now();

  /** @param isComplete whether nothing is known to be missing. */
  constructor(isComplete: () => boolean, onSettled: () => void) {
    this.#isComplete = isComplete;
    this.#onSettled = onSettled;
    this.#wait(WITHOUT_REPORT_MS);
  }

  /** The watch reported something. */
  report(): void {
    this.#lastReportAt = performance.now();
    if (this.#timer !== undefined) this.#wait(AFTER_REPORT_MS);
  }

  /** Settles no more. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  /** Resolves when there has been no report for a while, from now on. */
  async rest(): Promise<void> {
    const from = performance.now();
    for (;;) {
      const leftMs = Math.max(from, this.#lastReportAt) + AT_REST_MS - performance.now();
      if (leftMs <= 0) return;
      await new Promise((resolve) => setTimeout(resolve, leftMs));
    }
  }

  #wait(ms: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      if (!this.#isComplete()) return this.#wait(AFTER_REPORT_MS);
      this.#timer = undefined;
      this.#onSettled();
    }, ms);
  }
}
