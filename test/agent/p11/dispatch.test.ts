import { describe, expect, it, test } from "vitest";
import { type P11Calls, SERVED_CALLS } from "../../../agent/p11/application.ts";
import { CkError } from "../../../agent/p11/ck-error.ts";
import { Dispatcher } from "../../../agent/p11/dispatch.ts";
import { ByteWriter, utf8 } from "../../../lib/bytes.ts";
import { MalformedError } from "../../../lib/errors.ts";
import { type Args, CALLS, type CallName } from "../../../lib/p11/calls.ts";
import {
  CKR_CRYPTOKI_ALREADY_INITIALIZED,
  CKR_CRYPTOKI_NOT_INITIALIZED,
  CKR_DEVICE_ERROR,
  CKR_FUNCTION_NOT_SUPPORTED,
  CKR_GENERAL_ERROR,
  CKR_OK,
  CKR_PIN_INCORRECT,
  CKR_RANDOM_NO_RNG,
  CKR_TOKEN_WRITE_PROTECTED,
} from "../../../lib/p11/constants.ts";
import { fakeP11Application } from "../../helpers/fake-p11-application.ts";
import { type RecordingLogger, recordingLogger } from "../../helpers/recording-logger.ts";
import { HANDSHAKE } from "../../helpers/rpc-client.ts";
import { decodeRpcReply, encodeRpcRequest } from "../../helpers/rpc-wire.ts";

class Desk {
  readonly dispatcher: Dispatcher;
  readonly log: RecordingLogger = recordingLogger();
  opened = 0;
  ended = 0;

  constructor(calls: Partial<P11Calls> = {}) {
    const client = { version: 0, log: this.log, program: async () => undefined };
    this.dispatcher = new Dispatcher(client, () => {
      this.opened++;
      return fakeP11Application(calls, () => {
        this.ended++;
      });
    });
  }

  async call<C extends CallName>(call: C, args: Args<C>): Promise<unknown> {
    const reply = decodeRpcReply(call, await this.dispatcher.answer(encodeRpcRequest(call, args)));
    return "rv" in reply ? reply.rv : reply.values;
  }

  initialize(handshake = HANDSHAKE): Promise<unknown> {
    return this.call("C_Initialize", [handshake, 0, Uint8Array.of(0)]);
  }

  /** A request with its own signature and no values. */
  async bare(id: number, signature = ""): Promise<unknown> {
    const body = await this.dispatcher.answer(new ByteWriter().u32(id).string(signature).finish());
    const reply = decodeRpcReply("C_Finalize", body);
    return "rv" in reply ? reply.rv : reply.values;
  }
}

async function initialized(calls: Partial<P11Calls> = {}): Promise<Desk> {
  const desk = new Desk(calls);
  expect(await desk.initialize()).toEqual([]);
  return desk;
}

describe("C_Initialize and C_Finalize", () => {
  it("make and end the application", async () => {
    const desk = await initialized({ C_OpenSession: ([slot, flags]) => [slot + flags] });
    expect(await desk.call("C_OpenSession", [1, 4])).toEqual([5]);
    expect(await desk.call("C_Finalize", [])).toEqual([]);
    expect(desk).toMatchObject({ opened: 1, ended: 1 });
    expect(await desk.call("C_OpenSession", [1, 4])).toBe(CKR_CRYPTOKI_NOT_INITIALIZED);
    expect(await desk.initialize()).toEqual([]);
    expect(await desk.call("C_OpenSession", [1, 4])).toEqual([5]);
    desk.dispatcher.end();
    desk.dispatcher.end();
    expect(desk).toMatchObject({ opened: 2, ended: 2 });
  });

  it("need the handshake of the protocol", async () => {
    const desk = new Desk();
    expect(await desk.initialize(utf8("PRIVATE-GNOME-KEYRING-PKCS11-PROTOCOL-V-2"))).toBe(CKR_GENERAL_ERROR);
    expect(await desk.initialize(new Uint8Array())).toBe(CKR_GENERAL_ERROR);
    expect(desk.opened).toBe(0);
  });

  it("are each for once", async () => {
    const desk = await initialized();
    expect(await desk.initialize()).toBe(CKR_CRYPTOKI_ALREADY_INITIALIZED);
    expect(await desk.call("C_Finalize", [])).toEqual([]);
    expect(await desk.call("C_Finalize", [])).toBe(CKR_CRYPTOKI_NOT_INITIALIZED);
    expect(desk).toMatchObject({ opened: 1, ended: 1 });
  });

  it.each([CALLS.C_GetInfo.id, CALLS.C_GenerateRandom.id, 68, 4711])("come before call %i", async (id) => {
    expect(await new Desk().bare(id)).toBe(CKR_CRYPTOKI_NOT_INITIALIZED);
  });

  it("what waits is answered before C_Finalize is", async () => {
    const desk = await initialized({
      C_WaitForSlotEvent: (_, signal) =>
        new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(signal.reason))),
    });
    const order: string[] = [];
    const waiting = desk.call("C_WaitForSlotEvent", [0]).then((rv) => {
      order.push("event");
      return rv;
    });
    expect(await desk.call("C_Finalize", []).finally(() => order.push("finalize"))).toEqual([]);
    expect(await waiting).toBe(CKR_CRYPTOKI_NOT_INITIALIZED);
    expect(order).toEqual(["event", "finalize"]);
  });
});

