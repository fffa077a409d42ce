/**
 * Attributes on the wire. A template (`aA`) is
 *
 *     uint32 count · ( uint32 type · byte valid · if valid: uint32 length · value )[count]
 *
 * where the type alone decides what the value is (a table fixed in all versions of p11-kit), and `length` is that of
 * the value in a 64-bit program's memory. What is asked for (`fA`) is
 *
 *     uint32 count · ( uint32 type · uint32 room · what is asked for of a template )[count]
 *
 * where the last is there for no template in p11-kit to 0.25.3, for each one in 0.25.4 and 0.25.5, and from 0.25.6 on for
 * those with room (observed).
 */

import { ByteReader, type ByteWriter } from "../bytes.ts";
import { MalformedError, TooLargeError } from "../errors.ts";
import { CKA_ALLOWED_MECHANISMS, CKA_DERIVE_TEMPLATE, CKA_UNWRAP_TEMPLATE, CKA_WRAP_TEMPLATE } from "./constants.ts";
import type { Attribute, AttributeRoom, AttributeValue } from "./values.ts";
import { MAX_ATTRIBUTES, MAX_TEMPLATE_DEPTH, readByteArray, readCount, readUlong, writeUlong } from "./wire.ts";

type Form = "bool" | "ulong" | "mechanisms" | "template" | "bytes";

const BOOLS = new Set([
  0x001, 0x002, 0x086, 0x103, 0x104, 0x105, 0x106, 0x107, 0x108, 0x109, 0x10a, 0x10b, 0x10c, 0x162, 0x163, 0x164, 0x165,
  0x170, 0x171, 0x200, 0x202, 0x210, 0x301, 0x302, 0x405,
]);
const ULONGS = new Set([
  0x000, 0x080, 0x087, 0x088, 0x100, 0x121, 0x133, 0x134, 0x160, 0x161, 0x166, 0x201, 0x300, 0x400, 0x401, 0x402, 0x403,
  0x404, 0x406, 0x500,
]);
const TEMPLATES = new Set([CKA_WRAP_TEMPLATE, CKA_UNWRAP_TEMPLATE, CKA_DERIVE_TEMPLATE]);

/** Bytes of CK_ULONG and CK_ATTRIBUTE in a 64-bit program. */
const ULONG_BYTES = 8;
const ATTRIBUTE_BYTES = 24;
/** The least that an attribute takes on the wire: type and validity; type and room. */
const LEAST_ATTRIBUTE = 5;
const LEAST_ROOM = 8;

/** Whether a template with this room is followed by what is asked for of it. */
type RoomForm = (room: number) => boolean;
/** The latest first. */
const ROOM_FORMS = [(room: number) => room > 0, () => true, () => false] as const;

/** Attributes that one request may still hold. */
interface Budget {
  left: number;
}

/** Bytes are views. @throws MALFORMED; TOO_LARGE over {@link MAX_ATTRIBUTES}. */
export function readAttributes(reader: ByteReader): readonly Attribute[] {
  return readTemplate(reader, { left: MAX_ATTRIBUTES }, 0);
}

/** @throws TypeError, RangeError for values that their type does not have. */
export function writeAttributes(writer: ByteWriter, attributes: readonly Attribute[]): void {
  writer.u32(attributes.length);
  for (const { type, value } of attributes) {
    writer.u32(type).bool(value !== undefined);
    if (value === undefined) continue;
    const checked = checkedValue(type, value);
    writer.u32(lengthOf(checked));
    writeValue(writer, checked);
  }
}

/**
 * To be called for a request's last field: which of the three forms it has is told by their length alone. What is asked
 * for of a template is read and left out: no token of ours has one.
 *
 * @throws as {@link readAttributes}.
 */
export function readAttributeRooms(reader: ByteReader): readonly AttributeRoom[] {
  const bytes = reader.rest();
  for (const form of ROOM_FORMS) {
    const rooms = exactRooms(bytes, form);
    if (rooms !== undefined) return rooms;
  }
  return readRooms(roomReader(bytes), ROOM_FORMS[0], { left: MAX_ATTRIBUTES }, 0);
}

function formOf(type: number): Form {
  if (BOOLS.has(type)) return "bool";
  if (ULONGS.has(type)) return "ulong";
  if (type === CKA_ALLOWED_MECHANISMS) return "mechanisms";
  return TEMPLATES.has(type) ? "template" : "bytes";
}

