/** Both PC/SC adapters on a real pcscd with vpcd's two slots: the contract, other programs, and pcscd's own troubles. */

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { toHex } from "../../../lib/bytes.ts";
import { createPcscMiniTransport } from "../../../lib/card/pcsc-mini.ts";
import { createPcscliteTransport } from "../../../lib/card/pcsclite.ts";
import type { CardSlot, CardTransport } from "../../../lib/card/transport.ts";
import { Pcscd, VPCD_READERS } from "../../helpers/pcscd.ts";
import { VpcdSlot } from "../../vpcd/bridge.ts";
import { OtherProgram } from "./other-program.ts";
import {
  AT_ONCE_MS,
  DONE,
  describeTransportContract,
  RecordingCard,
  SELECT,
  slotOf,
  slotWhen,
} from "./transport-contract.ts";

const [FIRST] = VPCD_READERS;

const BINDINGS = [
  { name: "pcsc-mini", open: createPcscMiniTransport },
  { name: "pcsclite", open: createPcscliteTransport },
] as const;

describe.each(BINDINGS)("$name", ({ name, open }) => {
  // The card lies in this process, which must not be frozen.
  const create = () => open({ leaveWatch: true });

  describe("the contract", () => {
    let pcscd: Pcscd;
    let slots: readonly [VpcdSlot, VpcdSlot];

    beforeAll(async () => {
      pcscd = await Pcscd.start();
      slots = [new VpcdSlot(pcscd.port), new VpcdSlot(pcscd.port + 1)];
    });

    afterAll(() => pcscd.stop());

    describeTransportContract(async ({ delayMs = 0 }) => {
      const vpcd = (reader: string): VpcdSlot => slots[reader === FIRST ? 0 : 1];
      const transport = create();
      await transport.ready();
      for (const slot of slots) slot.delayMs = delayMs;
      for (const reader of VPCD_READERS) await slotWhen(transport, reader, ({ state }) => state === "empty");
      return {
        readers: VPCD_READERS,
        transport,
        insert: (reader, card) => vpcd(reader).insert(card),
        remove: (reader) => vpcd(reader).remove(),
        close: async () => {
          for (const slot of slots) await slot.remove();
        },
      };
    });
  });

  describe("beside another program", () => {
    let pcscd: Pcscd;
    let vpcd: VpcdSlot;
    let card: RecordingCard;
    let transport: CardTransport;
    let slot: CardSlot;
    let other: OtherProgram;

    beforeEach(async () => {
      pcscd = await Pcscd.start();
      vpcd = new VpcdSlot(pcscd.port);
      card = new RecordingCard();
      transport = create();
      await transport.ready();
      await vpcd.insert(card);
      slot = await slotWhen(transport, FIRST, ({ state }) => state === "present");
    });

    afterEach(async () => {
      await transport.close();
      await vpcd.remove();
      await pcscd.stop();
    });

    it("that has the card for itself: CARD_BUSY in time, and a connection when it lets go", async () => {
      other = await OtherProgram.connect(FIRST, "exclusive");
      const started = performance.now();
      await expect(transport.connect(slot, { busyTimeoutMs: 300 })).rejects.toMatchObject({ code: "CARD_BUSY" });
      expect(performance.now() - started).toBeLessThan(1000);
      const waiting = transport.connect(slot);
      await other.leave();
      await (await waiting).end();
    });

    it("that has a transaction: CARD_BUSY in time, its card untouched, and a connection when it ends", async () => {
      other = await OtherProgram.connect(FIRST, "shared");
      await other.begin();
      const started = performance.now();
      await expect(transport.connect(slot, { busyTimeoutMs: 300 })).rejects.toMatchObject({ code: "CARD_BUSY" });
      expect(performance.now() - started).toBeLessThan(1000);
      await other.transmit(SELECT);
      await other.end();
      await other.begin();
      expect(await other.transmit(SELECT)).toEqual(DONE);
      expect(card.seen.slice(card.seen.indexOf(toHex(SELECT)))).toEqual([toHex(SELECT), toHex(SELECT)]);
      const waiting = transport.connect(slot);
      await other.leave();
      await (await waiting).end();
    });

    it("that has a transaction for ever: close() does not wait for it", async () => {
      other = await OtherProgram.connect(FIRST, "shared");
      await other.begin();
      const waiting = expect(transport.connect(slot)).rejects.toMatchObject({ code: "PCSC_UNAVAILABLE" });
      const started = performance.now();
      await transport.close();
      await waiting;
      expect(performance.now() - started).toBeLessThan(3000);
      await other.leave();
    });

    it("that keeps the card while another card is used", async () => {
      other = await OtherProgram.connect(FIRST, "shared");
      await other.begin();
      const waiting = expect(transport.connect(slot, { busyTimeoutMs: 3000 })).rejects.toMatchObject({
        code: "CARD_BUSY",
      });
      const neighbour = new VpcdSlot(pcscd.port + 1);
      await neighbour.insert(new RecordingCard());
      const free = await slotWhen(transport, VPCD_READERS[1], ({ state }) => state === "present");
      const connection = await transport.connect(free);
      expect(await connection.transmit(SELECT)).toEqual(DONE);
      await connection.end();
      await waiting;
      await neighbour.remove();
      await other.leave();
    });

    it("whose card is taken out while we wait for it: CARD_ABSENT at once", async () => {
      other = await OtherProgram.connect(FIRST, "shared");
      await other.begin();
      const waiting = expect(transport.connect(slot, { busyTimeoutMs: 20_000 })).rejects.toMatchObject({
        code: "CARD_ABSENT",
      });
      await vpcd.remove();
      await waiting;
      await other.leave().catch(() => {}); // Its transaction ended with its card.
    });

    if (name === "pcsc-mini") {
      it("that stays connected: shares the card, and cuts its power all the same", async () => {
        other = await OtherProgram.connect(FIRST, "shared");
        const connection = await transport.connect(slot);
        await connection.transmit(SELECT);
        await connection.end();
        await vi.waitFor(() => expect(card.afterCommands).toEqual(["off", "on"]), { timeout: AT_ONCE_MS, interval: 5 });
        await expect(other.transmit(SELECT)).rejects.toMatchObject({ code: "ResetCard" });
        await other.reset();
        await other.leave();
      });

      it("that resets the card before our turn: connects all the same", async () => {
        other = await OtherProgram.connect(FIRST, "shared");
        await other.begin();
        const waiting = transport.connect(slot);
        await other.reset();
        await other.leave();
        const connection = await waiting;
        expect(await connection.transmit(SELECT)).toEqual(DONE);
        await connection.end();
      });

      it("that waits for its turn: nothing of it reaches the card before the power is cut", async () => {
        other = await OtherProgram.connect(FIRST, "shared");
        const connection = await transport.connect(slot);
        const intruding = other.transmit(Uint8Array.of(0xff, 0x00, 0x00, 0x00)).catch((error: unknown) => error);
        await connection.transmit(SELECT);
        await connection.transmit(SELECT);
        await connection.end();
        await intruding;
        const session = card.seen.slice(card.seen.indexOf(toHex(SELECT)));
        expect(session.slice(0, 3)).toEqual([toHex(SELECT), toHex(SELECT), "off"]);
        await other.leave();
      });
    } else {
      it("that stays connected, even without using the card: CARD_BUSY", async () => {
        other = await OtherProgram.connect(FIRST, "shared");
        await expect(transport.connect(slot, { busyTimeoutMs: 300 })).rejects.toMatchObject({ code: "CARD_BUSY" });
        await other.leave();
      });
    }
  });

  describe("pcscd", () => {
    let pcscd: Pcscd;
    let vpcd: VpcdSlot;
    let card: RecordingCard;
    let transport: CardTransport;

    beforeEach(async () => {
      pcscd = await Pcscd.start();
      vpcd = new VpcdSlot(pcscd.port);
      card = new RecordingCard();
    });

    afterEach(async () => {
      await transport.close();
      await vpcd.remove();
      await pcscd.stop();
    });

    it("without a reader: ready, with no slots", async () => {
      await pcscd.restart({ reader: false });
      transport = create();
      await transport.ready();
      expect(transport.slots()).toEqual([]);
      expect(transport.fault()).toBeUndefined();
    });

    it("with a card that was there before: present", async () => {
      await vpcd.insert(card);
      transport = create();
      await transport.ready();
      expect(slotOf(transport, FIRST).state).toBe("present");
    });

    it("not running: PCSC_UNAVAILABLE at once with a hint, and mended when it starts", async () => {
      await pcscd.halt();
      transport = create();
      await expect(transport.ready()).rejects.toMatchObject({
        code: "PCSC_UNAVAILABLE",
        hint: expect.stringContaining("apt install pcscd"),
      });
      await pcscd.startAgain();
      await slotWhen(transport, FIRST, () => transport.fault() === undefined);
      await transport.ready();
      expect(transport.slots()).toHaveLength(2);
    });

    it.each(["halt", "kill"] as const)("%sed and started again: slots go, come back, with new numbers", async (how) => {
      transport = create();
      await transport.ready();
      await vpcd.insert(card);
      const before = await slotWhen(transport, FIRST, ({ state }) => state === "present");
      await pcscd[how]();
      await vi.waitFor(() => expect(transport.fault()).toMatchObject({ code: "PCSC_UNAVAILABLE" }));
      expect(transport.slots()).toEqual([]);
      await expect(transport.connect(before)).rejects.toMatchObject({ code: "PCSC_UNAVAILABLE" });
      await pcscd.startAgain();
      const after = await slotWhen(
        transport,
        FIRST,
        ({ state }) => state === "present" && transport.fault() === undefined,
      );
      expect(after.insertion).not.toBe(before.insertion);
      await expect(transport.connect(before)).rejects.toMatchObject({ code: "CARD_RESET" });
      const connection = await transport.connect(after);
      expect(await connection.transmit(SELECT)).toEqual(DONE);
      await connection.end();
    });

    it("killed in the middle of a command: the command rejects, and the connection can be ended", async () => {
      vpcd.delayMs = 400;
      transport = create();
      await transport.ready();
      await vpcd.insert(card);
      const slot = await slotWhen(transport, FIRST, ({ state }) => state === "present");
      const connection = await transport.connect(slot);
      const exchange = expect(connection.transmit(SELECT)).rejects.toMatchObject({ code: "PCSC_UNAVAILABLE" });
      await pcscd.kill();
      await exchange;
      await connection.end();
    });

    it("is let go of at every close, whenever it comes", async () => {
      transport = create();
      await vpcd.insert(card);
      for (let round = 0; round < 4; round++) {
        const other = open({});
        if (round % 2 === 0) await other.ready();
        const started = performance.now();
        await other.close();
        expect(performance.now() - started).toBeLessThan(2000);
      }
    });
  });
});