describe("an answer", () => {
  it("is what the application says: values or a number", async () => {
    const desk = await initialized({
      C_GetSlotList: async ([present, room]) => [room === 0 ? { needed: 2 } : [present, room]],
      C_GetAttributeValue: ([, , rooms]) => [rooms.map(({ type }) => ({ type, value: undefined })), CKR_OK],
      C_Login: () => {
        throw new CkError(CKR_PIN_INCORRECT);
      },
      C_Logout: () => Promise.reject(new CkError(CKR_PIN_INCORRECT)),
    });
    expect(await desk.call("C_GetSlotList", [0, 0])).toEqual([{ needed: 2 }]);
    expect(await desk.call("C_GetSlotList", [1, 9])).toEqual([[1, 9]]);
    expect(await desk.call("C_GetAttributeValue", [1, 2, [{ type: 3, room: 0 }]])).toEqual([[{ type: 3 }], CKR_OK]);
    expect(await desk.call("C_Login", [1, 1, undefined])).toBe(CKR_PIN_INCORRECT);
    expect(await desk.call("C_Logout", [1])).toBe(CKR_PIN_INCORRECT);
    expect(desk.log.lines).toEqual([]);
  });

  it("to what is malformed is CKR_DEVICE_ERROR, and the next is answered", async () => {
    const desk = await initialized({ C_OpenSession: () => [1] });
    expect(await desk.bare(CALLS.C_OpenSession.id)).toBe(CKR_DEVICE_ERROR);
    expect(await desk.bare(CALLS.C_OpenSession.id, "uu")).toBe(CKR_DEVICE_ERROR);
    expect(await desk.bare(1, "ayyay")).toBe(CKR_DEVICE_ERROR);
    expect(await desk.bare(1, "u".repeat(100))).toBe(CKR_DEVICE_ERROR);
    const empty = await desk.dispatcher.answer(new Uint8Array());
    expect(decodeRpcReply("C_Finalize", empty)).toEqual({ rv: CKR_DEVICE_ERROR });
    expect(desk.log.lines.map(({ level }) => level)).toEqual(Array.from({ length: 5 }, () => "warn"));
    expect(await desk.call("C_OpenSession", [1, 4])).toEqual([1]);
  });

  it.each<[string, Partial<P11Calls>]>([
    ["throws", { C_OpenSession: () => Promise.reject(new Error("no such thing")) }],
    ["throws what looks like a malformed request", { C_OpenSession: () => Promise.reject(new MalformedError("DER")) }],
    ["gives what cannot be sent", { C_OpenSession: () => [-1] }],
    ["gives the error that is none", { C_OpenSession: () => Promise.reject(new CkError(CKR_OK)) }],
  ])("of an application that %s is CKR_GENERAL_ERROR", async (_, calls) => {
    const desk = await initialized(calls);
    expect(await desk.call("C_OpenSession", [1, 4])).toBe(CKR_GENERAL_ERROR);
    expect(desk.log.lines.map(({ level }) => level)).toEqual(["error"]);
  });
});

describe("calls that are not answered", () => {
  const named: Partial<Record<CallName, number>> = {
    C_InitToken: CKR_TOKEN_WRITE_PROTECTED,
    C_InitToken2: CKR_TOKEN_WRITE_PROTECTED,
    C_InitPIN: CKR_TOKEN_WRITE_PROTECTED,
    C_SetPIN: CKR_TOKEN_WRITE_PROTECTED,
    C_CreateObject: CKR_TOKEN_WRITE_PROTECTED,
    C_CopyObject: CKR_TOKEN_WRITE_PROTECTED,
    C_DestroyObject: CKR_TOKEN_WRITE_PROTECTED,
    C_SetAttributeValue: CKR_TOKEN_WRITE_PROTECTED,
    C_GenerateKey: CKR_TOKEN_WRITE_PROTECTED,
    C_GenerateKeyPair: CKR_TOKEN_WRITE_PROTECTED,
    C_UnwrapKey: CKR_TOKEN_WRITE_PROTECTED,
    C_SeedRandom: CKR_RANDOM_NO_RNG,
    C_GenerateRandom: CKR_RANDOM_NO_RNG,
  };

  test("have their numbers, whatever they hold", async () => {
    const desk = await initialized();
    const served: readonly string[] = ["C_Initialize", "C_Finalize", ...SERVED_CALLS];
    for (const [name, { id, request }] of Object.entries(CALLS)) {
      if (served.includes(name)) continue;
      const expected = Object.entries(named).find(([call]) => call === name)?.[1] ?? CKR_FUNCTION_NOT_SUPPORTED;
      expect(await desk.bare(id, request), name).toBe(expected);
    }
    for (const id of [0, 68, 87, 90, 0xffffffff]) expect(await desk.bare(id), `${id}`).toBe(CKR_FUNCTION_NOT_SUPPORTED);
    expect(desk.log.lines).toEqual([]);
  });
});
