/**
 * What lies on which reader, from the raw states that PC/SC reports, and the numbers that tell one insertion from the
 * next.
 *
 * PC/SC counts a reader's insertions and removals in the upper 16 bits of its state (pcsclite.h, SCARD_READERSTATE).
 * Two states with a card but different counts are two insertions, however fast the swap was.
 */

import { equalBytes } from "../bytes.ts";
import type { CardSlot } from "./transport.ts";

/** Bits of SCARD_READERSTATE.dwEventState (pcsclite.h). */
const SCARD_STATE_UNKNOWN = 0x0004;
const SCARD_STATE_UNAVAILABLE = 0x0008;
const SCARD_STATE_PRESENT = 0x0020;
const SCARD_STATE_MUTE = 0x0200;
const EVENT_COUNT_SHIFT = 16;

const NO_ATR = new Uint8Array(0);

interface Entry {
  readonly slot: CardSlot;
  readonly eventCount: number;
}

export class SlotTable {
  readonly #entries = new Map<string, Entry>();
  #insertions = 0;

  /** In the order of the readers' names: PC/SC reports them in any. */
  slots(): readonly CardSlot[] {
    return Array.from(this.#entries.values(), ({ slot }) => slot).sort((a, b) => (a.reader < b.reader ? -1 : 1));
  }

  find(reader: string): CardSlot | undefined {
    return this.#entries.get(reader)?.slot;
  }

  /**
   * A reader's state as PC/SC gives it.
   *
   * @param atr of the card; empty where the binding does not know it. Kept.
   * @returns whether a slot changed: use by other programs, for one, changes the state only.
   */
  update(reader: string, rawState: number, atr: Uint8Array): boolean {
    if ((rawState & (SCARD_STATE_UNKNOWN | SCARD_STATE_UNAVAILABLE)) !== 0) return this.remove(reader);
    const before = this.#entries.get(reader);
    const state = stateOf(rawState);
    const eventCount = rawState >>> EVENT_COUNT_SHIFT;
    const same = before !== undefined && before.slot.state !== "empty" && before.eventCount === eventCount;
    const insertion = state === "empty" ? 0 : same ? before.slot.insertion : ++this.#insertions;
    const known = same && atr.length === 0 ? before.slot.atr : atr;
    const slot: CardSlot = { reader, state, atr: state === "present" ? known : NO_ATR, insertion };
    this.#entries.set(reader, { slot, eventCount });
    return before === undefined || before.slot.state !== state || before.slot.insertion !== insertion;
  }

  /** For a binding that learns the ATR only by connecting: of the card that lies there. @returns whether it is new. */
  learnAtr(reader: string, atr: Uint8Array): boolean {
    const entry = this.#entries.get(reader);
    if (entry === undefined || equalBytes(entry.slot.atr, atr)) return false;
    this.#entries.set(reader, { ...entry, slot: { ...entry.slot, atr } });
    return true;
  }

  /** The reader is gone. @returns whether it was there. */
  remove(reader: string): boolean {
    return this.#entries.delete(reader);
  }

  /** All readers are gone. */
  clear(): void {
    this.#entries.clear();
  }
}

function stateOf(rawState: number): CardSlot["state"] {
  if ((rawState & SCARD_STATE_PRESENT) === 0) return "empty";
  return (rawState & SCARD_STATE_MUTE) === 0 ? "present" : "mute";
}
