/**
 * One client of the PKCS #11 face: `byte version`, then frames, each answered once and under its own code, in whatever
 * order the answers come: a program has as many requests under way as it has threads, and C_WaitForSlotEvent waits for
 * ever.
 *
 * A live client is never hung up on because of what it sends: the next call of a program whose connection is closed ends
 * that program by SIGPIPE (observed). What is too much is answered with an error; who does not take its answers is not
 * read from until it does.
 */

import type { Socket } from "node:net";
import { CKR_DEVICE_MEMORY } from "../../lib/p11/constants.ts";
import { encodeRpcError } from "../../lib/p11/rpc-codec.ts";
import { encodeRpcFrame, type RpcFrame, RpcFrameDecoder } from "../../lib/p11/rpc-frame.ts";
import type { P11Limits } from "../limits.ts";
import type { ServedConnection } from "../listener.ts";
import type { OpenApplication, P11Client } from "./application.ts";
import { Dispatcher } from "./dispatch.ts";

/** The highest version of the protocol that is answered: that of p11-kit 0.25.6 and later. */
const OUR_VERSION = 2;

export interface P11ConnectionOptions {
  readonly client: Omit<P11Client, "version">;
  readonly open: OpenApplication;
  readonly limits: Pick<P11Limits, "pendingCalls" | "pendingBytes" | "unsentBytes">;
}

/** Takes over `socket`. */
export function serveP11Connection(socket: Socket, options: P11ConnectionOptions): ServedConnection {
  return new Connection(socket, options);
}

class Connection implements ServedConnection {
  readonly closed: Promise<void>;
  readonly #socket: Socket;
  readonly #options: P11ConnectionOptions;
  readonly #decoder = new RpcFrameDecoder();
  readonly #calls = new Set<Promise<void>>();
  /** Of the requests under way. */
  #pendingBytes = 0;
  /** From the client's first byte on. */
  #dispatcher: Dispatcher | undefined;
  #idleSince = performance.now();

  constructor(socket: Socket, options: P11ConnectionOptions) {
    this.#socket = socket;
    this.#options = options;
    this.closed = new Promise((resolve) => {
      socket.once("close", () => {
        this.#dispatcher?.end();
        resolve(Promise.all(this.#calls).then(() => {}));
      });
    });
    socket.on("data", (chunk) => {
      this.#take(chunk);
      chunk.fill(0); // what is kept of it was copied; it may hold a PIN
    });
    socket.on("drain", () => this.#readOn());
    // A client that will not write any more has gone.
    socket.once("end", () => this.close());
    socket.on("error", (error) => options.client.log.debug("connection broke", { error: error.message }));
  }

  get idleSince(): number | undefined {
    return this.#calls.size > 0 || this.#socket.destroyed ? undefined : this.#idleSince;
  }

  close(): void {
    this.#dispatcher?.end();
    this.#socket.destroy();
  }

  #take(chunk: Uint8Array): void {
    if (this.#dispatcher !== undefined) {
      this.#takeFrames(chunk, this.#dispatcher);
      return;
    }
    const version = chunk[0] ?? 0;
    this.#dispatcher = new Dispatcher({ ...this.#options.client, version }, this.#options.open);
    this.#socket.write(Uint8Array.of(Math.min(version, OUR_VERSION)));
    this.#takeFrames(chunk.subarray(1), this.#dispatcher);
  }

  #takeFrames(bytes: Uint8Array, dispatcher: Dispatcher): void {
    const frames = this.#decoder.push(bytes);
    for (const frame of frames) this.#begin(frame, dispatcher);
    if (frames.length === 0) return;
    // One chunk, then everybody else's turn; after it is known whether the client takes the answers to this one.
    this.#socket.pause();
    setImmediate(() => this.#readOn());
  }

  #readOn(): void {
    if (this.#socket.writableLength <= this.#options.limits.unsentBytes) this.#socket.resume();
  }

  #begin(frame: RpcFrame, dispatcher: Dispatcher): void {
    const call = this.#serve(frame, dispatcher);
    this.#calls.add(call);
    void call.then(() => {
      this.#calls.delete(call);
      this.#idleSince = performance.now();
    });
  }

  /** Never rejects. */
  async #serve({ code, body, isCut }: RpcFrame, dispatcher: Dispatcher): Promise<void> {
    const fits = !isCut && this.#hasRoomFor(body);
    const answer = fits ? await this.#answer(body, dispatcher) : this.#tooMuch(body, dispatcher);
    body.fill(0); // it may hold a PIN
    // A failed write is told by the socket's own "error" and "close".
    if (!this.#socket.destroyed) this.#socket.write(encodeRpcFrame(code, answer));
  }

  async #answer(body: Uint8Array, dispatcher: Dispatcher): Promise<Uint8Array> {
    this.#pendingBytes += body.length;
    const answer = await dispatcher.answer(body);
    this.#pendingBytes -= body.length;
    return answer;
  }

  #hasRoomFor(body: Uint8Array): boolean {
    const { pendingCalls, pendingBytes } = this.#options.limits;
    return this.#calls.size < pendingCalls && this.#pendingBytes + body.length <= pendingBytes;
  }

  #tooMuch(body: Uint8Array, dispatcher: Dispatcher): Uint8Array {
    dispatcher.dropSigning(body);
    this.#options.client.log.warn("PKCS #11 request refused: too much at once", { callsUnderWay: this.#calls.size });
    return encodeRpcError(CKR_DEVICE_MEMORY);
  }
}
