import fc from "fast-check";
import { describe, expect, it, test } from "vitest";
import { SERVED_CALLS } from "../../../agent/p11/application.ts";
import { ByteWriter, concatBytes, fromHex, toHex } from "../../../lib/bytes.ts";
import { CALLS, type CallName } from "../../../lib/p11/calls.ts";
import { CK_UNAVAILABLE_INFORMATION, CKR_OK, CKR_TOKEN_NOT_RECOGNIZED } from "../../../lib/p11/constants.ts";
import { decodeArguments, decodeRpcRequest, encodeRpcError, encodeRpcResponse } from "../../../lib/p11/rpc-codec.ts";
import { encodeRpcFrame, RpcFrameDecoder } from "../../../lib/p11/rpc-frame.ts";
import { expectTotal } from "../../helpers/mutations.ts";
import { decodeRpcReply, encodeRpcRequest, RPC_STYLES } from "../../helpers/rpc-wire.ts";
import { asVector, loadVectors } from "../../helpers/vectors.ts";
import { REQUEST_VALUES, RESPONSE_VALUES } from "./arbitraries.ts";

interface RequestVector {
  readonly name: string;
  readonly frame: string;
  readonly code: number;
  readonly call: CallName;
  readonly args: unknown;
}

const { requests } = loadVectors<{ requests: readonly RequestVector[] }>("p11-rpc.json");
const DECODED = ["C_Initialize", "C_Finalize", ...SERVED_CALLS] as const;
const malformed = expect.objectContaining({ code: "MALFORMED" });

/** Codes, bodies, and the frames that softhsm's answers came in (those of the last attributes are made by hand). */
const RESPONSES: readonly (readonly [code: number, body: Uint8Array, frame: string])[] = [
  [16, encodeRpcResponse("C_Initialize", []), "00000010 00000000 00000008 00000001 00000000"],
  [
    17,
    encodeRpcResponse("C_GetSlotList", [{ needed: 2 }]),
    "00000011 00000000 0000000f 00000004 00000002 6175 00 00000002",
  ],
  [
    18,
    encodeRpcResponse("C_GetSlotList", [[17, 18]]),
    "00000012 00000000 0000001f 00000004 00000002 6175 01 00000002 0000000000000011 0000000000000012",
  ],
  [23, encodeRpcResponse("C_Login", []), "00000017 00000000 00000008 00000012 00000000"],
  [
    25,
    encodeRpcResponse("C_FindObjects", [[3]]),
    "00000019 00000000 00000017 0000001b 00000002 6175 01 00000001 0000000000000003",
  ],
  [26, encodeRpcResponse("C_FindObjects", [[]]), "0000001a 00000000 0000000f 0000001b 00000002 6175 01 00000000"],
  [
    36,
    encodeRpcResponse("C_GetAttributeValue", [[{ type: 4, value: undefined }], 18]),
    "00000024 00000000 0000001c 00000018 00000003 614175 00000001 00000004 00 0000000000000012",
  ],
  [
    37,
    encodeRpcResponse("C_GetAttributeValue", [
      [
        { type: 264, value: true },
        { type: 0, value: 3 },
      ],
      0,
    ]),
    "00000025 00000000 00000032 00000018 00000003 614175 00000002 00000108 01 00000001 01 00000000 01 00000008 0000000000000003 0000000000000000",
  ],
  [56, encodeRpcResponse("C_Sign", [{ needed: 256 }]), "00000038 00000000 0000000f 0000002b 00000002 6179 00 00000100"],
  [
    29,
    encodeRpcResponse("C_Sign", [fromHex("abe2b5f1")]),
    "0000001d 00000000 00000013 0000002b 00000002 6179 01 00000004 abe2b5f1",
  ],
  [
    0x14,
    encodeRpcResponse("C_GetTokenInfo", [
      "labtoken",
      "SoftHSM project",
      "SoftHSM v2",
      "33b82a3f22cf1888",
      1069,
      0,
      CK_UNAVAILABLE_INFORMATION,
      0,
      CK_UNAVAILABLE_INFORMATION,
      255,
      4,
      CK_UNAVAILABLE_INFORMATION,
      CK_UNAVAILABLE_INFORMATION,
      CK_UNAVAILABLE_INFORMATION,
      CK_UNAVAILABLE_INFORMATION,
      { major: 2, minor: 6 },
      { major: 2, minor: 6 },
      "2026112121014000",
    ]),
    "00000014 00000000 000000fa 00000006 00000012 737373737575757575757575757575767673 00000020 6c6162746f6b656e202020202020202020202020202020202020202020202020 00000020 536f667448534d2070726f6a6563742020202020202020202020202020202020 00000010 536f667448534d207632202020202020 00000010 33336238326133663232636631383838 000000000000042d 0000000000000000 ffffffffffffffff 0000000000000000 ffffffffffffffff 00000000000000ff 0000000000000004 ffffffffffffffff ffffffffffffffff ffffffffffffffff ffffffffffffffff 0206 0206 00000010 32303236313132313231303134303030",
  ],
  [0x1e, encodeRpcError(CKR_TOKEN_NOT_RECOGNIZED), "0000001e 00000000 00000011 00000000 00000001 75 00000000000000e1"],
];

