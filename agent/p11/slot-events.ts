/** C_WaitForSlotEvent: which slots' tokens came, left or were exchanged since the program last asked. */

import { CKR_NO_EVENT } from "../../lib/p11/constants.ts";
import { CkError } from "./ck-error.ts";

export class SlotEvents {
  readonly #changed = new Set<number>();
  readonly #parked = new Set<(slotId: number) => void>();

  /** A slot's token changed: the call that has been parked longest gets it, or the next one that asks. */
  add(slotId: number): void {
    const [first] = this.#parked;
    if (first === undefined) this.#changed.add(slotId);
    else first(slotId);
  }

  /** @returns a slot, once for each change. @throws CkError CKR_NO_EVENT. */
  take(): number {
    const [slotId] = this.#changed;
    if (slotId === undefined) throw new CkError(CKR_NO_EVENT);
    this.#changed.delete(slotId);
    return slotId;
  }

  /** The same, and waits for a change if there is none. @throws the signal's reason. */
  async wait(signal: AbortSignal): Promise<number> {
    signal.throwIfAborted();
    if (this.#changed.size > 0) return this.take();
    return new Promise((resolve, reject) => {
      const leave = () => {
        this.#parked.delete(answer);
        reject(signal.reason);
      };
      const answer = (slotId: number) => {
        this.#parked.delete(answer);
        signal.removeEventListener("abort", leave);
        resolve(slotId);
      };
      this.#parked.add(answer);
      signal.addEventListener("abort", leave, { once: true });
    });
  }
}
