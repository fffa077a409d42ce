/** pcsc-mini's adapter over a binding that the test plays: the failures that a real pcscd does not give at will. */

import { EventEmitter } from "node:events";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createPcscMiniTransport, type PcscMiniOptions } from "../../../lib/card/pcsc-mini.ts";
import { createPcscliteTransport } from "../../../lib/card/pcsclite.ts";
import type { CardTransport } from "../../../lib/card/transport.ts";
import { slotOf, slotWhen } from "./transport-contract.ts";

const READER = "Reader 00";
const PRESENT = 0x10022;
const LEAVE = 0;
const UNPOWER = 2;
const SHARED = 2;
const T1 = 2;

/** What each call of the card does, in turn; nothing left: it works. */
class Script {
  readonly calls: string[] = [];
  readonly buffers = new Set<ArrayBuffer>();
  readonly clients: (EventEmitter & { reader(): EventEmitter })[] = [];
  readonly #failures: Record<string, string[]>;

  constructor(failures: Record<string, string[]>) {
    this.#failures = failures;
  }

  async call(name: string, argument?: number): Promise<void> {
    this.calls.push(argument === undefined ? name : `${name} ${argument}`);
    const code = this.#failures[name]?.shift();
    if (code !== undefined) throw Object.assign(new Error(name), { code });
  }
}

class FakeCard {
  readonly #script: Script;

  constructor(script: Script) {
    this.#script = script;
  }

  protocol(): number {
    return T1;
  }

  async state() {
    await this.#script.call("state");
    return { atr: Uint8Array.of(0x3b) };
  }

  async transaction() {
    await this.#script.call("begin");
    return { end: (then: number) => this.#script.call("end", then) };
  }

  reconnect(_mode: number, then: number): Promise<void> {
    return this.#script.call("reconnect", then);
  }

  disconnect(then: number): Promise<void> {
    return this.#script.call("disconnect", then);
  }

  async transmit(_command: Uint8Array, buffer: ArrayBuffer): Promise<Uint8Array> {
    this.#script.buffers.add(buffer);
    return new Uint8Array(buffer, 0, 2).fill(0x90);
  }
}

class FakeReader extends EventEmitter {
  readonly #script: Script;

  constructor(script: Script) {
    super();
    this.#script = script;
  }

  name(): string {
    return READER;
  }

