/**
 * Reading a transparent file with the fewest commands: one extended READ BINARY where card, protocol and reader carry
 * it, else blocks of 256 bytes. How long the file's content is shows in its first block.
 */

import { concatBytes } from "../bytes.ts";
import { CardStatusError, JpkiError, MalformedError, TooLargeError } from "../errors.ts";
import { INS_READ_BINARY } from "../iso7816/command.ts";
import type { ResponseApdu } from "../iso7816/response.ts";
import {
  SW_DONE,
  SW_END_OF_FILE,
  SW_FILE_NOT_FOUND,
  SW_NO_CURRENT_EF,
  SW_SECURITY_STATUS,
  SW_WRONG_PARAMETERS,
} from "../iso7816/status-word.ts";
import { type CardApplication, referenceOf } from "./application.ts";

/** The offset of READ BINARY has 15 bits: nothing lies further (ISO/IEC 7816-4, 11.3.3). */
export const MAX_FILE_BYTES = 0x8000;
/** Most READ BINARY for one file: 128 blocks of 256 make {@link MAX_FILE_BYTES}, the rest is for cards that give less. */
export const MAX_READS = 256;
/** One block with a short Le. */
const SHORT_BLOCK = 0x100;
/** One block with an extended Le: longer than a certificate (about 1500 bytes), shorter than a reader's buffer. */
const EXTENDED_BLOCK = 0x800;
/** SW1 of a card that takes no extended Le: length, INS, CLA, no diagnosis. */
const EXTENDED_REFUSALS: ReadonlySet<number> = new Set([0x67, 0x6c, 0x6d, 0x6e, 0x6f]);

export type FileOutcome =
  /** Fresh bytes from the file's start, as many as were wanted. */
  { readonly kind: "data"; readonly bytes: Uint8Array } | { readonly kind: "needs-pin" } | { readonly kind: "absent" };

export interface ReadFileOptions {
  /** Bytes wanted in all, told from the first ones. May throw. */
  readonly sizeOf: (firstBlock: Uint8Array) => number;
  /** Is told after each block how much has been read, and of how many bytes. */
  readonly onProgress?: ReadProgress | undefined;
}

export type ReadProgress = (bytesRead: number, size: number) => void;

/**
 * @throws CardStatusError; MALFORMED for a file that ends before its size, or answers longer than asked or empty;
 * TOO_LARGE over {@link MAX_FILE_BYTES}; what `sizeOf` and {@link CardChannel.transmit} throw.
 */
export async function readFile(app: CardApplication, efId: number, options: ReadFileOptions): Promise<FileOutcome> {
  const name = `read file ${efId.toString(16).toUpperCase().padStart(4, "0")}`;
  const first = await app.withFile("read", efId, (shortEf) => readBlock(app, shortEf, 0, EXTENDED_BLOCK));
  if (first.sw === SW_FILE_NOT_FOUND) return { kind: "absent" };
  if (first.sw === SW_SECURITY_STATUS) return { kind: "needs-pin" };
  const parts = [blockOf(first, name)];
  const size = options.sizeOf(first.data);
  if (size > MAX_FILE_BYTES) throw new TooLargeError(`${name}: ${size} bytes, the limit is ${MAX_FILE_BYTES}`);

  let length = first.data.length;
  options.onProgress?.(Math.min(length, size), size);
  while (length < size) {
    if (parts.length === MAX_READS) throw new MalformedError(`${name}: ${length} bytes after ${MAX_READS} commands`);
    const next = await readOn(app, efId, length, size - length);
    if (next.sw === SW_WRONG_PARAMETERS) throw new MalformedError(`${name}: it ends after ${length} bytes of ${size}`);
    parts.push(blockOf(next, name));
    length += next.data.length;
    options.onProgress?.(Math.min(length, size), size);
  }
  return { kind: "data", bytes: concatBytes(...parts).slice(0, size) };
}

/** The block at `offset` of the file whose first block has just been read. */
async function readOn(app: CardApplication, efId: number, offset: number, wanted: number): Promise<ResponseApdu> {
  if (app.isCurrent(efId)) {
    const response = await readBlock(app, undefined, offset, wanted);
    if (response.sw !== SW_NO_CURRENT_EF) return response;
  }
  const selected = await app.selectFile(efId);
  return selected.sw === SW_DONE ? readBlock(app, undefined, offset, wanted) : selected;
}

/** One READ BINARY, with an extended Le where that is not known to fail; once more with a short one where it does. */
async function readBlock(
  app: CardApplication,
  shortEf: number | undefined,
  offset: number,
  wanted: number,
): Promise<ResponseApdu> {
  const { channel, features } = app;
  const read = async (maxResponse: number): Promise<ResponseApdu> => {
    const p1 = shortEf === undefined ? offset >>> 8 : referenceOf(shortEf);
    const response = await channel.transmit({ cla: 0x00, ins: INS_READ_BINARY, p1, p2: offset & 0xff, maxResponse });
    if (response.data.length > maxResponse)
      throw new MalformedError(`READ BINARY: ${response.data.length} bytes, asked for ${maxResponse}`);
    return response;
  };

  if (wanted <= SHORT_BLOCK || channel.protocol === "T=0" || features.extendedLength === "no")
    return read(Math.min(wanted, SHORT_BLOCK));
  const asked = Math.min(wanted, EXTENDED_BLOCK);
  if (features.extendedLength === "yes") return read(asked);
  try {
    const response = await read(asked);
    if (isData(response.sw)) features.extendedLength = "yes";
    if (!EXTENDED_REFUSALS.has(response.sw >>> 8)) return response;
  } catch (error) {
    // A reader that cannot carry it may fail instead of answering: the next session must not fall into the same hole.
    if (error instanceof JpkiError && !channel.signal?.aborted) features.extendedLength = "no";
    throw error;
  }
  features.extendedLength = "no";
  return read(SHORT_BLOCK);
}

function blockOf(response: ResponseApdu, name: string): Uint8Array {
  if (!isData(response.sw)) throw new CardStatusError(name, response.sw);
  if (response.data.length === 0) throw new MalformedError(`${name}: the card answered without data`);
  return response.data;
}

function isData(sw: number): boolean {
  return sw === SW_DONE || sw === SW_END_OF_FILE;
}
