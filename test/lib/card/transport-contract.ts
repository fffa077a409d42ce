/**
 * What every {@link CardTransport} must do, whatever stands behind it. Run by transport.test.ts (built in) and by
 * pcsc.system.test.ts (both PC/SC bindings on a real pcscd).
 */

import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { toHex } from "../../../lib/bytes.ts";
import type { CardSlot, CardTransport } from "../../../lib/card/transport.ts";
import type { EmulatedCard } from "../../../lib/virtual-card/card.ts";

/** Two readers and the hand that lays cards on them. */
export interface Stage {
  readonly readers: readonly [string, string];
  readonly transport: CardTransport;
  insert(reader: string, card: EmulatedCard): Promise<void>;
  remove(reader: string): Promise<void>;
  /** Takes everything away. The transport is closed before. */
  close(): Promise<void>;
}

export interface StageOptions {
  /** How long each command takes, milliseconds. */
  readonly delayMs?: number | undefined;
}

/** A card that records what reaches it: `on`, `off`, `reset`, commands in hex. */
export class RecordingCard implements EmulatedCard {
  readonly atr = Uint8Array.of(0x3b, 0xe0, 0x00, 0xff, 0x81, 0x31, 0xfe, 0x45, 0x14);
  readonly protocol = "T=1";
  readonly seen: string[] = [];
  /** A fresh array each time. */
  answer: (command: Uint8Array) => Uint8Array = () => new Uint8Array(DONE);

  powerOn(): void {
    this.seen.push("on");
  }

  powerOff(): void {
    this.seen.push("off");
  }

  warmReset(): void {
    this.seen.push("reset");
  }

  transmit(command: Uint8Array): Uint8Array {
    this.seen.push(toHex(command));
    return this.answer(command);
  }

  /** What it saw after the last command. */
  get afterCommands(): readonly string[] {
    return this.seen.slice(1 + this.seen.findLastIndex((entry) => !/^(?:on|off|reset)$/.test(entry)));
  }
}

export const SELECT = Uint8Array.of(0x00, 0xa4, 0x04, 0x0c);
export const DONE = Uint8Array.of(0x90, 0x00);
/** Less than the 400 ms after which pcscd by itself cuts the power of a card that nobody uses. */
export const AT_ONCE_MS = 300;