/** As the dispatcher does for calls that are answered. */
function decode(body: Uint8Array): unknown {
  const request = decodeRpcRequest(body);
  const call = DECODED.find((name) => name === request.call);
  return call === undefined ? undefined : decodeArguments(call, request);
}

function bodyOf(call: CallName, values: Uint8Array): Uint8Array {
  return new ByteWriter().u32(CALLS[call].id).string(CALLS[call].request).bytes(values).finish();
}

describe.each(requests)("captured request: $name", ({ frame, code, call, args }) => {
  const decoder = new RpcFrameDecoder();
  const [decoded] = decoder.push(fromHex(frame));
  const body = decoded?.body ?? new Uint8Array();

  it("is read", () => {
    expect(decoded?.code).toBe(code);
    expect(decodeRpcRequest(body).call).toBe(call);
    expect(asVector(decode(body))).toEqual(args);
  });

  it("is read with bytes after it, which p11-kit ignores, unless a mechanism is in it", () => {
    if (call !== "C_SignInit") expect(asVector(decode(concatBytes(body, fromHex("00ff"))))).toEqual(args);
  });

  it("is malformed wherever it is cut", () => {
    const needed = call === "C_SignInit" ? 4 + 3 + 8 + 4 + 8 : body.length;
    for (let length = 0; length < needed; length++)
      expect(() => decode(body.subarray(0, length)), `cut to ${length}`).toThrow(malformed);
  });
});

test.each(RESPONSES)("the response with code %i is written as captured", (code, body, frame) => {
  expect(toHex(encodeRpcFrame(code, body))).toBe(frame.replaceAll(" ", ""));
});

describe("calls", () => {
  it("have one number and one name each", () => {
    expect(new Set(Object.values(CALLS).map(({ id }) => id)).size).toBe(Object.keys(CALLS).length);
  });

  it.each([0, 68, 87, 90, 0xffffffff])("%i is none", (id) => {
    expect(decodeRpcRequest(new ByteWriter().u32(id).string("u").finish())).toMatchObject({ id, call: undefined });
  });

  it("are malformed with another signature than the table's", () => {
    const request = decodeRpcRequest(new ByteWriter().u32(CALLS.C_Login.id).string("uuayu").finish());
    expect(() => decodeArguments("C_Login", request)).toThrow(malformed);
  });

  it("have a signature of a few letters", () => {
    const body = new ByteWriter().u32(CALLS.C_Login.id).string("u".repeat(65)).finish();
    expect(() => decodeRpcRequest(body)).toThrow(expect.objectContaining({ code: "TOO_LARGE" }));
  });

  it("that no token of ours has may hold what is not read", () => {
    expect(() => decodeArguments("C_InitToken", decodeRpcRequest(bodyOf("C_InitToken", new Uint8Array(40))))).toThrow(
      TypeError,
    );
  });
});

