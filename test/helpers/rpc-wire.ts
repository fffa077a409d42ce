/** The client's half of p11-kit's RPC protocol, in the forms of its versions: requests to bytes, responses to values. */

import { ByteReader, ByteWriter } from "../../lib/bytes.ts";
import { readAttributes, writeAttributes } from "../../lib/p11/attributes.ts";
import {
  type Args,
  CALLS,
  type CallName,
  type RequestValues,
  type ResponseValues,
  type Result,
} from "../../lib/p11/calls.ts";
import type { Mechanism } from "../../lib/p11/values.ts";
import { readByteArray, readUlong, writeUlong } from "../../lib/p11/wire.ts";

/** Where they differ: mechanisms (0.25.6), input that is not there (0.25). */
export const RPC_STYLES = ["0.24", "0.25", "0.26"] as const;
export type RpcStyle = (typeof RPC_STYLES)[number];

const NULL_LENGTH = 0xffffffff;

/** A request's body. */
export function encodeRpcRequest<C extends CallName>(call: C, args: Args<C>, style: RpcStyle = "0.24"): Uint8Array {
  const { id, request } = CALLS[call];
  const writer = new ByteWriter().u32(id).string(request);
  const values: readonly RequestValues[RequestLetter][] = args;
  lettersOf(request, WRITE).forEach((letter, at) => {
    write(writer, letter, values[at], style);
  });
  return writer.finish();
}

/** A request's frame, as p11-kit-client.so sends it. */
export function rpcRequestFrame(code: number, body: Uint8Array, options = "client"): Uint8Array {
  return new ByteWriter()
    .u32(code)
    .u32(options.length)
    .u32(body.length)
    .bytes(new TextEncoder().encode(options))
    .bytes(body)
    .finish();
}

export type RpcReply<C extends CallName> = { readonly rv: number } | { readonly values: Result<C> };

/** @throws JpkiError, Error for what p11-kit would take for a broken answer. */
export function decodeRpcReply<C extends CallName>(call: C, body: Uint8Array): RpcReply<C> {
  const reader = new ByteReader(body, `response to ${call}`);
  const id = reader.u32("call id");
  const signature = reader.text("signature", 64);
  if (id === 0 && signature === "u") {
    const rv = readUlong(reader, "rv");
    reader.end();
    if (rv === 0) throw new Error("an error CKR_OK");
    return { rv };
  }
  if (id !== CALLS[call].id || signature !== CALLS[call].response)
    throw new Error(`${call} was answered as call ${id} with "${signature}"`);
  const values = lettersOf(signature, READ).map((letter) => READ[letter](reader));
  reader.end();
  return { values: values as unknown as Result<C> };
}

type RequestLetter = keyof RequestValues;
type ResponseLetter = keyof ResponseValues;

const WRITE: {
  readonly [L in RequestLetter]: (writer: ByteWriter, value: RequestValues[L], style: RpcStyle) => void;
} = {
  y: (writer, value) => writer.u8(value),
  u: writeUlong,
  ay: (writer, value, style) => {
    if (value !== undefined) writer.bool(true).string(value);
    else if (style === "0.24") writer.bool(false).u32(0);
    else writer.bool(true).u32(NULL_LENGTH);
  },
  fy: (writer, room) => writer.u32(room),
  fu: (writer, room) => writer.u32(room),
  fA: (writer, rooms) => {
    writer.u32(rooms.length);
    for (const { type, room } of rooms) writer.u32(type).u32(room);
  },
  aA: writeAttributes,
  M: writeMechanism,
};

const READ: { readonly [L in ResponseLetter]: (reader: ByteReader) => ResponseValues[L] } = {
  u: (reader) => readUlong(reader, "number"),
  v: (reader) => ({ major: reader.u8("major"), minor: reader.u8("minor") }),
  s: (reader) => new TextDecoder().decode(readByteArray(reader, "text")),
  ay: (reader) => {
    if (!reader.bool("there")) return { needed: reader.u32("needed") };
    return new Uint8Array(readByteArray(reader, "bytes") ?? []);
  },
  au: (reader) => {
    const there = reader.bool("there");
    const count = reader.u32("count");
    return there ? Array.from({ length: count }, () => readUlong(reader, "number")) : { needed: count };
  },
  aA: readAttributes,
};

function write<L extends RequestLetter>(writer: ByteWriter, letter: L, value: RequestValues[L], style: RpcStyle): void {
  WRITE[letter](writer, value, style);
}

function writeMechanism(writer: ByteWriter, mechanism: Mechanism | undefined, style: RpcStyle): void {
  if (mechanism === undefined) {
    writer.u32(style === "0.26" ? NULL_LENGTH : 0);
    return;
  }
  const { type, parameter } = mechanism;
  writer.u32(type);
  if (parameter.kind === "none") {
    if (style !== "0.26") writer.u32(NULL_LENGTH);
    return;
  }
  if (style === "0.26") writer.u8(1);
  if (parameter.kind === "other") {
    writer.bytes(parameter.bytes);
    return;
  }
  for (const number of [parameter.hash, parameter.mgf, parameter.saltLength]) writeUlong(writer, number);
}

/** `uayfy` is u, ay, fy. @throws TypeError for letters that only calls of no use to us have. */
function lettersOf<L extends string>(signature: string, known: Readonly<Record<L, unknown>>): readonly L[] {
  const isKnown = (letter: string): letter is L => letter in known;
  return (signature.match(/[af]?./g) ?? []).map((letter) => {
    if (!isKnown(letter)) throw new TypeError(`"${letter}" in "${signature}"`);
    return letter;
  });
}
