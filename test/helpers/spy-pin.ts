/** A PIN that remembers every copy of itself, so that a test can ask what is left unwiped. */

import { Pin } from "../../lib/pin/pin.ts";

export class SpyPin extends Pin {
  /** This one and all that were copied from it, directly or not. */
  readonly family: SpyPin[];
  wiped = false;

  constructor(bytes: Uint8Array, family: SpyPin[] = []) {
    super(bytes);
    this.family = family;
    family.push(this);
  }

  override copy(): SpyPin {
    return this.expose((bytes) => new SpyPin(new Uint8Array(bytes), this.family));
  }

  override wipe(): void {
    super.wipe();
    this.wiped = true;
  }
}

/** A PIN of these characters. */
export function spyPin(digits: string): SpyPin {
  return new SpyPin(new TextEncoder().encode(digits));
}

/** How many of the family still hold the digits. */
export function unwiped(pin: SpyPin): number {
  return pin.family.filter(({ wiped }) => !wiped).length;
}

/** The digits, to be compared in a test with a PIN that was made up there. */
export function digitsOf(pin: Pin | undefined): string | undefined {
  return pin?.expose((bytes) => new TextDecoder().decode(bytes));
}
