/** Response APDUs (ISO/IEC 7816-3:2006, 12.1.2): `[data] SW1 SW2`. */

import { ByteReader, ByteWriter } from "../bytes.ts";
import { MalformedError } from "../errors.ts";

export interface ResponseApdu {
  /** 0 to 65536 bytes. */
  readonly data: Uint8Array;
  /** SW1 SW2 as one number, 0x0000 to 0xFFFF. */
  readonly sw: number;
}

const STATUS_BYTES = 2;

/** `data` is a view of the input. @throws MALFORMED for less than a status word. */
export function decodeResponse(bytes: Uint8Array): ResponseApdu {
  if (bytes.length < STATUS_BYTES)
    throw new MalformedError(`response APDU: ${bytes.length} bytes, a status word has ${STATUS_BYTES}`);
  const reader = new ByteReader(bytes, "response APDU");
  const data = reader.bytes("data", bytes.length - STATUS_BYTES);
  return { data, sw: reader.u16("status word") };
}

/** The inverse of {@link decodeResponse}: a fresh array owned by the caller. @throws RangeError over 16 bits of `sw`. */
export function encodeResponse(response: ResponseApdu): Uint8Array {
  return new ByteWriter().bytes(response.data).u16(response.sw).finish();
}
