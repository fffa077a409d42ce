import { describe, expect, it } from "vitest";
import { ByteReader, ByteWriter, fromHex, toHex } from "../../../lib/bytes.ts";
import { readAttributeRooms, readAttributes, writeAttributes } from "../../../lib/p11/attributes.ts";
import {
  CK_UNAVAILABLE_INFORMATION,
  CKA_ALLOWED_MECHANISMS,
  CKA_CLASS,
  CKA_DERIVE_TEMPLATE,
  CKA_ID,
  CKA_LABEL,
  CKA_MODULUS_BITS,
  CKA_SIGN,
  CKA_START_DATE,
  CKA_UNWRAP_TEMPLATE,
  CKA_WRAP_TEMPLATE,
} from "../../../lib/p11/constants.ts";
import type { Attribute } from "../../../lib/p11/values.ts";
import { MAX_ATTRIBUTES, MAX_TEMPLATE_DEPTH } from "../../../lib/p11/wire.ts";
import { expectTotal } from "../../helpers/mutations.ts";

const malformed = expect.objectContaining({ code: "MALFORMED" });
const tooLarge = expect.objectContaining({ code: "TOO_LARGE" });

function read(hex: string): readonly Attribute[] {
  const reader = new ByteReader(fromHex(hex), "template");
  const attributes = readAttributes(reader);
  reader.end();
  return attributes;
}

function rooms(bytes: Uint8Array) {
  return readAttributeRooms(new ByteReader(bytes, "attributes asked for"));
}

function written(...attributes: readonly Attribute[]): string {
  const writer = new ByteWriter();
  writeAttributes(writer, attributes);
  return toHex(writer.finish());
}

function nested(depth: number): Attribute {
  return { type: CKA_WRAP_TEMPLATE, value: depth === 0 ? [] : [nested(depth - 1)] };
}

/** `[type, room, count]` within each other. */
function nestedRooms(depth: number): Uint8Array {
  const writer = new ByteWriter();
  for (let i = 0; i < depth; i++) writer.u32(1).u32(CKA_UNWRAP_TEMPLATE).u32(24);
  return writer.u32(0).finish();
}

describe("the type of an attribute decides its form", () => {
  it.each<readonly [string, Attribute, string]>([
    ["a truth", { type: CKA_SIGN, value: true }, "00000108 01 00000001 01"],
    ["a number", { type: CKA_CLASS, value: 3 }, "00000000 01 00000008 0000000000000003"],
    [
      "no number",
      { type: CKA_MODULUS_BITS, value: CK_UNAVAILABLE_INFORMATION },
      "00000121 01 00000008 ffffffffffffffff",
    ],
    ["bytes", { type: CKA_ID, value: fromHex("0102") }, "00000102 01 00000002 00000002 0102"],
    ["no bytes", { type: CKA_LABEL, value: new Uint8Array() }, "00000003 01 00000000 00000000"],
    ["no date", { type: CKA_START_DATE, value: new Uint8Array() }, "00000110 01 00000000 00000000"],
    ["a vendor's truth is bytes", { type: 0xcf534301, value: fromHex("01") }, "cf534301 01 00000001 00000001 01"],
    [
      "mechanisms",
      { type: CKA_ALLOWED_MECHANISMS, value: [1, 13] },
      "40000600 01 00000010 00000002 0000000000000001 000000000000000d",
    ],
    ["no template", { type: CKA_DERIVE_TEMPLATE, value: [] }, "40000213 01 00000000 00000000"],
    [
      "a template",
      { type: CKA_WRAP_TEMPLATE, value: [{ type: CKA_SIGN, value: false }] },
      "40000211 01 00000018 00000001 00000108 01 00000001 00",
    ],
    ["nothing", { type: CKA_WRAP_TEMPLATE, value: undefined }, "40000211 00"],
  ])("%s", (_, attribute, hex) => {
    expect(read(`00000001 ${hex}`)).toEqual([attribute]);
    expect(written(attribute)).toBe(`00000001${hex.replaceAll(" ", "")}`);
  });

  it.each<Attribute>([
    { type: CKA_SIGN, value: 1 },
    { type: CKA_CLASS, value: true },
    { type: CKA_ID, value: 1 },
    { type: CKA_ALLOWED_MECHANISMS, value: [{ type: 1, value: 1 }] },
    { type: CKA_WRAP_TEMPLATE, value: [1] },
  ])("another form is a defect: %o", ({ type, value = 0 }) => {
    expect(() => written({ type, value })).toThrow(TypeError);
  });
});

