/**
 * A message to pcscd on its socket, as libpcsclite sends it (winscard_msg.h): a header of two uint32, the length of what
 * follows and the command, then the command's struct, which comes back filled in. Integers are in the machine's own
 * order; on one that is not little-endian pcscd hangs up.
 */

/** MAX_READERNAME, with the NUL at its end. */
export const READER_NAME_BYTES = 128;
const HEADER_BYTES = 8;

/** @param body the command's struct; empty where it has none. */
export function pcscdMessage(command: number, body: Uint8Array): Uint8Array {
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeUInt32LE(body.length, 0);
  header.writeUInt32LE(command, 4);
  return Buffer.concat([header, body]);
}
