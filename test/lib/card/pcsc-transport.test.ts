/** The common part of both PC/SC adapters, over a binding that the test plays: what no real pcscd does at will. */

import { setTimeout as delay } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { OpenCard, PcscBinding, PcscWatch, WatchEvents } from "../../../lib/card/pcsc-binding.ts";
import { createPcscTransport } from "../../../lib/card/pcsc-transport.ts";
import type { CardSlot, CardTransport } from "../../../lib/card/transport.ts";
import { PcscError } from "../../../lib/errors.ts";
import { type Deferred, deferred } from "../../helpers/deferred.ts";
import { type RecordingLogger, recordingLogger } from "../../helpers/recording-logger.ts";

const EMPTY = 0x12;
const PRESENT = 0x22;
/** Whatever runs on this machine. */
const NO_SERVICE = "/dev/null/pcscd.comm";
const NO_ATR = new Uint8Array(0);
const COMMAND = Uint8Array.of(0x00, 0xa4, 0x04, 0x0c);
const DONE = Uint8Array.of(0x90, 0x00);

class FakeCard implements OpenCard {
  readonly protocol = "T=1";
  readonly atr = NO_ATR;
  readonly calls: string[] = [];
  answer: () => Promise<Uint8Array> = async () => DONE;

  transmit(): Promise<Uint8Array> {
    this.calls.push("transmit");
    return this.answer();
  }

  async cut(): Promise<void> {
    this.calls.push("cut");
  }

  async giveBack(): Promise<void> {
    this.calls.push("give back");
  }
}

class FakeBinding implements PcscBinding {
  readonly name = "pcsc-mini";
  /** One for each call of open, settled by the test. */
  readonly opens: { readonly reader: string; readonly card: Deferred<OpenCard> }[] = [];
  watches = 0;
  closes = 0;
  leaves = 0;
  available = true;
  events: WatchEvents | undefined;

  /** So that a test can wait for the next watch. */
  forgetEvents(): void {
    this.events = undefined;
  }

  watch(events: WatchEvents): PcscWatch {
    this.watches++;
    if (!this.available) throw miniError("NoService");
    this.events = events;
    return {
      open: (reader) => {
        const card = deferred<OpenCard>();
        this.opens.push({ reader, card });
        return card.promise;
      },
      leave: () => {
        this.leaves++;
      },
      close: async () => {
        this.closes++;
      },
    };
  }
}

let binding: FakeBinding;
let log: RecordingLogger;
let transport: CardTransport;
let stuck: number;

beforeEach(() => {
  stuck = 0;
  binding = new FakeBinding();
  log = recordingLogger();
  const onStuck = () => {
    stuck++;
  };
  transport = createPcscTransport(async () => binding, { log, onStuck, servicePath: NO_SERVICE });
});

afterEach(async () => {
  await transport.close();
});

