/**
 * The photo on the card, JPEG 2000 (ITU-T T.800), as PNG. OpenJPEG does the decoding, in a WebAssembly module of its
 * own for each photo: what is wrong with one stays in there.
 */

import loadOpenJpeg from "@cornerstonejs/codec-openjpeg/decodewasmjs";
import { encode } from "fast-png";
import { ByteReader } from "./bytes.ts";
import { MalformedError, messageOf, TooLargeError } from "./errors.ts";

/** A photo on a card is some hundred pixels wide. */
export const MAX_PHOTO_SIDE = 4096;
/** SOC and SIZ: what a codestream begins with (T.800, A.4.1 and A.5.1). */
const CODESTREAM_START = 0xff4fff51;
/** `jP  `, the type of a JP2 file's first box, and `jp2c`, the one with the codestream (T.800, I.5.1 and I.5.4). */
const [BOX_SIGNATURE, BOX_CODESTREAM] = [0x6a502020, 0x6a703263];
/** Length and type. */
const BOX_HEADER_BYTES = 8;
const MAX_BOXES = 64;
const HINT = "without --png it is saved as it lies on the card";

/**
 * @param photo JP2, or its codestream alone.
 * @returns PNG with 8 bits of grey for a pixel, owned by the caller.
 * @throws MALFORMED for what is no greyscale JPEG 2000; TOO_LARGE over {@link MAX_PHOTO_SIDE}.
 */
export async function photoToPng(photo: Uint8Array): Promise<Uint8Array> {
  requireSize(codestreamOf(photo));
  const { width, height, pixels } = await decodePhoto(photo);
  return encode({ width, height, data: pixels, depth: 8, channels: 1 });
}

async function decodePhoto(photo: Uint8Array): Promise<{ width: number; height: number; pixels: Uint8Array }> {
  const said: string[] = [];
  const print = (line: string) => void said.push(line);
  try {
    const decoder = new (await loadOpenJpeg({ print, printErr: print })).J2KDecoder();
    decoder.getEncodedBuffer(photo.length).set(photo);
    decoder.decode();
    const { width, height, bitsPerSample, componentCount, isSigned } = decoder.getFrameInfo();
    const pixels = new Uint8Array(decoder.getDecodedBuffer());
    const grey = componentCount === 1 && bitsPerSample === 8 && !isSigned;
    if (width > 0 && grey && pixels.length === width * height) return { width, height, pixels };
    if (width > 0) said.push(`${componentCount} components of ${bitsPerSample} bits`);
  } catch (cause) {
    throw new MalformedError(`decode the photo: ${messageOf(cause)}`, { hint: HINT, cause });
  }
  throw new MalformedError(`decode the photo: ${said.at(-1) ?? "nothing came of it"}`, { hint: HINT });
}

/** From the codestream's start on. @throws MALFORMED */
function codestreamOf(photo: Uint8Array): ByteReader {
  const reader = new ByteReader(photo, "photo");
  const first = reader.u32("start");
  if (first === CODESTREAM_START) return reader;
  const boxes = new ByteReader(photo, "photo");
  for (let count = 0; count < MAX_BOXES; count++) {
    const length = boxes.u32("box length");
    const type = boxes.u32("box type");
    if (count === 0 && type !== BOX_SIGNATURE) break;
    if (type === BOX_CODESTREAM) {
      if (boxes.u32("codestream") !== CODESTREAM_START) break;
      return boxes;
    }
    // 0: to the end of the file; 1: a length of eight bytes follows. Neither stands before a small photo.
    if (length < BOX_HEADER_BYTES) break;
    boxes.bytes("box", length - BOX_HEADER_BYTES);
  }
  throw new MalformedError("decode the photo: it is no JPEG 2000", { hint: HINT });
}

/** The size that the codestream announces (T.800, table A.9), before anything is allocated for it. */
function requireSize(reader: ByteReader): void {
  reader.bytes("Lsiz and Rsiz", 4);
  const [width, height] = [reader.u32("Xsiz"), reader.u32("Ysiz")];
  if (width > MAX_PHOTO_SIDE || height > MAX_PHOTO_SIDE)
    throw new TooLargeError(`decode the photo: ${width} by ${height} pixels, the limit is ${MAX_PHOTO_SIDE}`);
}
