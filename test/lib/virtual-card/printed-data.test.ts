/** The text and the surface application as a strict card has them: what opens what, and what nothing opens. */

import { beforeAll, describe, expect, test } from "vitest";
import { fromHex, toHex, utf8 } from "../../../lib/bytes.ts";
import { isBirthDate, isCodeB, isIndividualNumber } from "../../../lib/pin/card-code.ts";
import { VirtualCard, type VirtualCardOptions } from "../../../lib/virtual-card/card.ts";
import { codesOf, encodeNumber, FICTIONAL_HOLDER } from "../../../lib/virtual-card/holder.ts";
import type { VirtualPki } from "../../../lib/virtual-card/pki.ts";
import { testPki } from "../../helpers/pki.ts";

const TEXT = "00 A4 04 0C 0A D3 92 10 00 31 00 01 01 04 08";
const SURFACE = "00 A4 04 0C 0A D3 92 10 00 31 00 01 01 04 02";
const { a: CODE_A, b: CODE_B } = codesOf(FICTIONAL_HOLDER);

let pki: VirtualPki;
beforeAll(async () => {
  pki = await testPki();
});

/** A card with power and that application selected. */
function selected(application: string, options: Partial<VirtualCardOptions> = {}): VirtualCard {
  const card = new VirtualCard({ pki, changes: { firstCommandFails: false }, ...options });
  card.powerOn();
  expect(sw(card, application)).toBe("9000");
  return card;
}

const send = (card: VirtualCard, command: string) => card.transmit(fromHex(command));
const sw = (card: VirtualCard, command: string) => toHex(send(card, command).subarray(-2));

/** VERIFY by short EF id. */
function verify(card: VirtualCard, id: number, value: string): string {
  const length = value.length.toString(16).padStart(2, "0");
  return sw(card, `00 20 00 ${toHex(Uint8Array.of(0x80 | id))} ${length} ${toHex(utf8(value))}`);
}

/** The status word of reading a file's first byte. */
const read = (card: VirtualCard, id: number) => sw(card, `00 B0 ${toHex(Uint8Array.of(0x80 | id))} 00 01`);

/** An IEF, what it takes, and the files that it opens. */
type PinCase = readonly [id: number, value: string, opens: readonly number[]];

const TEXT_PINS: readonly PinCase[] = [
  [0x11, "2345", [0x01, 0x02]],
  [0x14, CODE_A, [0x01]],
  [0x15, CODE_B, [0x02]],
];
const SURFACE_PINS: readonly PinCase[] = [
  [0x13, CODE_A, [0x02, 0x05]],
  [0x12, CODE_B, [0x02]],
];

describe.each([
  ["text", TEXT, [0x01, 0x02], TEXT_PINS],
  ["surface", SURFACE, [0x02, 0x05], SURFACE_PINS],
] as const)("the %s application", (_, application, files, pins) => {
  test("opens nothing without a PIN", () => {
    const card = selected(application);
    expect(files.map((file) => read(card, file))).toEqual(files.map(() => "6982"));
  });

  test.each(pins)("IEF %i opens its files, until the power is cut", (id, value, opened) => {
    const card = selected(application);
    expect(verify(card, id, value)).toBe("9000");
    const open = () => files.filter((file) => read(card, file) === "9000");
    expect(open()).toEqual(opened);
    card.warmReset();
    expect(sw(card, application)).toBe("9000");
    expect(open()).toEqual(opened);
    card.powerOff();
    card.powerOn();
    expect(sw(card, application)).toBe("9000");
    expect(open()).toEqual([]);
  });

  test.each(pins)("IEF %i counts its own tries, and blocks", (id, value) => {
    const card = selected(application);
    const max = id === 0x11 ? 3 : 10;
    for (let left = max - 1; left >= 0; left--)
      expect(verify(card, id, "0".repeat(value.length))).toBe(`63c${left.toString(16)}`);
    expect(verify(card, id, value)).toBe("6984");
    for (const [other, right] of pins) if (other !== id) expect(verify(card, other, right)).toBe("9000");
  });

  test("cannot be changed where it is printed on the card", () => {
    for (const [id, value] of pins) {
      const card = selected(application);
      expect(verify(card, id, value)).toBe("9000");
      const p2 = toHex(Uint8Array.of(0x80 | id));
      expect(sw(card, `00 24 01 ${p2} 04 31 32 33 34`)).toBe(id === 0x11 ? "9000" : "6a80");
    }
  });
});

test("the number's file has 17 bytes: 15 and filler", () => {
  const card = selected(TEXT);
  verify(card, 0x11, "2345");
  const answer = send(card, "00 B0 81 00 00");
  expect(answer.length).toBe(17 + 2);
  expect(toHex(answer)).toBe(`${toHex(encodeNumber(FICTIONAL_HOLDER))}ffff9000`);
  expect(sw(card, "00 B0 00 11 00")).toBe("6b00");
});

test("one application's file is not the other's", () => {
  const card = selected(TEXT);
  verify(card, 0x11, "2345");
  expect(read(card, 0x05)).toBe("6a82");
  expect(sw(card, SURFACE)).toBe("9000");
  expect([read(card, 0x01), read(card, 0x02)]).toEqual(["6a82", "6982"]);
});

test("a phone has neither", () => {
  const card = new VirtualCard({ pki, profile: "phone", changes: { firstCommandFails: false } });
  card.powerOn();
  expect([sw(card, TEXT), sw(card, SURFACE)]).toEqual(["6a82", "6a82"]);
});

test("the holder's 照合番号 have the form of real ones", () => {
  expect([isIndividualNumber(utf8(CODE_A)), isCodeB(utf8(CODE_B))]).toEqual([true, true]);
  expect(isBirthDate(utf8(CODE_B.slice(0, 6)))).toBe(true);
  expect(CODE_B).toBe("02040120325678");
});
