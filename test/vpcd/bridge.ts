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
/** pcscd looks at its reader every 400 ms: a reader that is empty for longer is seen to be. */
const EMPTY_MS = 500;

export class VpcdSlot {
  /** How long the card takes for each APDU, milliseconds. */
  delayMs = 0;
  /** Called with each APDU before the card sees it; the card waits for what it returns. */
  beforeCommand: ((command: Uint8Array) => Promise<void> | undefined) | undefined;
  readonly #port: number;
  #card: EmulatedCard | undefined;
  #socket: Socket | undefined;
  #emptySince = Number.NEGATIVE_INFINITY;
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
    await delay(Math.max(0, this.#emptySince + EMPTY_MS - performance.now()));
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
    this.eject();
    await this.#serving;
  }

  /** The same from inside a command: nothing waits for the command's end. */
  eject(): void {
    if (this.#card === undefined) return;
    this.#card.powerOff();
    this.#card = undefined;
    this.#emptySince = performance.now();
    this.#socket?.destroy();
  }

  async #serve(card: EmulatedCard): Promise<void> {
    while (this.#card === card) {
      const socket = connect(this.#port, "127.0.0.1");
      this.#socket = socket;
      let powerStays = false;
      try {
        await once(socket, "connect");
        powerStays = await this.#answerAll(socket, card);
      } catch (error) {
        // No pcscd at the moment, or it went away: tried again for as long as the card lies there.
        if (!isConnectionError(error)) throw error;
      } finally {
        socket.destroy();
        if (!powerStays) card.powerOff();
      }
      if (this.#card === card) await delay(RETRY_MS);
    }
  }

  /**
   * Serves one connection to its end; true when it ended for an answer of no bytes: vpcd would wait for ever after a
   * length of 0, so that the connection is cut in its place. pcscd sees an error, but no removal, in that.
   */
  async #answerAll(socket: Socket, card: EmulatedCard): Promise<boolean> {
    let received = Buffer.alloc(0);
    for await (const chunk of socket) {
      received = Buffer.concat([received, chunk]);
      while (received.length >= LENGTH_BYTES && received.length >= LENGTH_BYTES + received.readUInt16BE()) {
        const length = received.readUInt16BE();
        const message = new Uint8Array(received.subarray(LENGTH_BYTES, LENGTH_BYTES + length));
        received = received.subarray(LENGTH_BYTES + length);
        const answer = await this.#answer(card, message);
        if (this.#card !== card) return false;
        if (answer?.length === 0) return true;
        if (answer !== undefined) send(socket, answer);
      }
    }
    return false;
  }

  /** What goes back to vpcd; controls but one are not answered. */
  async #answer(card: EmulatedCard, message: Uint8Array): Promise<Uint8Array | undefined> {
    if (message.length > 1) {
      if (this.delayMs > 0) await delay(this.delayMs);
      await this.beforeCommand?.(message);
      return this.#card === card ? card.transmit(message) : undefined;
    }
    switch (message[0]) {
      case CONTROL_OFF:
        card.powerOff();
        return undefined;
      case CONTROL_ON:
        card.powerOn();
        this.#poweredUp = true;
        return undefined;
      case CONTROL_RESET:
        card.warmReset();
        return undefined;
      case CONTROL_ATR:
        if (this.#poweredUp) this.#onSeen?.();
        return card.atr;
      default:
        throw new Error(`vpcd sent an unknown control: ${message[0]}`);
    }
  }
}

function send(socket: Socket, bytes: Uint8Array): void {
  const frame = Buffer.alloc(LENGTH_BYTES + bytes.length);
  frame.writeUInt16BE(bytes.length);
  frame.set(bytes, LENGTH_BYTES);
  socket.write(frame);
}

function isConnectionError(error: unknown): boolean {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  return code === "ECONNREFUSED" || code === "ECONNRESET" || code === "EPIPE" || code === "ERR_STREAM_PREMATURE_CLOSE";
}
