/** A card between the reader and another card: for answers cut short, cards pulled out in the middle, mute cards. */

import type { EmulatedCard } from "../../lib/virtual-card/card.ts";

export interface Tap {
  /** In place of the card's own. */
  readonly atr?: Uint8Array | undefined;
  /**
   * Called with the index of each command (from 0) after the card has answered it, before the answer goes back. What
   * it returns goes back in its place; it may also pull the card out.
   */
  readonly onCommand?: ((index: number, command: Uint8Array, answer: Uint8Array) => Uint8Array | undefined) | undefined;
}

export function tappedCard(card: EmulatedCard, tap: Tap): EmulatedCard {
  let index = 0;
  return {
    atr: tap.atr ?? card.atr,
    protocol: card.protocol,
    powerOn: () => card.powerOn(),
    powerOff: () => card.powerOff(),
    warmReset: () => card.warmReset(),
    transmit: (command) => {
      const answer = card.transmit(command);
      return tap.onCommand?.(index++, command, answer) ?? answer;
    },
  };
}

/** A card of another kind: it answers `6A82` to every command. */
export function foreignCard(): EmulatedCard {
  return {
    atr: Uint8Array.of(0x3b, 0x80, 0x01, 0x81),
    protocol: "T=1",
    powerOn: () => {},
    powerOff: () => {},
    warmReset: () => {},
    transmit: () => Uint8Array.of(0x6a, 0x82),
  };
}
