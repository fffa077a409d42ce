/**
 * Puts an emulated card behind a real pcscd: a client of vpcd, the reader driver that takes a card over TCP.
 *
 * Protocol, both ways: 2-byte big-endian length, then that many bytes. From vpcd, one byte is a control: 00 power off,
 * 01 power on, 02 reset, 04 send the ATR (the only one answered); anything longer is an APDU, answered with its response.
 */

import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import type { EmulatedCard } from "../../lib/virtual-card/card.ts";

const CONTROL_OFF = 0x00;
const CONTROL_ON = 0x01;
const CONTROL_RESET = 0x02;
const CONTROL_ATR = 0x04;
const LENGTH_BYTES = 2;
const RETRY_MS = 20;

export class VpcdSlot {
  /** How long the card takes for each APDU, milliseconds. */
  delayMs = 0;
  readonly #port: number;
  #card: EmulatedCard | undefined;
  #socket: Socket | undefined;
  #serving: Promise<void> = Promise.resolve();
  /** pcscd first asks for the ATR to see that there is a card, then powers it and asks again: from there it is known. */
  #poweredUp = false;
  #onSeen: (() => void) | undefined;

  /** @param port the slot's, see Pcscd.port. */
  constructor(port: number) {
    this.#port = port;
  }

  get card(): EmulatedCard | undefined {
    return this.#card;
  }

  /** Lays a card on the reader; resolves when pcscd has seen it. It comes back by itself when pcscd restarts. */
  async insert(card: EmulatedCard): Promise<void> {
    await this.remove();
    this.#card = card;
    this.#poweredUp = false;
    const seen = new Promise<void>((resolve) => {
      this.#onSeen = resolve;
    });
    this.#serving = this.#serve(card);
    await seen;
  }

  /** Takes the card away; pcscd notices at once when it is talking to it, else within half a second. */
  async remove(): Promise<void> {
    this.#card?.powerOff();
    this.#card = undefined;
    this.#socket?.destroy();
    await this.#serving;
  }

  async #serve(card: EmulatedCard): Promise<void> {
    while (this.#card === card) {
      const socket = connect(this.#port, "127.0.0.1");
      this.#socket = socket;
      try {
        await once(socket, "connect");
        await this.#answerAll(socket, card);
      } catch (error) {
        // No pcscd at the moment, or it went away: tried again for as long as the card lies there.
        if (!isConnectionError(error)) throw error;
      } finally {
        socket.destroy();
        card.powerOff();
      }
      if (this.#card === card) await delay(RETRY_MS);
    }
  }

  async #answerAll(socket: Socket, card: EmulatedCard): Promise<void> {
    let received = Buffer.alloc(0);
    for await (const chunk of socket) {
      received = Buffer.concat([received, chunk]);
      while (received.length >= LENGTH_BYTES && received.length >= LENGTH_BYTES + received.readUInt16BE()) {
        const length = received.readUInt16BE();
        const message = new Uint8Array(received.subarray(LENGTH_BYTES, LENGTH_BYTES + length));
        received = received.subarray(LENGTH_BYTES + length);
        await this.#answer(socket, card, message);
        if (socket.destroyed) return;
      }
    }
  }

  async #answer(socket: Socket, card: EmulatedCard, message: Uint8Array): Promise<void> {
    if (message.length > 1) {
      if (this.delayMs > 0) await delay(this.delayMs);
      if (this.#card !== card) return;
      const response = card.transmit(message);
      if (this.#card === card) send(socket, response);
      return;
    }
    if (message[0] === CONTROL_OFF) card.powerOff();
    if (message[0] === CONTROL_ON) {
      card.powerOn();
      this.#poweredUp = true;
    }
    if (message[0] === CONTROL_RESET) card.warmReset();
    if (message[0] === CONTROL_ATR) {
      send(socket, card.atr);
      if (this.#poweredUp) this.#onSeen?.();
    }
  }
}

function send(socket: Socket, bytes: Uint8Array): void {
  const frame = Buffer.alloc(LENGTH_BYTES + bytes.length);
  frame.writeUInt16BE(bytes.length);
  frame.set(bytes, LENGTH_BYTES);
  if (!socket.destroyed) socket.write(frame);
}

function isConnectionError(error: unknown): boolean {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  return code === "ECONNREFUSED" || code === "ECONNRESET" || code === "EPIPE" || code === "ERR_STREAM_PREMATURE_CLOSE";
}
