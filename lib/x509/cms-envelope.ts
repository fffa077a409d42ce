/**
 * Takes the content out of CMS SignedData (RFC 5652, 3 and 5.1): what is left is small and is decoded as a whole, the
 * content has any size and is streamed.
 *
 *     ContentInfo { signedData OID, [0] { SignedData {
 *       version, digestAlgorithms, encapContentInfo { type OID, [0] { OCTET STRING } OPTIONAL }, …rest } } }
 */

import { concatBytes, equalBytes, fromHex } from "../bytes.ts";
import { BerCursor } from "./ber-cursor.ts";
import type { ByteSource } from "./byte-source.ts";
import { derHeader } from "./der-header.ts";

export interface OpenedEnvelope {
  /** The same in DER without its content; owned by the caller. */
  readonly withoutContent: Uint8Array;
  /** The content, read anew by each call; undefined: it is elsewhere. */
  readonly content: (() => AsyncIterable<Uint8Array>) | undefined;
}

/** Certificates, revocation lists and signers together. */
const MAX_REST_BYTES = 1 << 20;
const MAX_FIELD_BYTES = 4096;
const MAX_CHUNK_BYTES = 1 << 20;
/** Those who stream write pieces of a kilobyte or more; of empty ones a file could hold hours of work. */
const MIN_PIECE_BYTES = 256;
const SPARE_PIECES = 1024;
/** Of OCTET STRINGs in one another; those who stream write one level. */
const MAX_DEPTH = 4;

const TAG = { integer: 0x02, octetString: 0x04, oid: 0x06, octetStrings: 0x24, sequence: 0x30, set: 0x31, zero: 0xa0 };
/** Certificates [0], revocation lists [1] and the SET of signers, as their tags. */
const REST = /^(160,)?(161,)?49$/;
const SIGNED_DATA = fromHex("06 09 2a864886f70d010702");
const WHAT = "a CMS signature";

/** @throws MALFORMED, also for bytes after its end; FileError `IO_FAILED`. */
export async function openEnvelope(source: ByteSource): Promise<OpenedEnvelope> {
  const cursor = new BerCursor(source, WHAT);
  const info = await cursor.enter("ContentInfo", TAG.sequence);
  const type = await cursor.value("contentType", TAG.oid, MAX_FIELD_BYTES);
  if (!equalBytes(type, SIGNED_DATA)) throw cursor.fault("it is no SignedData");
  const wrapper = await cursor.enter("content", TAG.zero);
  const signed = await cursor.enter("SignedData", TAG.sequence);
  const version = await cursor.value("version", TAG.integer, MAX_FIELD_BYTES);
  const hashes = await cursor.value("digestAlgorithms", TAG.set, MAX_FIELD_BYTES);
  const encapsulated = await cursor.enter("encapContentInfo", TAG.sequence);
  const eType = await cursor.value("eContentType", TAG.oid, MAX_FIELD_BYTES);
  let contentAt: number | undefined;
  if (!(await cursor.isAtEnd(encapsulated))) {
    const explicit = await cursor.enter("eContent", TAG.zero);
    contentAt = cursor.offset;
    for await (const _ of octetStrings(cursor)); // only to find its end
    await cursor.leave("eContent", explicit);
  }
  await cursor.leave("encapContentInfo", encapsulated);
  const restAt = cursor.offset;
  const tags: number[] = [];
  while (!(await cursor.isAtEnd(signed))) tags.push(await cursor.skipValue("SignedData", restAt + MAX_REST_BYTES));
  const restBytes = cursor.offset - restAt;
  await cursor.leave("SignedData", signed);
  await cursor.leave("content", wrapper);
  await cursor.leave("ContentInfo", info);
  if (cursor.remaining > 0) throw cursor.fault(`${cursor.remaining} bytes after its end`);
  // Whoever decodes it would pass over what comes after the signers.
  if (!REST.test(tags.join())) throw cursor.fault(`it has the fields ${tags.join()}`);
  const rest = await source.read(restAt, restBytes);
  const inner = wrap(TAG.sequence, version, hashes, wrap(TAG.sequence, eType), rest);
  return {
    withoutContent: wrap(TAG.sequence, type, wrap(TAG.zero, inner)),
    content: contentAt === undefined ? undefined : () => chunks(source, contentAt),
  };
}

async function* chunks(source: ByteSource, at: number): AsyncIterable<Uint8Array> {
  const cursor = new BerCursor(source, WHAT, at);
  for await (const { offset, length } of octetStrings(cursor))
    for (let done = 0; done < length; done += MAX_CHUNK_BYTES)
      yield await cursor.read(offset + done, Math.min(MAX_CHUNK_BYTES, length - done));
}

/** Where the bytes of one OCTET STRING are, which may be made of others; the cursor stands after it then. */
async function* octetStrings(
  cursor: BerCursor,
  seen = { pieces: 0, bytes: 0 },
  depth = 0,
): AsyncIterable<{ readonly offset: number; readonly length: number }> {
  const { tag, length } = await cursor.header("content octets");
  seen.pieces++;
  if (tag === TAG.octetString) seen.bytes += length ?? 0;
  if (seen.pieces > SPARE_PIECES + seen.bytes / MIN_PIECE_BYTES)
    throw cursor.fault(`the content is in ${seen.pieces} pieces of ${seen.bytes} bytes together`);
  if (tag === TAG.octetString && length !== undefined) {
    yield { offset: cursor.offset, length };
    cursor.skip(length);
    return;
  }
  if (tag !== TAG.octetStrings || depth === MAX_DEPTH) throw cursor.fault(`the content's octets have the tag ${tag}`);
  const frame = { end: length === undefined ? undefined : cursor.offset + length };
  while (!(await cursor.isAtEnd(frame))) yield* octetStrings(cursor, seen, depth + 1);
  await cursor.leave("content octets", frame);
}

function wrap(tag: number, ...parts: readonly Uint8Array[]): Uint8Array {
  const value = concatBytes(...parts);
  return concatBytes(derHeader(tag, value.length), value);
}
