import { describe, expect, it } from "vitest";
import { concatBytes, fromHex, utf8 } from "../../../lib/bytes.ts";
import { decodeAttributes, decodeNumber } from "../../../lib/card/attributes.ts";
import { decodeFace, decodeNumberImage } from "../../../lib/card/surface.ts";
import { decodeTlv, encodeTlv, type Tlv, tlvLength } from "../../../lib/iso7816/tlv.ts";
import {
  encodeAttributes,
  encodeFace,
  encodeNumber,
  encodeNumberImage,
  FICTIONAL_HOLDER,
} from "../../../lib/virtual-card/holder.ts";
import { expectTotal } from "../../helpers/mutations.ts";

const malformed = expect.objectContaining({ code: "MALFORMED" });
const attributes = (...fields: readonly Tlv[]) =>
  encodeTlv({ tag: 0xff20, value: concatBytes(...fields.map(encodeTlv)) });
const NAME = { tag: 0xdf22, value: utf8("見本　花子") };
const ADDRESS = { tag: 0xdf23, value: utf8("見本県") };
const born = (raw: string) => ({ tag: 0xdf24, value: utf8(raw) });
const sex = (raw: string) => ({ tag: 0xdf25, value: utf8(raw) });

describe("the attributes", () => {
  it("as the author of myna-card found them laid out", () => {
    const bytes = fromHex(
      "FF2026 DF2108 000E 0014 001A 0025 DF2203 E5B1B1 DF2303 E6B49E DF2408 3139353530323137 DF2501 31",
    );
    expect(decodeAttributes(bytes)).toEqual({
      name: "山",
      address: "洞",
      birthDate: { raw: "19550217", year: 1955, month: 2, day: 17 },
      sex: "male",
    });
  });

  it("of the virtual card, filler and all", () => {
    const file = encodeAttributes(FICTIONAL_HOLDER);
    const expected = {
      name: "見本　花子",
      address: "見本県架空市一丁目２番３号",
      birthDate: { raw: "19900401", year: 1990, month: 4, day: 1 },
      sex: "female",
    };
    expect(decodeAttributes(file)).toEqual(expected);
    for (const filler of [0x00, 0xff])
      expect(decodeAttributes(concatBytes(file, new Uint8Array(40).fill(filler)))).toEqual(expected);
  });

  it("their table of offsets tells where each one begins", () => {
    const file = encodeAttributes({ ...FICTIONAL_HOLDER, address: "長".repeat(80) });
    const [table] = [decodeTlv(decodeTlv(file).tlv.value).tlv];
    const tags = Array.from({ length: 4 }, (_, i) => {
      const at = ((table.value[2 * i] ?? 0) << 8) | (table.value[2 * i + 1] ?? 0);
      return decodeTlv(file.subarray(at)).tlv.tag;
    });
    expect(tags).toEqual([0xdf22, 0xdf23, 0xdf24, 0xdf25]);
  });

  it("characters outside the Basic Multilingual Plane, 80-character addresses in both long length forms", () => {
    const name = "𠮷野　𩸽子";
    for (const address of ["県".repeat(40), "県".repeat(80), "𠮷".repeat(80)])
      expect(decodeAttributes(encodeAttributes({ ...FICTIONAL_HOLDER, name, address }))).toMatchObject({
        name,
        address,
      });
  });

  it("in any order, with long lengths where short ones would do, with objects nobody knows, without what is missing", () => {
    expect(decodeAttributes(attributes(sex("1"), ADDRESS, { tag: 0xdf77, value: utf8("?") }, NAME))).toEqual({
      name: "見本　花子",
      address: "見本県",
      birthDate: undefined,
      sex: "male",
    });
    expect(decodeAttributes(fromHex("FF208206 DF22820001 41".replace("8206", "820006")))).toMatchObject({ name: "A" });
    expect(decodeAttributes(attributes())).toEqual({});
    expect(decodeAttributes(attributes({ tag: 0xdf22, value: new Uint8Array() })).name).toBeUndefined();
  });

  it.each([
    ["19890107", { year: 1989, month: 1, day: 7 }],
    ["19900000", { year: 1990, month: undefined, day: undefined }],
    ["00000000", { year: undefined, month: undefined, day: undefined }],
    ["20191332", { year: 2019, month: undefined, day: undefined }],
  ])("birth date %s", (raw, parts) => {
    expect(decodeAttributes(attributes(born(raw))).birthDate).toEqual({ raw, ...parts });
  });

  it.each([
    ["1", "male"],
    ["2", "female"],
    ["9", "unknown"],
    ["3", "unknown"],
  ])("sex %s", (raw, expected) => {
    expect(decodeAttributes(attributes(sex(raw))).sex).toBe(expected);
  });

  it.each([
    ["a date of seven digits", attributes(born("1990401"))],
    ["a date of letters", attributes(born("1990040A"))],
    ["no UTF-8", attributes({ tag: 0xdf22, value: fromHex("FF FE") })],
    ["twice the same", attributes(NAME, NAME)],
    ["another file", encodeNumber(FICTIONAL_HOLDER)],
    ["cut short", encodeAttributes(FICTIONAL_HOLDER).subarray(0, -1)],
    ["an object longer than the file", fromHex("FF2005 DF2210 4142")],
    ["filler alone", new Uint8Array(64).fill(0xff)],
    ["nothing", new Uint8Array()],
    ["something behind filler", encodeTlv({ tag: 0xff20, value: fromHex("0000 DF220141") })],
  ])("%s is MALFORMED", (_, bytes) => {
    expect(() => decodeAttributes(bytes)).toThrow(malformed);
  });
});

