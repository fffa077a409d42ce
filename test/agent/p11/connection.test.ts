import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it, test } from "vitest";
import type { P11Limits } from "../../../agent/limits.ts";
import type { P11Calls, P11Client } from "../../../agent/p11/application.ts";
import { type P11Face, startP11Face } from "../../../agent/p11/face.ts";
import { concatBytes, fromHex, toHex, utf8 } from "../../../lib/bytes.ts";
import {
  CKR_CRYPTOKI_NOT_INITIALIZED,
  CKR_DEVICE_ERROR,
  CKR_DEVICE_MEMORY,
  CKR_SESSION_HANDLE_INVALID,
} from "../../../lib/p11/constants.ts";
import { MAX_BODY_BYTES } from "../../../lib/p11/wire.ts";
import { type Deferred, deferred } from "../../helpers/deferred.ts";
import { everySplit } from "../../helpers/every-split.ts";
import { fakeP11Application } from "../../helpers/fake-p11-application.ts";
import { type RecordingLogger, recordingLogger } from "../../helpers/recording-logger.ts";
import { connectRpc, HANDSHAKE, initializedRpc, type RpcClient } from "../../helpers/rpc-client.ts";
import { decodeRpcReply, encodeRpcRequest, type RpcStyle, rpcRequestFrame } from "../../helpers/rpc-wire.ts";
import { type TempDir, tempDir } from "../../helpers/temp-dir.ts";
import { until } from "../../helpers/until.ts";

let folder: TempDir;
let path: string;
let face: P11Face | undefined;
let log: RecordingLogger;
let opened: P11Client[];
let ended: number;
const clients: RpcClient[] = [];

beforeEach(async () => {
  folder = await tempDir();
  path = join(folder.path, "pkcs11");
  log = recordingLogger();
  opened = [];
  ended = 0;
});
afterEach(async () => {
  for (const client of clients.splice(0)) client.close();
  await face?.close();
  face = undefined;
  await folder.remove();
});

async function serve(calls: Partial<P11Calls> = {}, limits: Partial<P11Limits> = {}): Promise<void> {
  face = await startP11Face({
    socketPath: path,
    limits,
    log,
    open: (client) => {
      opened.push(client);
      return fakeP11Application(calls, () => {
        ended++;
      });
    },
  });
}

async function connected(style?: RpcStyle): Promise<RpcClient> {
  const client = await connectRpc(path, style);
  clients.push(client);
  return client;
}

async function initialized(style?: RpcStyle): Promise<RpcClient> {
  const client = await initializedRpc(path, style);
  clients.push(client);
  return client;
}

/** What C_OpenSession says when nothing is wrong with the connection. */
async function isServed(client: RpcClient): Promise<void> {
  expect(await client.call("C_OpenSession", [1, 4])).toEqual({ rv: CKR_SESSION_HANDLE_INVALID });
}

/** Waits that the test ends, or their connection. */
function parkedCalls() {
  const parked: Deferred<readonly [number]>[] = [];
  const calls: Partial<P11Calls> = {
    C_WaitForSlotEvent: (_, signal) => {
      const wait = deferred<readonly [number]>();
      signal.addEventListener("abort", () => wait.reject(signal.reason));
      parked.push(wait);
      return wait.promise;
    },
  };
  return { parked, calls };
}

describe("the version", () => {
  it.each<[RpcStyle, number]>([
    ["0.24", 0],
    ["0.25", 1],
    ["0.26", 2],
  ])("of a client of p11-kit %s is answered with its own", async (style, version) => {
    await serve();
    const client = await initialized(style);
    expect(await client.version).toBe(version);
    expect(opened).toMatchObject([{ version }]);
  });

  it("of a later client is answered with ours", async () => {
    await serve();
    const client = await connectRpc(path, "0.26", 9);
    clients.push(client);
    expect(await client.version).toBe(2);
  });

  it("may come together with the first frame, in any pieces", async () => {
    await serve();
    const initialize = encodeRpcRequest("C_Initialize", [HANDSHAKE, 0, undefined]);
    const stream = rpcRequestFrame(0x10, initialize);
    for (const chunks of everySplit(stream)) {
      const client = await connected();
      const answer = client.answerTo(0x10);
      for (const chunk of chunks) client.write(chunk);
      expect(toHex((await answer) ?? new Uint8Array())).toBe("0000000100000000");
      client.close();
    }
  });
});

