/** A keychain in memory, with failures on demand. */

import { PinError } from "../../lib/errors.ts";
import { type Pin, pinFromBytes } from "../../lib/pin/pin.ts";
import type { PinVault } from "../../lib/pin/vault.ts";

export class FakeVault implements PinVault {
  readonly saved = new Map<string, string>();
  /** How often it was read. */
  reads = 0;
  broken = false;

  async read(cardId: string): Promise<Pin | undefined> {
    this.reads++;
    this.#throwIfBroken();
    const digits = this.saved.get(cardId);
    return digits === undefined ? undefined : pinFromBytes("auth", new TextEncoder().encode(digits));
  }

  async save(cardId: string, pin: Pin): Promise<void> {
    this.#throwIfBroken();
    pin.expose((bytes) => this.saved.set(cardId, new TextDecoder().decode(bytes)));
  }

  async erase(cardId: string): Promise<boolean> {
    this.#throwIfBroken();
    return this.saved.delete(cardId);
  }

  #throwIfBroken(): void {
    if (this.broken) throw new PinError("KEYCHAIN_UNAVAILABLE", "locked");
  }
}