export function describeTransportContract(openStage: (options: StageOptions) => Promise<Stage>): void {
  let stage: Stage;
  let transport: CardTransport;
  let first: string;
  let second: string;

  async function open(options: StageOptions = {}): Promise<void> {
    stage = await openStage(options);
    transport = stage.transport;
    [first, second] = stage.readers;
    await transport.ready();
  }

  async function insert(reader: string, card: EmulatedCard): Promise<CardSlot> {
    const before = slotOf(transport, reader).insertion;
    await stage.insert(reader, card);
    return slotWhen(transport, reader, ({ state, insertion }) => state === "present" && insertion !== before);
  }

  afterEach(async () => {
    await transport.close();
    await stage.close();
  });

  describe("readers and cards", () => {
    beforeEach(() => open());

    it("knows its readers and that they are empty", async () => {
      expect(transport.slots()).toEqual([
        { reader: first, state: "empty", atr: new Uint8Array(0), insertion: 0 },
        { reader: second, state: "empty", atr: new Uint8Array(0), insertion: 0 },
      ]);
      expect(transport.fault()).toBeUndefined();
      await transport.ready();
    });

    it("tells of cards put in and taken out", async () => {
      const changes = vi.fn();
      const stop = transport.onChange(changes);
      const slot = await insert(first, new RecordingCard());
      expect(slot).toMatchObject({ reader: first, state: "present" });
      expect(slot.insertion).toBeGreaterThan(0);
      expect(slotOf(transport, second).state).toBe("empty");
      expect(changes).toHaveBeenCalled();
      stop();
      changes.mockClear();
      await stage.remove(first);
      await slotWhen(transport, first, ({ state, insertion }) => state === "empty" && insertion === 0);
      expect(changes).not.toHaveBeenCalled();
    });

    it("gives each insertion a number, also after a quick swap, and refuses the old one", async () => {
      const old = await insert(first, new RecordingCard());
      await stage.remove(first);
      const now = await insert(first, new RecordingCard());
      expect(now.insertion).not.toBe(old.insertion);
      await expect(transport.connect(old)).rejects.toMatchObject({ code: "CARD_RESET" });
      await (await transport.connect(now)).end();
    });

    it("uses two cards at the same time", async () => {
      const cards = [new RecordingCard(), new RecordingCard()] as const;
      const slots = [await insert(first, cards[0]), await insert(second, cards[1])] as const;
      expect(slots[0].insertion).not.toBe(slots[1].insertion);
      const connections = await Promise.all(slots.map((slot) => transport.connect(slot)));
      await Promise.all(connections.map((connection, i) => connection.transmit(Uint8Array.of(0x00, 0xb0, 0x00, i))));
      await Promise.all(connections.map((connection) => connection.end()));
      expect(cards.map((card) => card.seen.filter((entry) => entry.startsWith("00")))).toEqual([
        ["00b00000"],
        ["00b00001"],
      ]);
    });

    it("is CARD_ABSENT for an empty reader, READER_ABSENT for none", async () => {
      const empty = slotOf(transport, first);
      await expect(transport.connect(empty)).rejects.toMatchObject({ code: "CARD_ABSENT" });
      await expect(transport.connect({ ...empty, reader: "none" })).rejects.toMatchObject({ code: "READER_ABSENT" });
    });
  });

  describe("a connection", () => {
    let card: RecordingCard;
    let slot: CardSlot;

    beforeEach(async () => {
      await open();
      card = new RecordingCard();
      slot = await insert(first, card);
    });

    it("carries commands and answers, and ends with the power cut", async () => {
      const connection = await transport.connect(slot);
      expect(connection).toMatchObject({ protocol: "T=1", slot: { reader: first, insertion: slot.insertion } });
      expect(await connection.transmit(SELECT)).toEqual(DONE);
      expect(card.seen.slice(-2)).toEqual(["on", toHex(SELECT)]);
      await connection.end();
      await vi.waitFor(() => expect(card.afterCommands[0]).toBe("off"), { timeout: AT_ONCE_MS, interval: 5 });
    });

    it("knows the card's ATR while it lasts", async () => {
      const connection = await transport.connect(slot);
      expect(connection.slot.atr).toEqual(card.atr);
      expect(slotOf(transport, first).atr).toEqual(card.atr);
      await connection.end();
    });

    it.each([2, 258, 4096, 65_535])("carries an answer of %i bytes", async (length) => {
      const answer = Uint8Array.from({ length }, (_, i) => i % 251);
      card.answer = () => new Uint8Array(answer);
      const connection = await transport.connect(slot);
      const [one, two] = [await connection.transmit(SELECT), await connection.transmit(SELECT)];
      expect(one).toEqual(answer);
      expect(one.buffer).not.toBe(two.buffer);
      await connection.end();
    });

    it("carries a long command", async () => {
      const connection = await transport.connect(slot);
      const command = Uint8Array.from({ length: 2000 }, (_, i) => i % 251);
      await connection.transmit(command);
      expect(card.seen.at(-1)).toBe(toHex(command));
      await connection.end();
    });

    it("is MALFORMED for an answer of 1 byte", async () => {
      card.answer = () => Uint8Array.of(0x90);
      const connection = await transport.connect(slot);
      await expect(connection.transmit(SELECT)).rejects.toMatchObject({ code: "MALFORMED" });
      await connection.end();
    });

    it("ends twice, and carries nothing afterwards", async () => {
      const connection = await transport.connect(slot);
      await Promise.all([connection.end(), connection.end()]);
      await connection.end();
      await expect(connection.transmit(SELECT)).rejects.toMatchObject({ code: "CARD_RESET" });
      expect(card.seen).not.toContain(toHex(SELECT));
    });

    it("is CARD_RESET once the card is out, and can be ended", async () => {
      const connection = await transport.connect(slot);
      await stage.remove(first);
      await slotWhen(transport, first, ({ state }) => state === "empty");
      await expect(connection.transmit(SELECT)).rejects.toMatchObject({ code: "CARD_RESET" });
      await connection.end();
      const again = await transport.connect(await insert(first, card));
      expect(await again.transmit(SELECT)).toEqual(DONE);
      await again.end();
    });

    it("is alone: the next one waits for its end", async () => {
      const connection = await transport.connect(slot);
      const waiting = transport.connect(slot);
      await expect(transport.connect(slot, { busyTimeoutMs: 50 })).rejects.toMatchObject({ code: "CARD_BUSY" });
      await connection.transmit(SELECT);
      await connection.end();
      const next = await waiting;
      expect(await next.transmit(SELECT)).toEqual(DONE);
      expect(card.seen.slice(card.seen.indexOf(toHex(SELECT)))).toEqual([
        toHex(SELECT),
        "off",
        expect.stringMatching("on"),
        toHex(SELECT),
      ]);
      await next.end();
    });

    it("is not waited for once the signal aborts", async () => {
      const connection = await transport.connect(slot);
      const stop = new AbortController();
      const reason = new Error("the client hung up");
      const waiting = expect(transport.connect(slot, { signal: stop.signal })).rejects.toBe(reason);
      stop.abort(reason);
      await waiting;
      await expect(transport.connect(slot, { signal: stop.signal })).rejects.toBe(reason);
      await connection.end();
      await (await transport.connect(slot)).end();
    });

    it("loses its power when the transport is closed", async () => {
      const connection = await transport.connect(slot);
      await connection.transmit(SELECT);
      await transport.close();
      await vi.waitFor(() => expect(card.afterCommands[0]).toBe("off"), { timeout: AT_ONCE_MS, interval: 5 });
      await expect(connection.transmit(SELECT)).rejects.toMatchObject({ code: "CARD_RESET" });
      await expect(transport.connect(slot)).rejects.toMatchObject({ code: "PCSC_UNAVAILABLE" });
    });
  });

  describe("a card that takes its time", () => {
    beforeEach(() => open({ delayMs: 300 }));

    it("is CARD_RESET when it is pulled out in the middle of a command", async () => {
      const card = new RecordingCard();
      const connection = await transport.connect(await insert(first, card));
      const exchange = expect(connection.transmit(SELECT)).rejects.toMatchObject({ code: "CARD_RESET" });
      await stage.remove(first);
      await exchange;
      await connection.end();
      await slotWhen(transport, first, ({ state }) => state === "empty");
    });
  });
}

export function slotOf(transport: CardTransport, reader: string): CardSlot {
  return transport.slots().find((slot) => slot.reader === reader) ?? expect.fail(`no reader ${reader}`);
}

/** Waits for the change that makes it so. */
export function slotWhen(
  transport: CardTransport,
  reader: string,
  condition: (slot: CardSlot) => boolean,
): Promise<CardSlot> {
  return new Promise((resolve) => {
    const look = (): void => {
      const slot = transport.slots().find((each) => each.reader === reader);
      if (slot === undefined || !condition(slot)) return;
      stop();
      resolve(slot);
    };
    const stop = transport.onChange(look);
    look();
  });
}
