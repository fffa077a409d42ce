/**
 * The photo of the virtual card, as it was drawn: a head and shoulders of circles in shades of grey, nobody's face.
 *
 * lib/virtual-card/photo.ts holds it as JPEG 2000, made of this by:
 * `esbuild test/helpers/drawn-photo.ts --bundle --format=esm > /tmp/p.mjs`, a program that imports it and writes
 * {@link drawnPhotoAsPgm} to face.pgm, and `opj_compress -i face.pgm -o face.jp2 -q 50` (OpenJPEG 2.5).
 */

export const PHOTO_WIDTH = 192;
export const PHOTO_HEIGHT = 240;

/** One byte for a pixel, row by row; 0 is black. */
export function drawnPhoto(): Uint8Array {
  const pixels = new Uint8Array(PHOTO_WIDTH * PHOTO_HEIGHT);
  for (let y = 0; y < PHOTO_HEIGHT; y++)
    for (let x = 0; x < PHOTO_WIDTH; x++) pixels[y * PHOTO_WIDTH + x] = shadeAt(x, y);
  return pixels;
}

/** PGM, binary form (netpbm). */
export function drawnPhotoAsPgm(): Uint8Array {
  const header = new TextEncoder().encode(`P5\n${PHOTO_WIDTH} ${PHOTO_HEIGHT}\n255\n`);
  const pgm = new Uint8Array(header.length + PHOTO_WIDTH * PHOTO_HEIGHT);
  pgm.set(header);
  pgm.set(drawnPhoto(), header.length);
  return pgm;
}

/** From the front to the back: pupils, eyes, mouth, head, hair, shoulders, a background that darkens downwards. */
function shadeAt(x: number, y: number): number {
  const inside = (cx: number, cy: number, rx: number, ry: number) => ((x - cx) / rx) ** 2 + ((y - cy) / ry) ** 2 <= 1;
  if (inside(76, 104, 4, 5) || inside(116, 104, 4, 5)) return 20;
  if (inside(76, 104, 11, 7) || inside(116, 104, 11, 7)) return 245;
  if (inside(96, 148, 20, 7) && y > 147) return 90;
  if (inside(96, 112, 48, 62) && y > 72) return 190 + Math.round(20 * Math.cos((x - 96) / 40));
  if (inside(96, 104, 58, 72)) return 45;
  if (inside(96, 252, 88, 72)) return 110;
  return 235 - Math.round(y / 8);
}
