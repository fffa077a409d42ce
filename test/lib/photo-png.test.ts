import fc from "fast-check";
import { decode } from "fast-png";
import { describe, expect, it } from "vitest";
import { JpkiError } from "../../lib/errors.ts";
import { photoToPng } from "../../lib/photo-png.ts";
import { FICTIONAL_PHOTO } from "../../lib/virtual-card/photo.ts";
import { drawnPhoto, PHOTO_HEIGHT, PHOTO_WIDTH } from "../helpers/drawn-photo.ts";
import { mutated } from "../helpers/mutations.ts";

/** Where `FF4F FF51` begins. */
const CODESTREAM = FICTIONAL_PHOTO.findIndex((byte, i) => byte === 0xff && FICTIONAL_PHOTO[i + 1] === 0x4f);
const malformed = expect.objectContaining({ code: "MALFORMED" });

/** How far an 8-bit greyscale PNG is from what was drawn, root mean square in shades. */
function distance(png: Uint8Array): number {
  const { width, height, channels, depth, data } = decode(png);
  expect([width, height, channels, depth]).toEqual([PHOTO_WIDTH, PHOTO_HEIGHT, 1, 8]);
  const squares = drawnPhoto().reduce((sum, drawn, i) => sum + (drawn - (data[i] ?? 0)) ** 2, 0);
  return Math.sqrt(squares / (width * height));
}

describe("a photo as PNG", () => {
  it("is what was drawn, but for what the compression cost", async () => {
    expect(distance(await photoToPng(FICTIONAL_PHOTO))).toBeLessThan(1.5);
  });

  it("from the codestream alone", async () => {
    expect(distance(await photoToPng(FICTIONAL_PHOTO.subarray(CODESTREAM)))).toBeLessThan(1.5);
  });

  it("leaves nothing behind in the process", async () => {
    await photoToPng(FICTIONAL_PHOTO);
    expect(process.listenerCount("uncaughtException")).toBeLessThanOrEqual(1); // vitest's own
  });
});

describe("what is no photo", () => {
  it.each([
    ["nothing", new Uint8Array()],
    ["a JPEG", Uint8Array.of(0xff, 0xd8, 0xff, 0xe0, 0, 0, 0, 0, 0, 0, 0, 0)],
    ["a PNG", Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0, 0, 0, 0)],
    ["one without its end", FICTIONAL_PHOTO.subarray(0, 2000)],
    ["one without its beginning", FICTIONAL_PHOTO.subarray(40)],
    [
      "boxes without end",
      Uint8Array.from([...FICTIONAL_PHOTO.subarray(0, 12), ...Array(80).fill([0, 0, 0, 8]).flat()]),
    ],
  ])("%s is MALFORMED", async (_, bytes) => {
    await expect(photoToPng(bytes)).rejects.toEqual(malformed);
  });

  it("a size that no card has is refused before it is decoded", async () => {
    const huge = FICTIONAL_PHOTO.slice();
    huge.set([0, 1, 0, 0], CODESTREAM + 8);
    await expect(photoToPng(huge)).rejects.toMatchObject({ code: "TOO_LARGE" });
  });

  it("200 damaged ones: a picture or an error of ours", async () => {
    const photos = [FICTIONAL_PHOTO, FICTIONAL_PHOTO.subarray(CODESTREAM)];
    await fc.assert(
      fc.asyncProperty(mutated(photos), async (bytes) => {
        const outcome = await photoToPng(bytes).catch((error: unknown) => error);
        if (outcome instanceof Error) expect(outcome).toBeInstanceOf(JpkiError);
      }),
      { numRuns: 200 },
    );
  }, 60_000);
});
