import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { concatBytes, fromHex, toHex, utf8 } from "../../../lib/bytes.ts";
import { MalformedError, TooLargeError } from "../../../lib/errors.ts";
import { decodeTlv, decodeTlvs, derLength, encodeTlv, MAX_TLV_COUNT } from "../../../lib/iso7816/tlv.ts";

const anyTlv = fc.record({
  tag: fc.constantFrom(0x04, 0x30, 0x80, 0x5f20, 0xdf21, 0xff10, 0xff20, 0x7f8201, 0xdf8101),
  value: fc.uint8Array({ maxLength: 300 }),
});

test("decode gives back what was encoded, and leaves what follows", () => {
  fc.assert(
    fc.property(anyTlv, fc.uint8Array({ maxLength: 4 }), (tlv, filler) => {
      const bytes = encodeTlv(tlv);
      expect(decodeTlv(concatBytes(bytes, filler))).toEqual({ tlv, length: bytes.length });
    }),
  );
  fc.assert(
    fc.property(fc.array(anyTlv, { maxLength: 5 }), (tlvs) => {
      expect(decodeTlvs(concatBytes(...tlvs.map(encodeTlv)))).toEqual(tlvs);
    }),
  );
});

test("random bytes are objects or MALFORMED", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
      try {
        expect(decodeTlvs(bytes).length).toBeLessThanOrEqual(bytes.length / 2);
      } catch (error) {
        expect(error).toBeInstanceOf(MalformedError);
      }
    }),
  );
});

describe("the card's own files", () => {
  test("12 digits under a tag that says constructed, two bytes of filler", () => {
    const { tlv, length } = decodeTlv(fromHex("ff100c 313233343536373839303132 ffff"));
    expect(length).toBe(15);
    expect(tlv).toEqual({ tag: 0xff10, value: utf8("123456789012") });
  });

  test("attributes, one inside the other", () => {
    const { tlv } = decodeTlv(fromHex("ff200c df2206e5b1b1e794b0 df2300 ffff"));
    expect(decodeTlvs(tlv.value)).toEqual([
      { tag: 0xdf22, value: utf8("山田") },
      { tag: 0xdf23, value: new Uint8Array(0) },
    ]);
  });
});

test.each([
  [0x7f, "047f"],
  [0x80, "048180"],
  [0xff, "0481ff"],
  [0x100, "04820100"],
  [0xffff, "0482ffff"],
  [0x10000, "0483010000"],
])("a value of %i bytes", (size, header) => {
  const tlv = { tag: 0x04, value: new Uint8Array(size).fill(7) };
  const bytes = encodeTlv(tlv);
  expect(toHex(bytes.subarray(0, header.length / 2))).toBe(header);
  expect(decodeTlv(bytes).tlv.value.length).toBe(size);
});

test("a length that is longer than it need be", () => {
  expect(decodeTlv(fromHex("04 83000001 aa"))).toEqual({ tlv: { tag: 0x04, value: fromHex("aa") }, length: 6 });
});

test.each([
  ["nothing", ""],
  ["a tag alone", "04"],
  ["a long tag cut short", "ff"],
  ["a value cut short", "0402aa"],
  ["a length cut short", "048201"],
  ["indefinite length", "30800401000000"],
  ["a length of 4 bytes", "048400000001aa"],
  ["tag 00", "0000"],
  ["a tag of 4 bytes", "1f8181810100"],
  ["a tag number that begins with zeros", "1f800100"],
])("%s is MALFORMED", (_name, hex) => {
  expect(() => decodeTlv(fromHex(hex))).toThrow(MalformedError);
});

test("the number of objects has a cap", () => {
  const many = (count: number) => concatBytes(...Array.from({ length: count }, () => fromHex("0400")));
  expect(decodeTlvs(many(MAX_TLV_COUNT))).toHaveLength(MAX_TLV_COUNT);
  expect(() => decodeTlvs(many(MAX_TLV_COUNT + 1))).toThrow(TooLargeError);
});

test.each([0, 0xff, 0x1f, 0x0401, 0x1f80, 0x1f8001, 0x1f8181, 0x1000000, 1.5])("%i is refused as a tag", (tag) => {
  expect(() => encodeTlv({ tag, value: new Uint8Array(0) })).toThrow(RangeError);
});

describe("derLength", () => {
  test.each([
    ["3000", 2],
    ["307f", 129],
    ["308180", 131],
    ["3082051a", 1310],
    ["3082051affff", 1310],
    ["3083010000", 65541],
  ])("%s", (hex, length) => {
    expect(derLength(fromHex(hex))).toBe(length);
  });

  test.each(["", "30", "3081", "308205", "3080", "308400000001", "0402", "ffffffff"])("'%s' is none", (hex) => {
    expect(derLength(fromHex(hex))).toBeUndefined();
  });
});
