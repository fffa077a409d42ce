/**
 * Files of the text and the surface application: one BER-TLV object that holds others, then filler (card.md).
 *
 * The objects are taken by their tags, in any order. The table of offsets that some files begin with (`DF21`) says the
 * same a second time and is not used: lengths are what is checked. What is not there is undefined; what is there must
 * have its form.
 */

import { CardStatusError, MalformedError } from "../errors.ts";
import { SW_FILE_NOT_FOUND, SW_SECURITY_STATUS } from "../iso7816/status-word.ts";
import { decodeTlv, tlvLength } from "../iso7816/tlv.ts";
import type { CardApplication } from "./application.ts";
import type { TaggedFile } from "./files.ts";
import { type ReadProgress, readFile } from "./read-file.ts";

/** A day as the card writes it, `YYYYMMDD`. Parts that are not known (`00`) are undefined. */
export interface CardDate {
  /** As it stands on the card. */
  readonly raw: string;
  /** Gregorian. */
  readonly year?: number | undefined;
  readonly month?: number | undefined;
  readonly day?: number | undefined;
}

export type Sex = "male" | "female" | "unknown";

/** The objects of a file by their tag; values are views of its bytes. */
export type TaggedFields = ReadonlyMap<number, Uint8Array>;

/**
 * The file without its filler, owned by the caller. The PIN that opens it must be verified.
 *
 * @param what for errors: `read the attributes`.
 * @throws CardStatusError, 6982 with `details.problem` `not-opened` where another PIN would be needed; MALFORMED.
 */
export async function readTaggedFile(
  app: CardApplication,
  file: TaggedFile,
  what: string,
  onProgress?: ReadProgress | undefined,
): Promise<Uint8Array> {
  const found = await readFile(app, file.efId, { sizeOf: tlvLength, onProgress });
  if (found.kind === "data") return found.bytes;
  if (found.kind === "absent") throw new CardStatusError(what, SW_FILE_NOT_FOUND);
  throw new CardStatusError(what, SW_SECURITY_STATUS, {
    hint: "the card accepted what you typed, but opens this file with another PIN only",
    details: { problem: "not-opened" },
  });
}

/** @throws MALFORMED, also for another tag or an object that occurs twice. */
export function decodeTaggedFile(bytes: Uint8Array, tag: number): TaggedFields {
  const { tlv } = decodeTlv(bytes);
  requireTag(tlv.tag, tag);
  const fields = new Map<number, Uint8Array>();
  for (let rest = tlv.value; !isFiller(rest); ) {
    const { tlv: field, length } = decodeTlv(rest);
    if (fields.has(field.tag)) throw new MalformedError(`read a card's file: ${hex(field.tag)} occurs twice`);
    fields.set(field.tag, field.value);
    rest = rest.subarray(length);
  }
  return fields;
}

/** @throws MALFORMED */
export function requireTag(found: number, wanted: number): void {
  if (found !== wanted)
    throw new MalformedError(`read a card's file: it begins with ${hex(found)}, not ${hex(wanted)}`);
}

/** UTF-8; empty is undefined. @throws MALFORMED */
export function textField(fields: TaggedFields, tag: number): string | undefined {
  const value = fields.get(tag);
  if (value === undefined || value.length === 0) return undefined;
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(value);
  } catch (cause) {
    throw new MalformedError(`read a card's file: ${hex(tag)} is not UTF-8`, { cause });
  }
}

/** Digits that are no day of any calendar are unknown parts. @throws MALFORMED for anything but eight digits. */
export function dateField(fields: TaggedFields, tag: number): CardDate | undefined {
  const raw = textField(fields, tag);
  if (raw === undefined) return undefined;
  const [, year, month, day] = /^(\d{4})(\d{2})(\d{2})$/.exec(raw) ?? [];
  if (year === undefined) throw new MalformedError(`read a card's file: ${hex(tag)} is no date of eight digits`);
  return { raw, year: known(Number(year), 9999), month: known(Number(month), 12), day: known(Number(day), 31) };
}

/** `1` male, `2` female; `9` and whatever else there may be: unknown. */
export function sexField(fields: TaggedFields, tag: number): Sex | undefined {
  const raw = textField(fields, tag);
  if (raw === undefined) return undefined;
  return raw === "1" ? "male" : raw === "2" ? "female" : "unknown";
}

/** A copy, owned by the caller; empty is undefined. */
export function bytesField(fields: TaggedFields, tag: number): Uint8Array | undefined {
  const value = fields.get(tag);
  return value === undefined || value.length === 0 ? undefined : new Uint8Array(value);
}

/** Nothing, or zeros or ones alone: behind the last object. */
function isFiller(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte === 0x00) || bytes.every((byte) => byte === 0xff);
}

function known(part: number, max: number): number | undefined {
  return part >= 1 && part <= max ? part : undefined;
}

function hex(tag: number): string {
  return tag.toString(16).toUpperCase();
}
