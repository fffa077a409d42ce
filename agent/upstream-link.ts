/**
 * One open connection to another agent: one request out, one answer in, bytes as they are. It is over for good when the
 * other agent hangs up, answers unasked or too long, or when a request is given up: a late answer must never be taken
 * for that of the next request.
 */

import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { messageOf } from "../lib/errors.ts";
import type { Logger } from "../lib/log.ts";
import { encodeFrame, FrameDecoder } from "../lib/ssh/wire.ts";

/** @throws Error of `connect(2)`; the signal's reason when it aborts. */
export async function openUpstreamLink(path: string, signal: AbortSignal, log: Logger): Promise<UpstreamLink> {
  signal.throwIfAborted();
  const socket = connect({ path });
  try {
    await once(socket, "connect", { signal });
  } catch (error) {
    socket.on("error", () => {}); // nobody asks for it any more
    socket.destroy();
    throw error;
  }
  return new UpstreamLink(socket, log);
}

/** What a request waits for; undefined: the link is over. */
type Waiting = (answer: Uint8Array | undefined) => void;

export class UpstreamLink {
  readonly #socket: Socket;
  readonly #log: Logger;
  readonly #decoder = new FrameDecoder();
  #waiting: Waiting | undefined;

  /** @param socket connected; taken over. */
  constructor(socket: Socket, log: Logger) {
    this.#socket = socket;
    this.#log = log;
    socket.on("data", (chunk) => this.#take(chunk));
    socket.on("error", (error) => log.debug("the upstream agent's connection broke", { error: error.message }));
    socket.once("close", () => this.#deliver(undefined));
  }

  get over(): boolean {
    return this.#socket.destroyed;
  }

  close(): void {
    this.#socket.destroy();
  }

  /**
   * Sends a request (a frame's body; not changed) and waits for its answer. Not to be called before the last answer.
   *
   * @returns the answer's body, a fresh array; undefined if there is none and the link is over, also when `signal` aborts.
   * @throws TOO_LARGE if `request` fits no frame.
   */
  async ask(request: Uint8Array, signal: AbortSignal): Promise<Uint8Array | undefined> {
    const frame = encodeFrame(request);
    const giveUp = () => this.close();
    signal.addEventListener("abort", giveUp, { once: true });
    try {
      if (signal.aborted) this.close();
      if (this.over) return undefined;
      return await new Promise<Uint8Array | undefined>((resolve) => {
        this.#waiting = resolve;
        this.#socket.write(frame);
      });
    } finally {
      signal.removeEventListener("abort", giveUp);
      frame.fill(0); // it may hold a PIN, a passphrase or a private key
    }
  }

  #take(chunk: Uint8Array): void {
    const { frames, fault } = this.#decoder.push(chunk);
    const [answer, ...more] = frames;
    const unasked = more.length > 0 || (answer !== undefined && this.#waiting === undefined);
    if (answer !== undefined && !unasked) this.#deliver(answer);
    if (!unasked && fault === undefined) return;
    this.#log.warn("the upstream agent breaks the protocol", {
      error: fault === undefined ? "it answers unasked" : messageOf(fault),
    });
    this.close();
  }

  #deliver(answer: Uint8Array | undefined): void {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    waiting?.(answer);
  }
}
