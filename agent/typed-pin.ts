/**
 * The PIN that a person typed for one request. Kept until that request ends, so that a card that leaves before it has
 * signed costs no second question; sent only to the same card, and only if no try was lost since the person saw them.
 */

import type { Pin } from "../lib/pin/pin.ts";
import type { PinSource } from "./pin-login.ts";
import type { InsertedCard } from "./remembered-pins.ts";

export class TypedPin {
  #kept: { readonly keyId: string; readonly pin: Pin; readonly triesLeft: number; logins: number } | undefined;

  /**
   * Keeps a copy. Nothing of a card that has not shown yet which one it is, or that does not tell its tries: whether the
   * card that left has counted a wrong PIN could not be seen.
   *
   * @param logins how many PINs the cards have accepted by now: one more would hide that this one was counted as wrong.
   */
  keep(card: InsertedCard | undefined, pin: Pin, triesLeft: number | undefined, logins: number): void {
    this.wipe();
    if (card !== undefined && triesLeft !== undefined)
      this.#kept = { keyId: card.key.id, pin: pin.copy(), triesLeft, logins };
  }

  /** The card has accepted this very PIN: with that there were `logins`. */
  accept(logins: number): void {
    if (this.#kept !== undefined) this.#kept.logins = logins;
  }

  /** A copy, which the caller wipes; undefined if nothing was typed for this card that may be sent again. */
  sourceFor(card: InsertedCard | undefined, logins: number): PinSource | undefined {
    if (this.#kept === undefined || this.#kept.keyId !== card?.key.id || this.#kept.logins !== logins) return undefined;
    return { kind: "typed", pin: this.#kept.pin.copy(), triesLeft: this.#kept.triesLeft };
  }

  /** May be called twice. */
  wipe(): void {
    this.#kept?.pin.wipe();
    this.#kept = undefined;
  }
}