describe("values", () => {
  const login = (hex: string) => decode(bodyOf("C_Login", fromHex(`0000000000000001 0000000000000001 ${hex}`)));

  it.each([
    ["p11-kit 0.24", "00 00000000"],
    ["p11-kit 0.25, no pointer", "01 ffffffff"],
    ["an empty array", "01 00000000"],
    ["no flag, but a length", "00 00000010"],
  ])("input that is not there: %s", (_, hex) => {
    expect(login(hex)).toEqual([1, 1, undefined]);
  });

  it("a length is refused before anything of that size is made", () => {
    expect(() => login("01 fffffffe 31")).toThrow(malformed);
  });

  it("numbers over 2^53 - 1 are none of ours", () => {
    const session = (hex: string) => decode(bodyOf("C_CloseSession", fromHex(hex)));
    expect(session("001fffffffffffff")).toEqual([Number.MAX_SAFE_INTEGER]);
    expect(session("0020000000000000")).toEqual([CK_UNAVAILABLE_INFORMATION]);
    expect(session("ffffffffffffffff")).toEqual([CK_UNAVAILABLE_INFORMATION]);
  });

  it.each([
    ["00000000", 0],
    ["ffffffff", 0],
    ["00000200", 512],
  ])("room %s is %i", (hex, room) => {
    expect(decode(bodyOf("C_SignFinal", fromHex(`0000000000000001 ${hex}`)))).toEqual([1, room]);
  });

  it("texts are cut between two characters and filled up with spaces", () => {
    const version = { major: 2, minor: 40 };
    const texts = (text: string) => {
      const body = encodeRpcResponse("C_GetInfo", [version, text, 0, "", version]);
      return new TextDecoder("utf-8", { fatal: true }).decode(body.subarray(19, 51));
    };
    expect(texts("short")).toBe("short".padEnd(32));
    expect(texts("x".repeat(40))).toBe("x".repeat(32));
    expect(texts("マイナンバーカードの鍵")).toBe("マイナンバーカードの  ");
  });

  it.each([-1, 0.5, Number.NaN, 2 ** 53])("%d is no number to be sent", (value) => {
    expect(() => encodeRpcResponse("C_OpenSession", [value])).toThrow(RangeError);
  });

  it("CKR_OK is no error: programs would take it for a broken connection", () => {
    expect(() => encodeRpcError(CKR_OK)).toThrow(RangeError);
  });
});

describe.each(DECODED)("%s", (call) => {
  it.each(RPC_STYLES)("any request of p11-kit %s is read as it was meant", (style) => {
    const letters = CALLS[call].request.match(/[af]?./g) ?? [];
    const values = fc.tuple(...letters.map((letter) => REQUEST_VALUES[keyIn(REQUEST_VALUES, letter)]));
    fc.assert(
      fc.property(values, (args) => {
        expect(decode(encodeRpcRequest(call, args as never, style))).toEqual(args);
      }),
      { numRuns: 60 },
    );
  });

  it("any response is read by a client as it was meant", () => {
    const letters = CALLS[call].response.match(/[af]?./g) ?? [];
    const values = fc.tuple(...letters.map((letter) => RESPONSE_VALUES[keyIn(RESPONSE_VALUES, letter)]));
    fc.assert(
      fc.property(values, (result) => {
        const reply = decodeRpcReply(call, encodeRpcResponse(call, result as never));
        expect("values" in reply && reply.values.map(trimmed)).toEqual(result);
      }),
      { numRuns: 60 },
    );
  });
});

it("whatever bytes come, they are read or malformed", () => {
  expectTotal(
    decode,
    requests.map(({ frame }) => fromHex(frame).subarray(18)),
    4000,
  );
});

function keyIn<T extends object>(table: T, letter: string): keyof T {
  const isKey = (key: string): key is string & keyof T => key in table;
  if (!isKey(letter)) throw new Error(`no values for ${letter}`);
  return letter;
}

/** Texts come back with the spaces they are filled up with. */
function trimmed(value: unknown): unknown {
  return typeof value === "string" ? value.trimEnd() : value;
}