  async connect(): Promise<FakeCard> {
    await this.#script.call("connect");
    return new FakeCard(this.#script);
  }
}

/** The parts that the adapter uses. */
function fakeBinding(script: Script) {
  class FakeClient extends EventEmitter {
    readonly #reader = new FakeReader(script);

    reader(): FakeReader {
      return this.#reader;
    }

    start(): void {
      script.calls.push("start");
      script.clients.push(this);
      setImmediate(() => {
        this.emit("reader", this.#reader);
        this.#reader.emit("change", { raw: PRESENT }, new Uint8Array(33));
      });
    }

    stop(): void {
      script.calls.push("stop");
    }
  }
  const module: unknown = { Client: FakeClient, CardDisposition: { LEAVE, UNPOWER }, CardMode: { SHARED } };
  return module as Awaited<ReturnType<NonNullable<PcscMiniOptions["load"]>>>;
}

let script: Script;
let transport: CardTransport;

function open(failures: Record<string, string[]>, options: PcscMiniOptions = {}): void {
  script = new Script(failures);
  transport = createPcscMiniTransport({ load: async () => fakeBinding(script), ...options });
}

async function connect() {
  await transport.ready();
  script.calls.length = 0;
  return transport.connect(slotOf(transport, READER));
}

describe("pcsc-mini", () => {
  beforeEach(() => open({}));
  afterEach(() => transport.close());

  it("does not take the card's ATR from a report", async () => {
    await transport.ready();
    expect(slotOf(transport, READER).atr).toEqual(new Uint8Array(0));
    const connection = await connect();
    expect(connection.slot.atr).toEqual(Uint8Array.of(0x3b));
    await connection.end();
  });

  it("cuts the power with the transaction, and then only disconnects", async () => {
    const connection = await connect();
    await connection.end();
    expect(script.calls).toEqual(["connect", "begin", "state", `end ${UNPOWER}`, `disconnect ${LEAVE}`]);
  });

  it("uses one response buffer, and gives out copies", async () => {
    for (let round = 0; round < 2; round++) {
      const connection = await connect();
      const response = await connection.transmit(Uint8Array.of(0, 0xa4, 4, 12));
      expect(response).toEqual(Uint8Array.of(0x90, 0x90));
      expect(script.buffers.has(response.buffer as ArrayBuffer)).toBe(false);
      await connection.end();
    }
    expect(script.buffers.size).toBe(1);
  });
});

describe("a failing pcsc-mini", () => {
  afterEach(() => transport.close());

  it("cuts the power by disconnecting where the transaction cannot", async () => {
    open({ end: ["ResetCard"] });
    await (await connect()).end();
    expect(script.calls.slice(-2)).toEqual([`end ${UNPOWER}`, `disconnect ${UNPOWER}`]);
  });

  it("disconnects in any case", async () => {
    open({ end: ["RemovedCard"], disconnect: ["SharingViolation"] });
    await (await connect()).end();
    expect(script.calls.slice(-2)).toEqual([`disconnect ${UNPOWER}`, `disconnect ${LEAVE}`]);
  });

  it("reconnects when another program has reset the card, a few times", async () => {
    open({ begin: ["ResetCard", "ResetCard"] });
    await (await connect()).end();
    const again = ["begin", `reconnect ${LEAVE}`];
    expect(script.calls.slice(0, 6)).toEqual(["connect", ...again, ...again, "begin"]);
    await transport.close();

    open({ begin: Array<string>(9).fill("ResetCard") });
    await expect(connect()).rejects.toMatchObject({ code: "CARD_RESET" });
    expect(script.calls.filter((call) => call === "begin")).toHaveLength(5);
    expect(script.calls.at(-1)).toBe(`disconnect ${LEAVE}`);
  });

  it("disconnects from a card that cannot be used", async () => {
    open({ begin: ["RemovedCard"], disconnect: ["NoService"] });
    await expect(connect()).rejects.toMatchObject({ code: "CARD_RESET" });
    expect(script.calls).toEqual(["connect", "begin", `disconnect ${LEAVE}`]);
  });

  it("begins anew when its connections are used up", async () => {
    open({ connect: ["TooManyCardConnections"] });
    await expect(connect()).rejects.toMatchObject({ code: "PCSC_UNAVAILABLE" });
    await slotWhen(transport, READER, () => transport.fault() === undefined && script.calls.includes("start"));
    await (await transport.connect(slotOf(transport, READER))).end();
  });
});

describe("pcsc-mini at its end", () => {
  it("is stopped when its thread is asleep", async () => {
    open({});
    await transport.ready();
    const from = performance.now();
    await transport.close();
    expect(script.calls).toEqual(["start", "stop"]);
    expect(performance.now() - from).toBeGreaterThan(410);
  });

  it("is not stopped where the process ends: what it still says reaches nobody", async () => {
    open({}, { leaveWatch: true });
    await transport.ready();
    await transport.close();
    const fault = transport.fault();
    for (const client of script.clients) {
      client.emit("error", Object.assign(new Error("gone"), { code: "ServiceStopped" }));
      client.reader().emit("change", { raw: PRESENT }, new Uint8Array(33));
      client.reader().emit("disconnect");
    }
    expect(script.calls).toEqual(["start"]);
    expect([transport.slots(), transport.fault()]).toEqual([[], fault]);
  });
});

describe.each([
  ["pcsc-mini", (load: () => Promise<never>) => createPcscMiniTransport({ load })],
  ["pcsclite", (load: () => Promise<never>) => createPcscliteTransport({ load })],
] as const)("%s that cannot be loaded", (binding, create) => {
  it("is PCSC_UNAVAILABLE with the cause and the way to mend it", async () => {
    const unloadable = create(() => Promise.reject(new Error("libpcsclite.so.1: cannot open shared object file")));
    await expect(unloadable.ready()).rejects.toMatchObject({
      code: "PCSC_UNAVAILABLE",
      hint: expect.stringContaining("npm ci"),
      details: { binding, cause: expect.stringContaining("libpcsclite.so.1") },
    });
    await unloadable.close();
  });
});
