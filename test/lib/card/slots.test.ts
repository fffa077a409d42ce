import { describe, expect, it } from "vitest";
import { SlotTable } from "../../../lib/card/slots.ts";

const READER = "Reader 00";
const ATR = Uint8Array.of(0x3b, 0x80);
const NO_ATR = new Uint8Array(0);
const EMPTY = 0x12;
const PRESENT = 0x22;
const PRESENT_IN_USE = 0x122;
const MUTE = 0x222;
const UNKNOWN = 0x06;

function counted(events: number, state: number): number {
  return events * 0x10000 + state;
}

describe("a table of readers", () => {
  it("numbers an insertion, and says what changed", () => {
    const table = new SlotTable();
    expect(table.update(READER, EMPTY, NO_ATR)).toBe(true);
    expect(table.slots()).toEqual([{ reader: READER, state: "empty", atr: NO_ATR, insertion: 0 }]);
    expect(table.update(READER, counted(1, PRESENT), ATR)).toBe(true);
    expect(table.find(READER)).toEqual({ reader: READER, state: "present", atr: ATR, insertion: 1 });
    expect(table.update(READER, counted(1, PRESENT_IN_USE), ATR)).toBe(false);
    expect(table.find(READER)?.insertion).toBe(1);
  });

  it("sees a swap that went through no empty state", () => {
    const table = new SlotTable();
    table.update(READER, counted(1, PRESENT), ATR);
    expect(table.update(READER, counted(3, PRESENT), ATR)).toBe(true);
    expect(table.find(READER)?.insertion).toBe(2);
  });

  it("sees a swap where PC/SC does not count", () => {
    const table = new SlotTable();
    table.update(READER, PRESENT, ATR);
    table.update(READER, EMPTY, NO_ATR);
    table.update(READER, PRESENT, ATR);
    expect(table.find(READER)?.insertion).toBe(2);
  });

  it("takes the highest counts", () => {
    const table = new SlotTable();
    table.update(READER, 0xffff0000 + PRESENT, ATR);
    expect(table.update(READER, 0xffff0000 + PRESENT, ATR)).toBe(false);
    expect(table.update(READER, 0xfffe0000 + PRESENT, ATR)).toBe(true);
  });

  it("keeps the insertion of a card that begins to answer", () => {
    const table = new SlotTable();
    table.update(READER, counted(1, MUTE), ATR);
    expect(table.find(READER)).toEqual({ reader: READER, state: "mute", atr: NO_ATR, insertion: 1 });
    expect(table.update(READER, counted(1, PRESENT), ATR)).toBe(true);
    expect(table.find(READER)).toEqual({ reader: READER, state: "present", atr: ATR, insertion: 1 });
  });

  it("drops a reader that is gone, and numbers its card anew", () => {
    const table = new SlotTable();
    table.update(READER, PRESENT, ATR);
    expect(table.update(READER, UNKNOWN, NO_ATR)).toBe(true);
    expect(table.slots()).toEqual([]);
    expect(table.remove(READER)).toBe(false);
    table.update(READER, PRESENT, ATR);
    expect(table.find(READER)?.insertion).toBe(2);
  });

  it("numbers cards anew after all readers were gone", () => {
    const table = new SlotTable();
    table.update(READER, PRESENT, ATR);
    table.clear();
    table.update("Reader 01", PRESENT, ATR);
    table.update(READER, PRESENT, ATR);
    expect(table.slots().map(({ reader, insertion }) => [reader, insertion])).toEqual([
      [READER, 3],
      ["Reader 01", 2],
    ]);
  });

  it("keeps an ATR learnt by connecting for the insertion", () => {
    const table = new SlotTable();
    table.update(READER, counted(1, PRESENT), NO_ATR);
    expect(table.learnAtr(READER, ATR)).toBe(true);
    expect(table.learnAtr(READER, ATR)).toBe(false);
    table.update(READER, counted(1, PRESENT_IN_USE), NO_ATR);
    expect(table.find(READER)?.atr).toEqual(ATR);
    table.update(READER, counted(3, PRESENT), NO_ATR);
    expect(table.find(READER)?.atr).toEqual(NO_ATR);
    expect(table.learnAtr("Reader 01", ATR)).toBe(false);
  });
});
