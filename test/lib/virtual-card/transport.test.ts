import { beforeAll, beforeEach, describe, expect, test } from "vitest";
import { fromHex, toHex } from "../../../lib/bytes.ts";
import type { CardSlot } from "../../../lib/card/transport.ts";
import { VirtualCard } from "../../../lib/virtual-card/card.ts";
import type { VirtualPki } from "../../../lib/virtual-card/pki.ts";
import { createVirtualTransport, type VirtualTransport } from "../../../lib/virtual-card/transport.ts";
import { testPki } from "../../helpers/pki.ts";
import { tappedCard } from "../../helpers/tapped-card.ts";

const READER = "Virtual reader 1";
const OTHER_READER = "Virtual reader 2";
const SELECT_JPKI = fromHex("00 A4 04 0C 0A D3 92 F0 00 26 01 00 00 00 01");

let pki: VirtualPki;
let card: VirtualCard;
let transport: VirtualTransport;

beforeAll(async () => {
  pki = await testPki();
});

beforeEach(() => {
  card = new VirtualCard({ pki, profile: "old" });
  transport = createVirtualTransport({ slots: [{ reader: READER, card }, { reader: OTHER_READER }] });
});

function slotOf(reader: string): CardSlot {
  const slot = transport.slots().find((candidate) => candidate.reader === reader);
  if (slot === undefined) throw new Error(`no slot ${reader}`);
  return slot;
}

describe("slots", () => {
  test("tell reader, ATR and state", async () => {
    await transport.ready();
    expect(transport.fault()).toBeUndefined();
    expect(transport.slots()).toEqual([
      { reader: READER, state: "present", atr: card.atr, insertion: expect.any(Number) },
      { reader: OTHER_READER, state: "empty", atr: new Uint8Array(0), insertion: 0 },
    ]);
  });

  test("each insertion has a number of its own, and each change is told", () => {
    let changes = 0;
    const stop = transport.onChange(() => changes++);
    const before = slotOf(READER);
    transport.remove(READER);
    expect(slotOf(READER).state).toBe("empty");
    transport.insert(READER, card);
    expect(slotOf(READER).insertion).not.toBe(before.insertion);
    transport.insert(OTHER_READER, new VirtualCard({ pki }));
    expect(new Set(transport.slots().map((slot) => slot.insertion)).size).toBe(2);
    transport.removeReader(OTHER_READER);
    expect(transport.slots().map((slot) => slot.reader)).toEqual([READER]);
    transport.addReader(OTHER_READER);
    expect(changes).toBe(5);
    stop();
    transport.remove(READER);
    expect(changes).toBe(5);
  });

  test("a card without an ATR is mute", async () => {
    transport.insert(OTHER_READER, tappedCard(card, { atr: new Uint8Array(0) }));
    expect(slotOf(OTHER_READER).state).toBe("mute");
    await expect(transport.connect(slotOf(OTHER_READER))).rejects.toMatchObject({ code: "CARD_ABSENT" });
  });
});

describe("a connection", () => {
  test("has power from connect to end", async () => {
    expect(card.powered).toBe(false);
    const connection = await transport.connect(slotOf(READER));
    expect(card.powered).toBe(true);
    expect(connection.protocol).toBe("T=1");
    expect(connection.slot).toEqual(slotOf(READER));
    expect(toHex(await connection.transmit(SELECT_JPKI))).toBe("9000");
    await connection.end();
    expect(card.powered).toBe(false);
    await connection.end();
    await expect(connection.transmit(SELECT_JPKI)).rejects.toMatchObject({ code: "CARD_RESET" });
  });

  test("an end that comes twice does not end the next connection", async () => {
    const first = await transport.connect(slotOf(READER));
    await first.end();
    const second = await transport.connect(slotOf(READER));
    await first.end();
    expect(toHex(await second.transmit(SELECT_JPKI))).toBe("9000");
  });

  test("is alone: the next one waits for its end", async () => {
    const first = await transport.connect(slotOf(READER));
    const order: string[] = [];
    const second = transport.connect(slotOf(READER)).then((connection) => {
      order.push("second");
      return connection;
    });
    expect(toHex(await first.transmit(SELECT_JPKI))).toBe("9000");
    order.push("end");
    await first.end();
    await (await second).end();
    expect(order).toEqual(["end", "second"]);
    expect(card.log.map((entry) => entry.powerCycle)).toEqual([1]);
  });

  test("CARD_BUSY when the wait is over", async () => {
    await transport.connect(slotOf(READER));
    await expect(transport.connect(slotOf(READER), { busyTimeoutMs: 1 })).rejects.toMatchObject({ code: "CARD_BUSY" });
  });

  test("the signal ends the wait with its reason", async () => {
    await transport.connect(slotOf(READER));
    const controller = new AbortController();
    const waiting = transport.connect(slotOf(READER), { signal: controller.signal });
    controller.abort(new Error("hung up"));
    await expect(waiting).rejects.toThrow("hung up");
    await expect(transport.connect(slotOf(READER), { signal: controller.signal })).rejects.toThrow("hung up");
  });

  test.each([
    ["no card", () => transport.remove(READER), "CARD_ABSENT"],
    ["another insertion", () => transport.insert(READER, card), "CARD_RESET"],
    ["no reader", () => transport.removeReader(READER), "READER_ABSENT"],
  ])("%s: refused at once, and to those who wait", async (_, change, code) => {
    const slot = slotOf(READER);
    await transport.connect(slot);
    const waiting = transport.connect(slot);
    change();
    await expect(waiting).rejects.toMatchObject({ code });
    await expect(transport.connect(slot)).rejects.toMatchObject({ code });
  });

  test.each([
    ["the card is pulled", () => transport.remove(READER), "CARD_RESET"],
    ["the reader is unplugged", () => transport.removeReader(READER), "READER_ABSENT"],
  ])("%s: before and during a command", async (_, pull, code) => {
    const onCommand = (index: number) => {
      if (index === 1) pull();
      return undefined;
    };
    transport.insert(READER, tappedCard(card, { onCommand }));
    const connection = await transport.connect(slotOf(READER));
    expect(toHex(await connection.transmit(SELECT_JPKI))).toBe("9000");
    await expect(connection.transmit(SELECT_JPKI)).rejects.toMatchObject({ code });
    await expect(connection.transmit(SELECT_JPKI)).rejects.toMatchObject({ code });
    expect(card.powered).toBe(false);
    expect(card.log).toHaveLength(2);
    await connection.end();
  });

  test.each([[""], ["90"]])("an answer of %j is malformed", async (answer) => {
    transport.insert(READER, tappedCard(card, { onCommand: () => fromHex(answer) }));
    const connection = await transport.connect(slotOf(READER));
    await expect(connection.transmit(SELECT_JPKI)).rejects.toMatchObject({ code: "MALFORMED" });
  });

  test("close ends all of them", async () => {
    const connection = await transport.connect(slotOf(READER));
    const waiting = transport.connect(slotOf(READER));
    await transport.close();
    expect(card.powered).toBe(false);
    await expect(connection.transmit(SELECT_JPKI)).rejects.toMatchObject({ code: "CARD_RESET" });
    await expect(waiting).rejects.toMatchObject({ code: "PCSC_UNAVAILABLE" });
  });
});