describe("ready", () => {
  it("resolves when all readers are known, also if there is none", async () => {
    let settled = false;
    const ready = transport.ready().then(() => {
      settled = true;
    });
    await started();
    binding.events?.state("A", EMPTY, NO_ATR);
    await delay(5);
    expect(settled).toBe(false);
    binding.events?.complete();
    await ready;
    await transport.ready();
    expect(transport.slots()).toHaveLength(1);
  });

  it("rejects with the fault of a binding that cannot be loaded", async () => {
    const fault = new PcscError("PCSC_UNAVAILABLE", "load pcsc-mini: no");
    const other = createPcscTransport(() => Promise.reject(fault), {});
    await expect(other.ready()).rejects.toBe(fault);
    await expect(other.ready()).rejects.toBe(fault);
    expect(other.fault()).toBe(fault);
    await other.close();
  });

  it("rejects at once while the service is away, and is mended when it comes back", async () => {
    await started();
    binding.available = false;
    binding.events?.failed(miniError("CommError"));
    await until(() => transport.fault() !== undefined);
    await expect(transport.ready()).rejects.toMatchObject({ code: "PCSC_UNAVAILABLE" });
    binding.forgetEvents();
    await until(() => binding.watches === 4);
    binding.available = true;
    await started();
    await expect(transport.ready()).rejects.toMatchObject({ code: "PCSC_UNAVAILABLE" });
    binding.events?.complete();
    await transport.ready();
    expect(transport.fault()).toBeUndefined();
    const warnings = log.lines.filter(({ level }) => level === "warn").map(({ fields }) => fields["error"]);
    expect(warnings).toEqual([expect.stringContaining("broke"), expect.stringContaining("not running")]);
  });

  it("rejects with the signal's reason, and when the transport is closed", async () => {
    const reason = new Error("enough");
    await expect(transport.ready(AbortSignal.abort(reason))).rejects.toBe(reason);
    const stop = new AbortController();
    const ready = transport.ready(stop.signal);
    stop.abort(reason);
    await expect(ready).rejects.toBe(reason);
    const closed = expect(transport.ready()).rejects.toMatchObject({ code: "PCSC_UNAVAILABLE" });
    await transport.close();
    await closed;
  });
});

describe("a watch that fails", () => {
  it("empties the table, and another one begins with new insertions", async () => {
    const slot = await insert("A");
    binding.events?.failed(miniError("CommError"));
    await until(() => transport.fault() !== undefined);
    expect(transport.slots()).toEqual([]);
    await expect(transport.connect(slot)).rejects.toMatchObject({ code: "PCSC_UNAVAILABLE" });
    expect(binding.closes).toBe(1);
    binding.forgetEvents();
    await until(() => binding.events !== undefined);
    const again = await insert("A");
    expect(again.insertion).not.toBe(slot.insertion);
    await expect(transport.connect(slot)).rejects.toMatchObject({ code: "CARD_RESET" });
  });
});