describe("the number", () => {
  it("12 digits and filler", () => {
    expect(decodeNumber(concatBytes(encodeNumber(FICTIONAL_HOLDER), fromHex("FFFF")))).toBe("123456789018");
    expect(decodeNumber(fromHex("FF10810C 313233343536373839303138"))).toBe("123456789018");
  });

  it.each([
    ["11 digits", fromHex("FF100B 3132333435363738393031")],
    ["letters", fromHex("FF100C 41414141414141414141414141")],
    ["filler alone", new Uint8Array(17).fill(0xff)],
    ["another tag", fromHex("FF200C 313233343536373839303138")],
  ])("%s are MALFORMED", (_, bytes) => {
    expect(() => decodeNumber(bytes)).toThrow(malformed);
  });
});

describe("the face", () => {
  it("of the virtual card: dates, sex, PNG images, a JPEG 2000", () => {
    const face = decodeFace(encodeFace(FICTIONAL_HOLDER));
    expect(face).toMatchObject({
      birthDate: { year: 1990, month: 4, day: 1 },
      sex: "female",
      expires: { raw: "20320401", year: 2032, month: 4, day: 1 },
      photo: FICTIONAL_HOLDER.photo,
    });
    for (const image of [face.name, face.address, face.securityCode])
      expect(
        Buffer.from(image ?? [])
          .subarray(1, 4)
          .toString(),
      ).toBe("PNG");
  });

  it("what is not there is undefined", () => {
    const { birthDate, number, expires, securityCode, eraYear } = FICTIONAL_HOLDER;
    const bare = decodeFace(encodeFace({ birthDate, number, expires, securityCode, eraYear }));
    expect([bare.name, bare.address, bare.photo, bare.sex]).toEqual([undefined, undefined, undefined, undefined]);
    expect(bare.securityCode).toBeDefined();
  });

  it("does not share its bytes with the file", () => {
    const file = encodeFace(FICTIONAL_HOLDER);
    const { photo } = decodeFace(file);
    file.fill(0);
    expect(photo).toEqual(FICTIONAL_HOLDER.photo);
  });

  it("the number's image", () => {
    const image = decodeNumberImage(encodeNumberImage(FICTIONAL_HOLDER));
    expect(
      Buffer.from(image ?? [])
        .subarray(1, 4)
        .toString(),
    ).toBe("PNG");
    expect(decodeNumberImage(encodeTlv({ tag: 0xff40, value: new Uint8Array() }))).toBeUndefined();
  });
});

describe("whatever the bytes", () => {
  const files = [
    encodeAttributes(FICTIONAL_HOLDER),
    encodeNumber(FICTIONAL_HOLDER),
    encodeNumberImage(FICTIONAL_HOLDER),
  ];
  it.each([
    ["attributes", decodeAttributes],
    ["number", decodeNumber],
    ["face", decodeFace],
    ["image of the number", decodeNumberImage],
    ["length", tlvLength],
  ] as const)(
    "%s: a value or MALFORMED, over 10,000 mutated files",
    (_, decode) => {
      expectTotal(decode, [...files, encodeFace(FICTIONAL_HOLDER).subarray(0, 700)], 10_000);
    },
    60_000,
  );
});

it("the length of a file shows in its header", () => {
  expect(tlvLength(fromHex("FF100C 3132"))).toBe(15);
  expect(tlvLength(fromHex("FF208165"))).toBe(105);
  expect(tlvLength(fromHex("FF20821234 00"))).toBe(5 + 0x1234);
  for (const cut of ["FF", "FF20", "FF2082", "FF208212", "FF2080"])
    expect(() => tlvLength(fromHex(cut)), cut).toThrow(malformed);
});
