/** Answers that hold for a moment: the same question is not put again at once. */

export interface HeldRefusalsOptions {
  /** Monotonic milliseconds. */
  readonly now: () => number;
  /**
   * How long an answer holds, milliseconds; default 10 s. Whoever repeats the question meanwhile makes it hold for half
   * as long from then on, and three times as long in all at most.
   */
  readonly holdMs?: number | undefined;
}

/**
 * Clients repeat after a refusal (observed: libgit2 19 times at once, rclone 10 times in 11 s, waiting 2 s at most, on a
 * host that answers at once); a person takes longer.
 */
const HOLD_MS = 10_000;

interface Holding<Code> {
  readonly code: Code;
  readonly untilMs: number;
  /** A client that goes on repeating must not keep a person out for ever. */
  readonly latestMs: number;
}

/** What holds, and for how much longer. */
export interface HeldRefusal<Code> {
  readonly code: Code;
  /** Milliseconds. */
  readonly leftMs: number;
}

/** By the keys of questions. */
export class HeldRefusals<Code> {
  readonly #now: () => number;
  readonly #holdMs: number;
  readonly #held = new Map<string, Holding<Code>>();

  constructor({ now, holdMs = HOLD_MS }: HeldRefusalsOptions) {
    this.#now = now;
    this.#holdMs = holdMs;
  }

  /** From now on. */
  hold(key: string, code: Code): void {
    const now = this.#now();
    this.#held.set(key, { code, untilMs: now + this.#holdMs, latestMs: now + 3 * this.#holdMs });
  }

  /** What holds now for the same question, and for a while longer since it is asked again. */
  of(key: string): HeldRefusal<Code> | undefined {
    const now = this.#now();
    for (const [known, { untilMs }] of this.#held) if (now >= untilMs) this.#held.delete(known);
    const refusal = this.#held.get(key);
    if (refusal === undefined) return undefined;
    const untilMs = Math.min(Math.max(refusal.untilMs, now + this.#holdMs / 2), refusal.latestMs);
    this.#held.set(key, { ...refusal, untilMs });
    return { code: refusal.code, leftMs: Math.ceil(untilMs - now) };
  }
}
