/**
 * PINs that a card has refused. The same one again, from a person, from a program in `SSH_ASKPASS` that knows one answer
 * only, or from the keychain, would be a try for nothing.
 */

import { isSamePin, type Pin } from "../lib/pin/pin.ts";

export class RefusedPins {
  readonly #pins: Pin[] = [];

  /** Keeps a copy. */
  add(pin: Pin): void {
    this.#pins.push(pin.copy());
  }

  has(pin: Pin): boolean {
    return this.#pins.some((refused) => isSamePin(refused, pin));
  }

  /** May be called twice. */
  wipe(): void {
    for (const pin of this.#pins.splice(0)) pin.wipe();
  }
}