describe("templates", () => {
  it("are read by what is there: the length that a 32-bit program states is its own", () => {
    expect(read("00000001 00000000 01 00000004 0000000000000003")).toEqual([{ type: CKA_CLASS, value: 3 }]);
  });

  it("bytes without a pointer are none", () => {
    expect(read("00000001 00000102 01 00000000 ffffffff")).toEqual([{ type: CKA_ID, value: new Uint8Array() }]);
  });

  it("may be within each other, but not for ever", () => {
    expect(read(written(nested(MAX_TEMPLATE_DEPTH - 1)))).toEqual([nested(MAX_TEMPLATE_DEPTH - 1)]);
    expect(() => read(written(nested(MAX_TEMPLATE_DEPTH)))).toThrow(malformed);
    expect(() => read(written(nested(200)))).toThrow(malformed);
  });

  it.each(["00000002 00000108 01 00000001 01", "00000100", "00000001 40000600 01 00000008 0fffffff 0000000000000001"])(
    "a count of what cannot follow is malformed: %s",
    (hex) => {
      expect(() => read(hex)).toThrow(malformed);
    },
  );

  it("have a limited number of attributes, those within each other counted", () => {
    const some = (count: number) => Array.from({ length: count }, () => ({ type: CKA_SIGN, value: true }));
    expect(read(written(...some(MAX_ATTRIBUTES)))).toHaveLength(MAX_ATTRIBUTES);
    expect(() => read(written(...some(MAX_ATTRIBUTES + 1)))).toThrow(tooLarge);
    const within = { type: CKA_WRAP_TEMPLATE, value: some(MAX_ATTRIBUTES - 1) };
    expect(read(written(within))).toEqual([within]);
    expect(() => read(written({ type: CKA_SIGN, value: true }, within))).toThrow(tooLarge);
    expect(() => read("ffffffff")).toThrow(tooLarge);
  });

  it("of any bytes are read or malformed", () => {
    expectTotal(
      (bytes) => readAttributes(new ByteReader(bytes, "template")),
      [fromHex(written(nested(3), { type: CKA_ID, value: fromHex("01") }, { type: CKA_CLASS, value: 1 }))],
      2000,
    );
  });
});

describe("attributes asked for", () => {
  it("are types and rooms", () => {
    expect(rooms(fromHex("00000002 00000120 00000000 00000108 00000001"))).toEqual([
      { type: 0x120, room: 0 },
      { type: CKA_SIGN, room: 1 },
    ]);
  });

  const wrapAndLabel = (room: number) => [
    { type: CKA_WRAP_TEMPLATE, room },
    { type: CKA_LABEL, room: 7 },
  ];

  it.each([
    ["to 0.25.3, without room", 0, "00000002 40000211 00000000 00000003 00000007"],
    ["to 0.25.3", 24, "00000002 40000211 00000018 00000003 00000007"],
    ["0.25.5, without room", 0, "00000002 40000211 00000000 00000000 00000003 00000007"],
    ["0.25.5", 24, "00000002 40000211 00000018 00000001 00000108 00000001 00000003 00000007"],
    ["from 0.25.6, without room", 0, "00000002 40000211 00000000 00000003 00000007"],
    ["from 0.25.6", 24, "00000002 40000211 00000018 00000001 00000108 00000001 00000003 00000007"],
  ])("a template as p11-kit %s asks for it", (_, room, hex) => {
    expect(rooms(fromHex(hex))).toEqual(wrapAndLabel(room));
  });

  it("two kinds of lists without room, as p11-kit 0.25.5 asks for them", () => {
    expect(rooms(fromHex("00000002 40000211 00000000 00000000 40000600 00000000"))).toEqual([
      { type: CKA_WRAP_TEMPLATE, room: 0 },
      { type: CKA_ALLOWED_MECHANISMS, room: 0 },
    ]);
  });

  it("may be within each other, but not for ever", () => {
    expect(rooms(nestedRooms(MAX_TEMPLATE_DEPTH))).toHaveLength(1);
    expect(() => rooms(nestedRooms(MAX_TEMPLATE_DEPTH + 1))).toThrow(malformed);
    expect(() => rooms(nestedRooms(80_000))).toThrow(malformed);
  });

  it("are counted before they are read", () => {
    expect(() => rooms(fromHex("00000002 00000120 00000000"))).toThrow(malformed);
    expect(() =>
      rooms(
        new ByteWriter()
          .u32(MAX_ATTRIBUTES + 1)
          .bytes(new Uint8Array(4096))
          .finish(),
      ),
    ).toThrow(tooLarge);
  });
});