describe("calls side by side", () => {
  it("one that waits stops no other, and each is answered once, under its code", async () => {
    const { parked, calls } = parkedCalls();
    await serve({ ...calls, C_GetMechanismList: ([slot]) => [[slot]] });
    const client = await initialized();
    const event = client.call("C_WaitForSlotEvent", [0]);
    const lists = await Promise.all([1, 2, 3].map((slot) => client.call("C_GetMechanismList", [slot, 9])));
    expect(lists).toEqual([{ values: [[1]] }, { values: [[2]] }, { values: [[3]] }]);
    parked[0]?.resolve([7]);
    expect(await event).toEqual({ values: [7] });
    expect(client.answered).toEqual([0x10, 0x12, 0x13, 0x14, 0x11]);
  });

  it("C_Finalize is answered after those that waited", async () => {
    const { calls } = parkedCalls();
    await serve(calls);
    const client = await initialized();
    const events = [client.call("C_WaitForSlotEvent", [0]), client.call("C_WaitForSlotEvent", [0])];
    expect(await client.call("C_Finalize", [])).toEqual({ values: [] });
    expect(await Promise.all(events)).toEqual(events.map(() => ({ rv: CKR_CRYPTOKI_NOT_INITIALIZED })));
    expect(client.answered).toEqual([0x10, 0x11, 0x12, 0x13]);
    expect(ended).toBe(1);
  });

  it("those over the limit are refused, and the hang-up is seen all the same", async () => {
    const { parked, calls } = parkedCalls();
    await serve(calls, { pendingCalls: 4 });
    const client = await initialized();
    const events = Array.from({ length: 7 }, () => client.call("C_WaitForSlotEvent", [0]));
    const all = Promise.allSettled(events);
    const refused = await Promise.all(events.slice(4));
    expect(refused).toEqual(refused.map(() => ({ rv: CKR_DEVICE_MEMORY })));
    parked[0]?.resolve([1]);
    expect(await events[0]).toEqual({ values: [1] });
    await isServed(client);
    client.close();
    await until("the application has ended", () => ended === 1);
    expect((await all).filter(({ status }) => status === "rejected")).toHaveLength(3);
  });

  it("requests over the limit in bytes are refused", async () => {
    const wait = deferred<readonly []>();
    await serve({ C_SignUpdate: () => wait.promise }, { pendingBytes: 10_000 });
    const client = await initialized();
    const first = client.call("C_SignUpdate", [1, new Uint8Array(8000)]);
    expect(await client.call("C_SignUpdate", [1, new Uint8Array(8000)])).toEqual({ rv: CKR_DEVICE_MEMORY });
    wait.resolve([]);
    expect(await first).toEqual({ values: [] });
    expect(await client.call("C_SignUpdate", [1, new Uint8Array(8000)])).toEqual({ values: [] });
  });
});

describe("a hang-up", () => {
  it("aborts what waits and ends the application", async () => {
    const { parked, calls } = parkedCalls();
    await serve(calls);
    const client = await initialized();
    client.write(rpcRequestFrame(0x50, encodeRpcRequest("C_WaitForSlotEvent", [0])));
    await until("the call waits", () => parked.length === 1);
    client.socket.end();
    await expect(parked[0]?.promise).rejects.toMatchObject({ rv: CKR_CRYPTOKI_NOT_INITIALIZED });
    await until("the application has ended", () => ended === 1);
  });

  it("before C_Initialize ends nothing", async () => {
    await serve();
    const client = await connected();
    client.close();
    await isServed(await initialized());
    expect({ opened: opened.length, ended }).toEqual({ opened: 1, ended: 0 });
  });

  it("the face's own end waits for what it aborts", async () => {
    const { parked, calls } = parkedCalls();
    await serve(calls);
    const client = await initialized();
    client.write(rpcRequestFrame(0x50, encodeRpcRequest("C_WaitForSlotEvent", [0])));
    await until("the call waits", () => parked.length === 1);
    await face?.close();
    await client.ended;
    expect(ended).toBe(1);
  });
});

