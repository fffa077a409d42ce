/**
 * Text drawn as the card's images are: PNG with one bit for a pixel (PNG specification, W3C 2003, "Concepts" and
 * "Chunk specifications"). Digits are legible; of any other character its code point is drawn, in rows of bits.
 */

import { crc32, deflateSync } from "node:zlib";
import { ByteWriter, concatBytes, utf8 } from "../bytes.ts";

/** Pixels of one character, as on a real card's number: 72 by 12 for 12 digits (observed by the author of myna-card). */
const CELL_WIDTH = 6;
const HEIGHT = 12;
const TOP = 2;
const SIGNATURE = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a);

/** Seven rows of five pixels for each digit. */
const DIGITS: readonly (readonly number[])[] = [
  [0x0e, 0x11, 0x13, 0x15, 0x19, 0x11, 0x0e],
  [0x04, 0x0c, 0x04, 0x04, 0x04, 0x04, 0x0e],
  [0x0e, 0x11, 0x01, 0x06, 0x08, 0x10, 0x1f],
  [0x1f, 0x02, 0x04, 0x02, 0x01, 0x11, 0x0e],
  [0x02, 0x06, 0x0a, 0x12, 0x1f, 0x02, 0x02],
  [0x1f, 0x10, 0x1e, 0x01, 0x01, 0x11, 0x0e],
  [0x06, 0x08, 0x10, 0x1e, 0x11, 0x11, 0x0e],
  [0x1f, 0x01, 0x02, 0x04, 0x08, 0x08, 0x08],
  [0x0e, 0x11, 0x11, 0x0e, 0x11, 0x11, 0x0e],
  [0x0e, 0x11, 0x11, 0x0f, 0x01, 0x02, 0x0c],
];

/** A PNG image of the text, black on white. */
export function drawText(text: string): Uint8Array {
  const glyphs = Array.from(text, glyphOf);
  const width = glyphs.length * CELL_WIDTH;
  const rowBytes = 1 + Math.ceil(width / 8); // the filter's byte (0, none), then the pixels
  const rows = new Uint8Array(rowBytes * HEIGHT).fill(0xff);
  for (let y = 0; y < HEIGHT; y++) rows[y * rowBytes] = 0;
  for (const [i, glyph] of glyphs.entries())
    for (const [y, bits] of glyph.entries())
      for (let x = 0; x < 5; x++) {
        const column = i * CELL_WIDTH + x;
        const at = (TOP + y) * rowBytes + 1 + (column >>> 3);
        if (bits & (0x10 >>> x)) rows[at] = (rows[at] ?? 0) & ~(0x80 >>> (column & 7));
      }
  // Width, height, one bit of grey; compression, filter and interlace as the only or simplest ones there are.
  const header = new ByteWriter()
    .u32(width)
    .u32(HEIGHT)
    .bytes(Uint8Array.of(1, 0, 0, 0, 0))
    .finish();
  const pixels = new Uint8Array(deflateSync(rows));
  return concatBytes(SIGNATURE, chunk("IHDR", header), chunk("IDAT", pixels), chunk("IEND", new Uint8Array()));
}

function glyphOf(character: string): readonly number[] {
  const digit = /^[0-9]$/.test(character) ? DIGITS[Number(character)] : undefined;
  const code = character.codePointAt(0) ?? 0;
  return digit ?? [0x1f, code & 0x1f, (code >>> 5) & 0x1f, (code >>> 10) & 0x1f, (code >>> 15) & 0x1f, 0x1f, 0];
}

function chunk(type: string, data: Uint8Array): Uint8Array {
  const named = concatBytes(utf8(type), data);
  return new ByteWriter().u32(data.length).bytes(named).u32(crc32(named)).finish();
}