describe("connect", () => {
  it("tells a missing reader, an empty one and another insertion apart", async () => {
    const slot = await insert("A");
    binding.events?.state("B", EMPTY, NO_ATR);
    const code = (asked: CardSlot) => transport.connect(asked).catch((error: PcscError) => error.code);
    expect(await code({ ...slot, reader: "C" })).toBe("READER_ABSENT");
    expect(await code({ ...slot, reader: "B" })).toBe("CARD_ABSENT");
    expect(await code({ ...slot, insertion: 99 })).toBe("CARD_RESET");
    expect(binding.opens).toEqual([]);
  });

  it("tries again while another program has the card, then is CARD_BUSY", async () => {
    const slot = await insert("A");
    const connecting = transport.connect(slot, { busyTimeoutMs: 250 });
    const busy = expect(connecting).rejects.toMatchObject({ code: "CARD_BUSY", details: { waitedMs: 250 } });
    for (let n = 1; n <= 2; n++) {
      await until(() => binding.opens.length === n);
      binding.opens[n - 1]?.card.reject(miniError("SharingViolation"));
    }
    await busy;
  });

  it("does not try again after any other error", async () => {
    const slot = await insert("A");
    const connecting = transport.connect(slot);
    const absent = expect(connecting).rejects.toMatchObject({ code: "CARD_ABSENT" });
    await until(() => binding.opens.length === 1);
    binding.opens[0]?.card.reject(miniError("UnresponsiveCard"));
    await absent;
    expect(binding.opens).toHaveLength(1);
  });

  it("gives back a card that it gets too late, and starts no second call on the reader before", async () => {
    const slot = await insert("A");
    await expect(transport.connect(slot, { busyTimeoutMs: 10 })).rejects.toMatchObject({ code: "CARD_BUSY" });
    await expect(transport.connect(slot, { busyTimeoutMs: 10 })).rejects.toMatchObject({ code: "CARD_BUSY" });
    expect(binding.opens).toHaveLength(1);
    const [late, next] = [new FakeCard(), new FakeCard()];
    const connecting = transport.connect(slot);
    binding.opens[0]?.card.resolve(late);
    await until(() => binding.opens.length === 2);
    expect(late.calls).toEqual(["give back"]);
    binding.opens[1]?.card.resolve(next);
    await (await connecting).end();
  });

  it("leaves a thread free, however many readers have a call that does not return", async () => {
    for (const reader of ["A", "B", "C", "D"]) await insert(reader);
    const results = transport.slots().map((slot) => transport.connect(slot, { busyTimeoutMs: 10 }));
    for (const result of results) await expect(result).rejects.toMatchObject({ code: "CARD_BUSY" });
    expect(binding.opens).toHaveLength(3);
    const slot = transport.slots()[3] ?? expect.fail();
    const connecting = transport.connect(slot);
    binding.opens[1]?.card.reject(miniError("RemovedCard"));
    await until(() => binding.opens.length === 4);
    binding.opens[3]?.card.resolve(new FakeCard());
    await (await connecting).end();
    binding.opens[0]?.card.resolve(new FakeCard());
    binding.opens[2]?.card.resolve(new FakeCard());
  });

  it("ends at once when the card is taken out or the signal aborts", async () => {
    const slot = await insert("A");
    const stop = new AbortController();
    const reason = new Error("the client hung up");
    const aborted = expect(transport.connect(slot, { signal: stop.signal })).rejects.toBe(reason);
    const second = expect(transport.connect(slot)).rejects.toMatchObject({ code: "CARD_ABSENT" });
    await until(() => binding.opens.length === 1);
    stop.abort(reason);
    await aborted;
    binding.events?.state("A", EMPTY, NO_ATR);
    await second;
    await expect(transport.connect(slot, { signal: stop.signal })).rejects.toBe(reason);
  });

  it("gives back a card that was swapped while connecting", async () => {
    const slot = await insert("A");
    const card = new FakeCard();
    const connecting = expect(transport.connect(slot)).rejects.toMatchObject({ code: "CARD_RESET" });
    await until(() => binding.opens.length === 1);
    binding.opens[0]?.card.resolve(card);
    await Promise.resolve();
    binding.events?.state("A", 0x30000 + PRESENT, NO_ATR);
    await connecting;
    await until(() => card.calls.length > 0);
    expect(card.calls).toEqual(["give back"]);
  });
});

describe("a connection", () => {
  it.each([0, 1])("is MALFORMED for an answer of %i bytes", async (length) => {
    const { card, connection } = await connected();
    card.answer = async () => new Uint8Array(length);
    await expect(connection.transmit(COMMAND)).rejects.toMatchObject({ code: "MALFORMED", details: { bytes: length } });
  });

  it("is CARD_RESET for an answer of 0 bytes from a card that is gone", async () => {
    const { card, connection } = await connected();
    card.answer = async () => {
      setTimeout(() => binding.events?.state("A", 0x20000 + EMPTY, NO_ATR), 20);
      return new Uint8Array(0);
    };
    await expect(connection.transmit(COMMAND)).rejects.toMatchObject({ code: "CARD_RESET" });
  });

  it("waits for the command under way before it cuts the power, and only once", async () => {
    const { card, connection } = await connected();
    const answer = deferred<Uint8Array>();
    card.answer = () => answer.promise;
    const exchange = connection.transmit(COMMAND);
    const ends = [connection.end(), connection.end()];
    await expect(connection.transmit(COMMAND)).rejects.toMatchObject({ code: "CARD_RESET" });
    expect(card.calls).toEqual(["transmit"]);
    answer.resolve(DONE);
    await Promise.all(ends);
    expect(await exchange).toEqual(DONE);
    expect(card.calls).toEqual(["transmit", "cut"]);
  });

  it("cuts the power after a command that failed", async () => {
    const { card, connection } = await connected();
    card.answer = () => Promise.reject(miniError("RemovedCard"));
    await expect(connection.transmit(COMMAND)).rejects.toMatchObject({ code: "CARD_RESET" });
    await connection.end();
    expect(card.calls).toEqual(["transmit", "cut"]);
  });

  it("ends in time also when the card never answers, and cuts its power when it does", async () => {
    const { card, connection } = await connected();
    const answer = deferred<Uint8Array>();
    card.answer = () => answer.promise;
    const exchange = connection.transmit(COMMAND);
    await transport.close();
    expect(stuck).toBe(1);
    answer.resolve(DONE);
    await exchange;
    await until(() => card.calls.includes("cut"));
  });

  it("is in the way of another one while it is not ended", async () => {
    const { slot } = await connected();
    await expect(transport.connect(slot, { busyTimeoutMs: 10 })).rejects.toMatchObject({ code: "CARD_BUSY" });
  });

  it("does not wait for an answer without limit", async () => {
    const { slot, card, connection } = await connected();
    const answer = deferred<Uint8Array>();
    card.answer = () => answer.promise;
    vi.useFakeTimers({ toFake: ["setTimeout"] });
    try {
      const exchange = expect(connection.transmit(COMMAND)).rejects.toMatchObject({
        details: { problem: "no-answer" },
      });
      vi.advanceTimersByTime(30_000);
      await exchange;
    } finally {
      vi.useRealTimers();
    }
    const ending = connection.end();
    await expect(transport.connect(slot, { busyTimeoutMs: 50 })).rejects.toMatchObject({
      details: { problem: "no-answer" },
    });
    answer.resolve(DONE);
    await ending;
    expect(card.calls).toEqual(["transmit", "cut"]);
  });
});