function readTemplate(reader: ByteReader, budget: Budget, depth: number): readonly Attribute[] {
  const count = takeCount(reader, budget, depth, LEAST_ATTRIBUTE);
  return Array.from({ length: count }, () => {
    const type = reader.u32("attribute type");
    if (!reader.bool("attribute valid")) return { type, value: undefined };
    reader.u32("attribute length"); // what counts is the value; a 32-bit program has another length
    return { type, value: readValue(reader, type, budget, depth) };
  });
}

function readValue(reader: ByteReader, type: number, budget: Budget, depth: number): AttributeValue {
  switch (formOf(type)) {
    case "bool":
      return reader.bool("attribute");
    case "ulong":
      return readUlong(reader, "attribute");
    case "mechanisms":
      return Array.from({ length: readCount(reader, "mechanisms", ULONG_BYTES) }, () => readUlong(reader, "mechanism"));
    case "template":
      return readTemplate(reader, budget, depth + 1);
    case "bytes":
      return readByteArray(reader, "attribute") ?? new Uint8Array();
  }
}

/** @returns undefined if the bytes do not have this form, with nothing after it. */
function exactRooms(bytes: Uint8Array, form: RoomForm): readonly AttributeRoom[] | undefined {
  const reader = roomReader(bytes);
  try {
    const rooms = readRooms(reader, form, { left: MAX_ATTRIBUTES }, 0);
    return reader.remaining === 0 ? rooms : undefined;
  } catch (error) {
    if (error instanceof MalformedError || error instanceof TooLargeError) return undefined;
    throw error;
  }
}

function roomReader(bytes: Uint8Array): ByteReader {
  return new ByteReader(bytes, "attributes asked for");
}

function readRooms(reader: ByteReader, form: RoomForm, budget: Budget, depth: number): readonly AttributeRoom[] {
  const count = takeCount(reader, budget, depth, LEAST_ROOM);
  return Array.from({ length: count }, () => {
    const type = reader.u32("attribute type");
    const room = reader.u32("attribute room");
    if (formOf(type) === "template" && form(room)) readRooms(reader, form, budget, depth + 1);
    return { type, room };
  });
}

function takeCount(reader: ByteReader, budget: Budget, depth: number, eachBytes: number): number {
  if (depth > MAX_TEMPLATE_DEPTH)
    throw new MalformedError(`attributes: templates within each other, more than ${MAX_TEMPLATE_DEPTH}`);
  const count = readCount(reader, "attributes", eachBytes, budget.left);
  budget.left -= count;
  return count;
}

/** Bytes of the value in a 64-bit program's memory: its ulValueLen. */
function lengthOf(checked: CheckedValue): number {
  switch (checked.form) {
    case "bool":
      return 1;
    case "ulong":
      return ULONG_BYTES;
    case "mechanisms":
      return checked.value.length * ULONG_BYTES;
    case "template":
      return checked.value.length * ATTRIBUTE_BYTES;
    case "bytes":
      return checked.value.length;
  }
}

function writeValue(writer: ByteWriter, checked: CheckedValue): void {
  switch (checked.form) {
    case "bool":
      writer.bool(checked.value);
      return;
    case "ulong":
      writeUlong(writer, checked.value);
      return;
    case "mechanisms":
      writer.u32(checked.value.length);
      for (const mechanism of checked.value) writeUlong(writer, mechanism);
      return;
    case "template":
      writeAttributes(writer, checked.value);
      return;
    case "bytes":
      writer.string(checked.value);
      return;
  }
}

type CheckedValue =
  | { readonly form: "bool"; readonly value: boolean }
  | { readonly form: "ulong"; readonly value: number }
  | { readonly form: "mechanisms"; readonly value: readonly number[] }
  | { readonly form: "template"; readonly value: readonly Attribute[] }
  | { readonly form: "bytes"; readonly value: Uint8Array };

function checkedValue(type: number, value: AttributeValue): CheckedValue {
  const form = formOf(type);
  if (form === "bool" && typeof value === "boolean") return { form, value };
  if (form === "ulong" && typeof value === "number") return { form, value };
  if (form === "mechanisms" && isNumbers(value)) return { form, value };
  if (form === "template" && isTemplate(value)) return { form, value };
  if (form === "bytes" && value instanceof Uint8Array) return { form, value };
  throw new TypeError(`attribute 0x${type.toString(16)} is of the form ${form}`);
}

function isNumbers(value: AttributeValue): value is readonly number[] {
  return Array.isArray(value) && value.every((item) => typeof item === "number");
}

function isTemplate(value: AttributeValue): value is readonly Attribute[] {
  return Array.isArray(value) && value.every((item) => typeof item === "object");
}
