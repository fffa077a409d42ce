/**
 * Who holds a virtual card, and the files that say so, in the forms of card.md ("Text application", "Surface
 * application"). The holder is plainly fictional; images are drawn here.
 */

import { randomBytes } from "node:crypto";
import { ByteWriter, concatBytes, utf8 } from "../bytes.ts";
import { ATTRIBUTES_FILE, FACE_FILE, NUMBER_FILE, NUMBER_IMAGE_FILE } from "../card/files.ts";
import { encodeTlv } from "../iso7816/tlv.ts";
import { drawText } from "./drawing.ts";
import { FICTIONAL_PHOTO } from "./photo.ts";

export interface VirtualHolder {
  /** What is undefined is left out of the files. */
  readonly name?: string | undefined;
  readonly address?: string | undefined;
  /** `YYYYMMDD`; unknown parts are `00`. */
  readonly birthDate: string;
  /** `1`, `2` or `9`. */
  readonly sex?: string | undefined;
  /** 12 digits. */
  readonly number: string;
  /** `YYYYMMDD`. */
  readonly expires: string;
  /** 4 digits. */
  readonly securityCode: string;
  /** The year of birth as it is printed on the card, two digits: the era's. */
  readonly eraYear: string;
  /** JPEG 2000. */
  readonly photo?: Uint8Array | undefined;
}

/** Nobody, the same as in the virtual card's certificates; the number is the well-known one of examples. */
export const FICTIONAL_HOLDER: VirtualHolder = {
  name: "見本　花子",
  address: "見本県架空市一丁目２番３号",
  birthDate: "19900401",
  sex: "2",
  number: "123456789018",
  expires: "20320401",
  securityCode: "5678",
  eraYear: "02",
  photo: FICTIONAL_PHOTO,
};

const TABLE_TAG = 0xdf21;
const KEY_BYTES = 256;

/** 照合番号A and B. */
export function codesOf({ number, eraYear, birthDate, expires, securityCode }: VirtualHolder): {
  readonly a: string;
  readonly b: string;
} {
  return { a: number, b: `${eraYear}${birthDate.slice(4)}${expires.slice(0, 4)}${securityCode}` };
}

/** The text application's EF 0001, without filler. */
export function encodeNumber({ number }: VirtualHolder): Uint8Array {
  return encodeTlv({ tag: NUMBER_FILE.tag, value: utf8(number) });
}

/** The text application's EF 0002. */
export function encodeAttributes({ name, address, birthDate, sex }: VirtualHolder): Uint8Array {
  return withTable(ATTRIBUTES_FILE.tag, [
    [0xdf22, text(name)],
    [0xdf23, text(address)],
    [0xdf24, text(birthDate)],
    [0xdf25, text(sex)],
  ]);
}

/** The surface application's EF 0002. Key and signature are noise: nothing here reads them. */
export function encodeFace(holder: VirtualHolder): Uint8Array {
  const { name, address, birthDate, sex, expires, securityCode, photo } = holder;
  return withTable(FACE_FILE.tag, [
    [0xdf22, text(birthDate)],
    [0xdf23, text(sex)],
    [0xdf24, publicKey()],
    [0xdf25, image(name)],
    [0xdf26, image(address)],
    [0xdf27, photo],
    [0xdf28, new Uint8Array(randomBytes(KEY_BYTES))],
    [0xdf29, text(expires)],
    [0xdf2a, image(securityCode)],
  ]);
}

/** The surface application's EF 0005. */
export function encodeNumberImage({ number }: VirtualHolder): Uint8Array {
  const value = concatBytes(
    encodeTlv({ tag: 0xdf41, value: drawText(number) }),
    encodeTlv({ tag: 0xdf42, value: publicKey() }),
    encodeTlv({ tag: 0xdf43, value: new Uint8Array(randomBytes(KEY_BYTES)) }),
  );
  return encodeTlv({ tag: NUMBER_IMAGE_FILE.tag, value });
}

/** The objects behind a table of where each begins, counted from the start of the file; what is undefined is left out. */
function withTable(
  tag: number,
  fields: readonly (readonly [tag: number, value: Uint8Array | undefined])[],
): Uint8Array {
  const objects = fields.flatMap(([own, value]) => (value === undefined ? [] : [encodeTlv({ tag: own, value })]));
  const body = concatBytes(...objects);
  const whole = (table: Uint8Array) =>
    encodeTlv({ tag, value: concatBytes(encodeTlv({ tag: TABLE_TAG, value: table }), body) });
  let at = whole(new Uint8Array(2 * objects.length)).length - body.length;
  const table = new ByteWriter();
  for (const { length } of objects) {
    table.u16(at);
    at += length;
  }
  return whole(table.finish());
}

/** RSA-2048: exponent 65537 and a modulus. */
function publicKey(): Uint8Array {
  return concatBytes(
    encodeTlv({ tag: 0x90, value: Uint8Array.of(1, 0, 1) }),
    encodeTlv({ tag: 0x91, value: new Uint8Array(randomBytes(KEY_BYTES)) }),
  );
}

function text(value: string | undefined): Uint8Array | undefined {
  return value === undefined ? undefined : utf8(value);
}

function image(value: string | undefined): Uint8Array | undefined {
  return value === undefined ? undefined : drawText(value);
}
