/**
 * Command APDUs (ISO/IEC 7816-3:2006, 12.1): `CLA INS P1 P2 [Lc data] [Le]`.
 *
 * The seven forms: 1 (no body), 2S/2E (Le), 3S/3E (Lc data), 4S/4E (Lc data Le); S short, E extended. A caller states
 * what it wants, {@link encodeCommand} alone chooses the form.
 */

import { ByteReader, ByteWriter } from "../bytes.ts";
import { MalformedError } from "../errors.ts";

export interface CommandApdu {
  readonly cla: number;
  readonly ins: number;
  readonly p1: number;
  readonly p2: number;
  /** 1 to 65535 bytes; absent or empty means no Lc field. */
  readonly data?: Uint8Array | undefined;
  /** Most response bytes wanted, 1 to 65536; absent when no answer is expected. */
  readonly maxResponse?: number | undefined;
}

export type CardProtocol = "T=0" | "T=1";

export interface DecodedCommand {
  /** `data` is a view of the input. */
  readonly command: CommandApdu;
  /** Whether Lc or Le had the extended form. */
  readonly extended: boolean;
}

export const INS_VERIFY = 0x20;
export const INS_CHANGE_REFERENCE_DATA = 0x24;
export const INS_PERFORM_SECURITY_OPERATION = 0x2a;
export const INS_SELECT = 0xa4;
export const INS_READ_BINARY = 0xb0;
export const INS_GET_RESPONSE = 0xc0;

const HEADER_BYTES = 4;
const MAX_SHORT_DATA = 0xff;
const MAX_SHORT_RESPONSE = 0x100;
const MAX_EXTENDED_RESPONSE = 0x10000;

/**
 * The bytes for a card, a fresh array owned by the caller. Lc and Le are both short or both extended.
 *
 * T=0 sends P3 in every command (00 in case 1) and has no Le beside data: the card announces its answer with 61xx
 * (ISO/IEC 7816-3, 12.2).
 *
 * @throws RangeError for a field out of its range, and for lengths that T=0 cannot carry.
 */
export function encodeCommand(command: CommandApdu, protocol: CardProtocol): Uint8Array {
  const data = command.data ?? new Uint8Array(0);
  const { maxResponse } = command;
  if (maxResponse !== undefined && !isResponseLength(maxResponse))
    throw new RangeError(`maxResponse ${maxResponse} is not in 1 to ${MAX_EXTENDED_RESPONSE}`);
  const extended = data.length > MAX_SHORT_DATA || (maxResponse ?? 0) > MAX_SHORT_RESPONSE;
  if (extended && protocol === "T=0") throw new RangeError("T=0 has no extended lengths");

  const writer = new ByteWriter().u8(command.cla).u8(command.ins).u8(command.p1).u8(command.p2);
  if (protocol === "T=0" && data.length === 0 && maxResponse === undefined) return writer.u8(0).finish();
  if (extended) writer.u8(0);
  if (data.length > 0) (extended ? writer.u16(data.length) : writer.u8(data.length)).bytes(data);
  if (maxResponse !== undefined && !(protocol === "T=0" && data.length > 0)) {
    if (extended) writer.u16(maxResponse & 0xffff);
    else writer.u8(maxResponse & 0xff);
  }
  return writer.finish();
}

/**
 * The card's side of {@link encodeCommand}, for T=1 and for the forms of T=0 (whose case 1 reads as case 2 with 256).
 *
 * @throws MALFORMED for anything but exactly one of the seven forms.
 */
export function decodeCommand(bytes: Uint8Array): DecodedCommand {
  const reader = new ByteReader(bytes, "command APDU");
  const header = { cla: reader.u8("CLA"), ins: reader.u8("INS"), p1: reader.u8("P1"), p2: reader.u8("P2") };
  if (reader.remaining === 0) return { command: header, extended: false };
  const first = reader.u8("P3");
  if (reader.remaining === 0)
    return { command: { ...header, maxResponse: first === 0 ? MAX_SHORT_RESPONSE : first }, extended: false };

  const extended = first === 0;
  const length = extended ? reader.u16("extended length") : first;
  if (extended && reader.remaining === 0)
    return { command: { ...header, maxResponse: length === 0 ? MAX_EXTENDED_RESPONSE : length }, extended };
  if (length === 0) throw new MalformedError("command APDU: Lc is 0");
  const data = reader.bytes("data", length);
  if (reader.remaining === 0) return { command: { ...header, data }, extended };
  const le = extended ? reader.u16("extended Le") : reader.u8("Le");
  reader.end();
  const most = extended ? MAX_EXTENDED_RESPONSE : MAX_SHORT_RESPONSE;
  return { command: { ...header, data, maxResponse: le === 0 ? most : le }, extended };
}

/**
 * Whether the command can carry a PIN, whatever its CLA: VERIFY 20/21, CHANGE REFERENCE DATA 24/25, DISABLE and ENABLE
 * VERIFICATION REQUIREMENT 26/28, RESET RETRY COUNTER 2C/2D (ISO/IEC 7816-4:2020, table 4).
 */
export function carriesPin(bytes: Uint8Array): boolean {
  return PIN_INSTRUCTIONS.has(bytes[1] ?? 0);
}

const PIN_INSTRUCTIONS: ReadonlySet<number> = new Set([0x20, 0x21, 0x24, 0x25, 0x26, 0x28, 0x2c, 0x2d]);

/**
 * One line for a trace: all bytes as hexadecimal, but of a command that {@link carriesPin} only the header and the
 * length of what follows: `00 20 00 98 Lc=04 [hidden]`. Takes any bytes, also such as are no command.
 */
export function describeCommand(bytes: Uint8Array): string {
  if (!carriesPin(bytes) || bytes.length <= HEADER_BYTES) return hexPairs(bytes);
  return `${hexPairs(bytes.subarray(0, HEADER_BYTES))} ${describeBody(bytes)}`;
}

/** The length of the data, where the bytes are a command; else not even that can be told from a PIN. */
function describeBody(bytes: Uint8Array): string {
  try {
    const length = decodeCommand(bytes).command.data?.length ?? 0;
    const lc = `Lc=${length.toString(16).toUpperCase().padStart(2, "0")}`;
    return length > 0 ? `${lc} [hidden]` : lc;
  } catch {
    // Not a command: its header is all that is safe to show.
    return "[hidden]";
  }
}

function isResponseLength(value: number): boolean {
  return Number.isInteger(value) && value >= 1 && value <= MAX_EXTENDED_RESPONSE;
}

function hexPairs(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).toUpperCase().padStart(2, "0")).join(" ");
}