describe("a live client is kept", () => {
  it("after a frame over the limit, which is answered with an error", async () => {
    await serve();
    const client = await initialized();
    const answer = client.ask(new Uint8Array(MAX_BODY_BYTES + 1));
    expect(decodeRpcReply("C_Sign", (await answer) ?? new Uint8Array())).toEqual({ rv: CKR_DEVICE_MEMORY });
    await isServed(client);
  });

  it("and a signature that gets too much data is over", async () => {
    const cancelled: unknown[] = [];
    const C_SignInit: P11Calls["C_SignInit"] = ([session, mechanism]) => {
      cancelled.push([session, mechanism]);
      return [];
    };
    await serve({ C_SignInit });
    const client = await initialized();
    const tooLong = new Uint8Array(MAX_BODY_BYTES);
    expect(await client.call("C_Sign", [7, tooLong, 256])).toEqual({ rv: CKR_DEVICE_MEMORY });
    expect(await client.call("C_SignUpdate", [8, tooLong])).toEqual({ rv: CKR_DEVICE_MEMORY });
    expect(await client.call("C_Login", [9, 1, tooLong])).toEqual({ rv: CKR_DEVICE_MEMORY });
    expect(cancelled).toEqual([
      [7, undefined],
      [8, undefined],
    ]);
    await isServed(client);
  });

  it("after bodies of no form", async () => {
    await serve();
    const client = await initialized();
    for (const hex of ["", "00", "00000012", "ffffffff ffffffff", "0000000a 00000002 7575 0000"]) {
      const answer = await client.ask(fromHex(hex));
      expect(decodeRpcReply("C_Sign", answer ?? new Uint8Array()), hex).toEqual({ rv: CKR_DEVICE_ERROR });
    }
    await isServed(client);
  });

  it("with a code that was used before, and with 0: it is given back", async () => {
    await serve();
    const client = await initialized();
    const frame = (code: number) => rpcRequestFrame(code, encodeRpcRequest("C_GetInfo", []));
    client.write(concatBytes(frame(5), frame(5), frame(0)));
    await until("three answers", () => client.answered.length === 4);
    expect(client.answered).toEqual([0x10, 5, 5, 0]);
  });

  it("that stops in the middle of a frame, for as long as there is room", async () => {
    await serve({}, { connections: 3 });
    const stopped = await initialized();
    stopped.write(rpcRequestFrame(0x11, new Uint8Array(1000)).subarray(0, 500));
    const others = [await initialized(), await initialized()];
    for (const other of others) await isServed(other);
    await isServed(await initialized());
    await stopped.ended;
  });

  it("that does not take its answers; it is not read from, and hinders nobody", async () => {
    const name = "x".repeat(32);
    await serve({ C_GetInfo: () => [{ major: 2, minor: 40 }, name, 0, name, { major: 1, minor: 0 }] });
    const client = await initialized();
    client.socket.pause();
    const frames = Array.from({ length: 2000 }, () => rpcRequestFrame(0x20, encodeRpcRequest("C_GetInfo", [])));
    const flood = concatBytes(...frames);
    let written = 0;
    // Until the kernel and the agent take no more.
    while (client.socket.writableLength < 1024 * 1024) {
      client.write(flood);
      written += frames.length;
      await setImmediate();
    }
    const other = await initialized();
    await isServed(other);
    client.socket.resume();
    await until("all are answered", () => client.answered.length === written + 1, 20_000);
  });
});

test("a request's bytes are wiped once it is answered", async () => {
  let pin: Uint8Array | undefined;
  await serve({
    C_Login: ([, , bytes]) => {
      pin = bytes;
      return [];
    },
  });
  const client = await initialized();
  expect(await client.call("C_Login", [1, 1, utf8("0000")])).toEqual({ values: [] });
  expect(pin).toEqual(new Uint8Array(4));
});

test("500 clients that say nothing cost an honest one nothing", async () => {
  await serve();
  const silent = await Promise.all(Array.from({ length: 250 }, () => connected()));
  silent.push(...(await Promise.all(Array.from({ length: 250 }, () => initialized()))));
  const honest = await initialized();
  for (let i = 0; i < 50; i++) await isServed(honest);
  expect(log.lines.filter(({ level }) => level === "warn")).toEqual([]);
  for (const client of silent.slice(-250)) await isServed(client);
});
