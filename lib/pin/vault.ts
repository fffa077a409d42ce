/** The port to the OS keychain: at most one PIN for each card, kept over restarts. Adapter: keychain.ts. */

import type { Pin } from "./pin.ts";

/**
 * `cardId` is the SHA-256 of the card's authentication certificate, lower-case hex. All reject with PinError
 * `KEYCHAIN_UNAVAILABLE` (no keychain, locked, no answer in time; `hint` says what is missing).
 */
export interface PinVault {
  /** @returns a PIN of the right form, which the caller wipes; undefined if there is none. */
  read(cardId: string): Promise<Pin | undefined>;
  /** In the place of the one before. Does not wipe `pin`. */
  save(cardId: string, pin: Pin): Promise<void>;
  /** @returns whether there was one. */
  erase(cardId: string): Promise<boolean>;
}
