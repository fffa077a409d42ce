/**
 * Bodies of p11-kit's RPC frames:
 *
 *     uint32 call id · string signature · values, as the signature says
 *
 * An error has call id 0, signature `u` and a CK_RV. Bytes after the last value are ignored, as p11-kit does (observed).
 */

import { ByteReader, ByteWriter } from "../bytes.ts";
import { MalformedError } from "../errors.ts";
import { readAttributeRooms, readAttributes, writeAttributes } from "./attributes.ts";
import {
  type Args,
  CALLS,
  type Call,
  type CallName,
  type RequestValues,
  type ResponseValues,
  type Result,
} from "./calls.ts";
import { CKR_OK } from "./constants.ts";
import { readMechanism } from "./mechanism.ts";
import type { SizeOnly } from "./values.ts";
import { MAX_SIGNATURE_LETTERS, paddedText, readByteArray, readUlong, writeUlong } from "./wire.ts";

const ERROR_ID = 0;
/** "The buffer has length 0", from p11-kit 0.25 on; earlier ones send 0. */
const NO_ROOM = 0xffffffff;
const NAMES: ReadonlyMap<number, CallName> = new Map(names().map((name) => [CALLS[name].id, name]));

/** A request before its values are looked at. */
export interface RpcRequest {
  readonly id: number;
  /** Undefined: a number that is not in the table. */
  readonly call: CallName | undefined;
  readonly signature: string;
  /** A view. */
  readonly values: Uint8Array;
}

/** @throws MALFORMED, TOO_LARGE */
export function decodeRpcRequest(body: Uint8Array): RpcRequest {
  const reader = new ByteReader(body, "PKCS #11 request");
  const id = reader.u32("call id");
  const signature = reader.text("signature", MAX_SIGNATURE_LETTERS);
  return { id, call: NAMES.get(id), signature, values: reader.rest() };
}

/**
 * The values of a request, to be called for what is answered only: a few calls of no use to a token like ours hold what
 * is not read here.
 *
 * @returns views of the body.
 * @throws MALFORMED also for another signature than the table's; TOO_LARGE.
 */
export function decodeArguments<C extends CallName>(call: C, request: RpcRequest): Args<C> {
  const expected = CALLS[call].request;
  // What is there instead is not told: it goes to the log, and in a request of no form it may be anything.
  if (request.signature !== expected) throw new MalformedError(`${call}: the signature is not "${expected}"`);
  const reader = new ByteReader(request.values, call);
  const letters = lettersOf(expected, READ);
  const values = letters.map((letter, at) => READ[letter](reader, fixedBytes(letters.slice(at + 1))));
  return values as unknown as Args<C>;
}

/**
 * A successful response's body.
 *
 * @throws TypeError, RangeError for values that cannot be sent: a defect of the caller.
 */
export function encodeRpcResponse<C extends CallName>(call: C, result: Result<C>): Uint8Array {
  const { id, response, textSizes = [] }: Call = CALLS[call];
  const sizes = [...textSizes];
  const writer = new ByteWriter().u32(id).string(response);
  const values: readonly ResponseValues[ResponseLetter][] = result;
  lettersOf(response, WRITE).forEach((letter, at) => {
    const value = values[at];
    if (value === undefined) throw new TypeError(`${call}: value ${at} is missing`);
    write(writer, letter, value, sizes);
  });
  return writer.finish();
}

/** @param rv not CKR_OK: programs take that for a broken connection. @throws RangeError if it is. */
export function encodeRpcError(rv: number): Uint8Array {
  if (rv === CKR_OK) throw new RangeError("CKR_OK is no error");
  const writer = new ByteWriter().u32(ERROR_ID).string("u");
  writeUlong(writer, rv);
  return writer.finish();
}

type RequestLetter = keyof RequestValues;
type ResponseLetter = keyof ResponseValues;

/** @param bytesAfter what the values after this one take: only a mechanism asks. */
const READ: { readonly [L in RequestLetter]: (reader: ByteReader, bytesAfter: number) => RequestValues[L] } = {
  y: (reader) => reader.u8("byte"),
  u: (reader) => readUlong(reader, "number"),
  ay: readInput,
  fy: readRoom,
  fu: readRoom,
  fA: readAttributeRooms,
  aA: readAttributes,
  M: readMechanism,
};

/** @param textSizes of the texts not written yet. */
const WRITE: {
  readonly [L in ResponseLetter]: (writer: ByteWriter, value: ResponseValues[L], textSizes: number[]) => void;
} = {
  u: writeUlong,
  v: (writer, { major, minor }) => writer.u8(major).u8(minor),
  s: (writer, text, textSizes) => writer.string(paddedText(text, textSizes.shift() ?? 0)),
  ay: (writer, value) => {
    if (isSizeOnly(value)) writer.bool(false).u32(value.needed);
    else writer.bool(true).string(value);
  },
  au: (writer, value) => {
    if (isSizeOnly(value)) {
      writer.bool(false).u32(value.needed);
      return;
    }
    writer.bool(true).u32(value.length);
    for (const number of value) writeUlong(writer, number);
  },
  aA: writeAttributes,
};

/** Nothing and "no pointer" come in three ways: no flag and a length, an empty array, no pointer. */
function readInput(reader: ByteReader): Uint8Array | undefined {
  if (!reader.bool("bytes there")) {
    reader.u32("bytes length");
    return undefined;
  }
  const bytes = readByteArray(reader, "bytes");
  return bytes?.length === 0 ? undefined : bytes;
}

function readRoom(reader: ByteReader): number {
  const room = reader.u32("room");
  return room === NO_ROOM ? 0 : room;
}

function isSizeOnly(value: Uint8Array | readonly number[] | SizeOnly): value is SizeOnly {
  return "needed" in value;
}

function write<L extends ResponseLetter>(writer: ByteWriter, letter: L, value: ResponseValues[L], sizes: number[]) {
  WRITE[letter](writer, value, sizes);
}

/** `uayfy` is u, ay, fy. @throws TypeError for letters of calls that are not for us. */
function lettersOf<L extends string>(signature: string, known: Readonly<Record<L, unknown>>): readonly L[] {
  const isKnown = (letter: string): letter is L => letter in known;
  return (signature.match(/[af]?./g) ?? []).map((letter) => {
    if (!isKnown(letter)) throw new TypeError(`"${letter}" of "${signature}" is in no call that is answered`);
    return letter;
  });
}

/** What numbers take; nothing else follows a mechanism in the calls that are read. */
function fixedBytes(letters: readonly string[]): number {
  return letters.filter((letter) => letter === "u").length * 8;
}

function names(): readonly CallName[] {
  return Object.keys(CALLS).filter((name): name is CallName => name in CALLS);
}
