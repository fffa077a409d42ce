/**
 * How many programs are connected to a card: pcscd tells it with its readers' states to whoever asks on its socket, but
 * no function of PC/SC passes it on.
 *
 * The request is CMD_GET_READERS_STATE of winscard_msg.h, unchanged from pcsc-lite 1.6 to 2.3: it has no struct, and is
 * answered by 16 READER_STATEs.
 */

import { connect } from "node:net";
import { pcscdMessage, READER_NAME_BYTES } from "./pcscd-message.ts";

const CMD_GET_READERS_STATE = 0x12;
const READERS = 16;
/** readerName[128], eventCounter, readerState, readerSharing, cardAtr[33] with 3 bytes of filler, its length, protocol. */
const STATE_BYTES = 184;
const SHARING_OFFSET = 136;
const WITHIN_MS = 1000;

/**
 * @param path of the service's socket.
 * @returns undefined where it is not told; -1 for an exclusive connection. Never rejects.
 */
export function connectionsTo(reader: string, path: string): Promise<number | undefined> {
  return new Promise((resolve) => {
    const socket = connect(path);
    let states = Buffer.alloc(0);
    socket.setTimeout(WITHIN_MS, () => socket.destroy());
    socket.once("connect", () => socket.write(pcscdMessage(CMD_GET_READERS_STATE, new Uint8Array())));
    socket.on("data", (chunk: Buffer) => {
      states = Buffer.concat([states, chunk]);
      // Its hanging up tells that its end of the connection is gone too.
      if (states.length >= READERS * STATE_BYTES) socket.end();
    });
    socket.on("error", () => {}); // told by "close"
    socket.once("close", () =>
      resolve(states.length === READERS * STATE_BYTES ? sharingOf(reader, states) : undefined),
    );
  });
}

function sharingOf(reader: string, states: Buffer): number | undefined {
  for (let start = 0; start < states.length; start += STATE_BYTES) {
    const [name] = states.toString("utf8", start, start + READER_NAME_BYTES).split("\0");
    if (name === reader) return states.readInt32LE(start + SHARING_OFFSET);
  }
  return undefined;
}
