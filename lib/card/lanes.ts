/**
 * One user at a time for each reader, and few altogether.
 *
 * A call into PC/SC occupies one of libuv's four threads until it returns, and some calls wait inside pcscd for another
 * program without any time limit (SCardConnect and SCardBeginTransaction during its transaction). They cannot be
 * cancelled. So a lane stays taken until the native call is over, and three lanes leave a thread for files and names.
 */

import { orAbort } from "./waiting.ts";

const MAX_TAKEN = 3;

interface Waiting {
  readonly reader: string;
  readonly go: () => void;
}

export class Lanes {
  readonly #taken = new Set<string>();
  #waiting: Waiting[] = [];

  /** Readers in use, or with a native call that does not return. */
  get taken(): readonly string[] {
    return [...this.#taken];
  }

  /**
   * Waits for the reader, first come first served.
   *
   * @returns the function that leaves; to be called once. @throws the signal's reason.
   */
  async enter(reader: string, signal: AbortSignal): Promise<() => void> {
    signal.throwIfAborted();
    if (!this.#isFree(reader)) await this.#wait(reader, signal);
    else this.#taken.add(reader);
    return () => this.#leave(reader);
  }

  #isFree(reader: string): boolean {
    return this.#taken.size < MAX_TAKEN && !this.#taken.has(reader);
  }

  async #wait(reader: string, signal: AbortSignal): Promise<void> {
    let go = (): void => {};
    const turn = new Promise<void>((resolve) => {
      go = resolve;
    });
    const waiting = { reader, go };
    this.#waiting.push(waiting);
    try {
      await orAbort(turn, signal);
    } catch (error) {
      // The turn may have come in the same moment: then it is passed on.
      if (this.#waiting.includes(waiting)) this.#waiting = this.#waiting.filter((other) => other !== waiting);
      else this.#leave(reader);
      throw error;
    }
  }

  #leave(reader: string): void {
    this.#taken.delete(reader);
    for (const next of [...this.#waiting]) {
      if (!this.#isFree(next.reader)) continue;
      this.#waiting = this.#waiting.filter((other) => other !== next);
      this.#taken.add(next.reader);
      next.go();
    }
  }
}