describe("close", () => {
  it("cuts the power of every connection before the watch ends, and refuses all else", async () => {
    const { slot, card } = await connected();
    card.cut = async () => {
      card.calls.push(`cut with ${binding.closes} closed`);
    };
    await Promise.all([transport.close(), transport.close()]);
    expect(card.calls).toEqual(["cut with 0 closed"]);
    expect(stuck).toBe(0);
    expect(binding.closes).toBe(1);
    expect(transport.slots()).toEqual([]);
    await expect(transport.connect(slot)).rejects.toMatchObject({ code: "PCSC_UNAVAILABLE" });
  });

  it("does not wait for a native call without limit, and says that there is one", async () => {
    const slot = await insert("A");
    const waiting = expect(transport.connect(slot)).rejects.toMatchObject({ code: "PCSC_UNAVAILABLE" });
    await until(() => binding.opens.length === 1);
    await transport.close();
    await waiting;
    expect(log.lines.at(-1)).toMatchObject({ level: "warn", fields: { readers: ["A"] } });
    expect(stuck).toBe(1);
  });

  it("leaves the watch to the end of the process where it is told to, also one that failed", async () => {
    await transport.close();
    binding = new FakeBinding();
    transport = createPcscTransport(async () => binding, { log, leaveWatch: true, servicePath: NO_SERVICE });
    await started();
    const { events } = binding;
    binding.forgetEvents();
    events?.failed(miniError("ServiceStopped"));
    await started();
    await transport.close();
    expect([binding.leaves, binding.closes]).toEqual([2, 0]);
  });
});

async function started(): Promise<void> {
  await until(() => binding.events !== undefined);
}

async function insert(reader: string): Promise<CardSlot> {
  await started();
  binding.events?.state(reader, 0x10000 + PRESENT, NO_ATR);
  binding.events?.complete();
  return transport.slots().find((slot) => slot.reader === reader) ?? expect.fail(`no slot ${reader}`);
}

async function connected() {
  const slot = await insert("A");
  const connecting = transport.connect(slot);
  await until(() => binding.opens.length === 1);
  const card = new FakeCard();
  binding.opens[0]?.card.resolve(card);
  return { slot, card, connection: await connecting };
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await delay(1);
}

/** As pcsc-mini rejects. */
function miniError(code: string): Error {
  return Object.assign(new Error("[ Task ] Async task error"), { code });
}
