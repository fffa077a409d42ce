/**
 * Waits until no other program has a transaction on a reader. A native call would wait inside pcscd, without limit: it
 * can be neither cancelled nor left behind, since the process waits for it even at its own end.
 *
 * Asked on pcscd's socket, as libpcsclite does (winscard_msg.h, unchanged in this from pcsc-lite 1.8.9 to 2.5): pcscd
 * answers SCARD_CONNECT when there is no transaction. The connection is a direct one, which leaves the card as it is,
 * and over at once.
 */

import { connect, type Socket } from "node:net";
import { pcscdMessage, READER_NAME_BYTES } from "./pcscd-message.ts";
import { orAbort } from "./waiting.ts";

const SCARD_ESTABLISH_CONTEXT = 0x01;
const SCARD_CONNECT = 0x04;
const SCARD_DISCONNECT = 0x06;
const SCARD_SHARE_DIRECT = 3;
/** dwScope, hContext, rv. */
const ESTABLISH_BYTES = 12;
const CONTEXT_OFFSET = 4;
/** hContext, szReader[128], dwShareMode, dwPreferredProtocols, hCard, dwActiveProtocol, rv. */
const CONNECT_BYTES = 152;
const NAME_OFFSET = 4;
const SHARE_MODE_OFFSET = 132;
const CARD_OFFSET = 140;
const CONNECT_RV_OFFSET = 148;
/** hCard, dwDisposition (0: SCARD_LEAVE_CARD), rv. */
const DISCONNECT_BYTES = 12;

export class PcscdTransactions {
  readonly #path: string;
  /** One for each reader, however often it is waited for: pcscd keeps a thread for each until the transaction ends. */
  readonly #asking = new Map<string, Promise<void>>();
  readonly #sockets = new Set<Socket>();

  /** @param path of the service's socket. */
  constructor(path: string) {
    this.#path = path;
  }

  /** Resolves when there is none, also where it is not told. @throws the signal's reason as soon as it aborts. */
  async none(reader: string, signal: AbortSignal): Promise<void> {
    const asking = this.#asking.get(reader) ?? this.#ask(reader);
    this.#asking.set(reader, asking);
    await orAbort(asking, signal);
  }

  /** Asks no more. */
  close(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  /** Never rejects. Resolves when pcscd has hung up: its connection to the reader is gone by then. */
  #ask(reader: string): Promise<void> {
    return new Promise((resolve) => {
      const socket = connect(this.#path);
      this.#sockets.add(socket);
      let answers = Buffer.alloc(0);
      socket.once("connect", () => socket.write(pcscdMessage(SCARD_ESTABLISH_CONTEXT, Buffer.alloc(ESTABLISH_BYTES))));
      socket.on("data", (chunk: Buffer) => {
        const before = answers.length;
        answers = Buffer.concat([answers, chunk]);
        if (before < ESTABLISH_BYTES && answers.length >= ESTABLISH_BYTES)
          socket.write(connectTo(reader, answers.readUInt32LE(CONTEXT_OFFSET)));
        if (answers.length >= ESTABLISH_BYTES + CONNECT_BYTES && socket.writable)
          socket.end(disconnectFrom(answers.subarray(ESTABLISH_BYTES)));
      });
      socket.on("error", () => {}); // told by "close"
      socket.once("close", () => {
        this.#sockets.delete(socket);
        this.#asking.delete(reader);
        resolve();
      });
    });
  }
}

function connectTo(reader: string, context: number): Uint8Array {
  const body = Buffer.alloc(CONNECT_BYTES);
  body.writeUInt32LE(context, 0);
  body.write(reader, NAME_OFFSET, READER_NAME_BYTES - 1);
  body.writeUInt32LE(SCARD_SHARE_DIRECT, SHARE_MODE_OFFSET);
  return pcscdMessage(SCARD_CONNECT, body);
}

/** @returns nothing to send where the connection failed. */
function disconnectFrom(connected: Buffer): Uint8Array {
  if (connected.readUInt32LE(CONNECT_RV_OFFSET) !== 0) return Buffer.alloc(0);
  const body = Buffer.alloc(DISCONNECT_BYTES);
  connected.copy(body, 0, CARD_OFFSET, CARD_OFFSET + 4);
  return pcscdMessage(SCARD_DISCONNECT, body);
}
