/**
 * One client of the SSH face: bytes in, requests to the handler one after the other, answers back in the same order.
 *
 * Reading goes on while a request waits for a card or a person, because only reading tells that the client hung up. It
 * stops when {@link Limits.pendingRequests} requests are waiting; then a hang-up is noticed after the current answer.
 * An answer must be taken by the client before the next request is looked at, so no more than one is ever buffered.
 */

import type { Socket } from "node:net";
import { setImmediate } from "node:timers/promises";
import { MalformedError, messageOf, TooLargeError } from "../lib/errors.ts";
import type { Logger } from "../lib/log.ts";
import { encodeResponse, FAILURE } from "../lib/ssh/agent-response.ts";
import { encodeFrame, FrameDecoder } from "../lib/ssh/wire.ts";
import type { Limits } from "./limits.ts";
import type { ServedConnection } from "./listener.ts";

/**
 * Answers one request of one client. Never called again for this client before it is done.
 *
 * @param request a frame's body, type byte first; wiped when the answer is there.
 * @param signal aborts when the client is gone: stop waiting for it.
 * @returns the body of the answer's frame.
 */
export type AnswerFrame = (request: Uint8Array, signal: AbortSignal) => Promise<Uint8Array>;

export interface ConnectionOptions {
  readonly answer: AnswerFrame;
  readonly limits: Pick<Limits, "pendingRequests" | "frameMs" | "replyMs">;
  /** Says which connection it is in each line. */
  readonly log: Logger;
}

/** Takes over `socket`. */
export function serveConnection(socket: Socket, options: ConnectionOptions): ServedConnection {
  return new Connection(socket, options);
}

class Connection implements ServedConnection {
  readonly closed: Promise<void>;
  readonly #socket: Socket;
  readonly #options: ConnectionOptions;
  readonly #decoder = new FrameDecoder();
  readonly #pending: Uint8Array[] = [];
  readonly #gone = new AbortController();
  #working: Promise<void> | undefined;
  #idleSince = performance.now();
  #frameTimer: NodeJS.Timeout | undefined;
  /** The stream is broken: what came before is answered, then we close. */
  #unreadable = false;

  constructor(socket: Socket, options: ConnectionOptions) {
    this.#socket = socket;
    this.#options = options;
    this.closed = new Promise((resolve) => {
      socket.once("close", () => {
        this.#leave();
        resolve(this.#working);
      });
    });
    socket.on("data", (chunk) => {
      this.#take(chunk);
      chunk.fill(0); // what is kept of it was copied; it may hold a PIN or a passphrase
    });
    // As ssh-agent: a client that will not write any more has gone, whether or not it could still read.
    socket.once("end", () => this.close());
    socket.on("error", (error) => options.log.debug("connection broke", { error: error.message }));
  }

  get idleSince(): number | undefined {
    return this.#working || this.#socket.destroyed ? undefined : this.#idleSince;
  }

  close(): void {
    this.#leave();
    this.#socket.destroy();
  }

  #leave(): void {
    clearTimeout(this.#frameTimer);
    this.#pending.length = 0;
    this.#gone.abort(new DOMException("the client hung up", "AbortError"));
  }

  #take(chunk: Uint8Array): void {
    if (this.#unreadable) return; // read on only to notice a hang-up
    const { limits, log } = this.#options;
    const { frames, fault } = this.#decoder.push(chunk);
    this.#pending.push(...frames);
    if (fault) {
      log.warn("stream cannot be read", { code: fault.code, error: fault.message });
      this.#unreadable = true;
    }
    if (this.#pending.length >= limits.pendingRequests) this.#socket.pause();
    this.#watchFrame(frames.length > 0);
    if (this.#pending.length > 0) this.#working ??= this.#work();
    else if (fault && !this.#working) this.close();
  }

  /** A frame once begun must be complete within its time, however many pieces it comes in. */
  #watchFrame(completedOne: boolean): void {
    const waiting = this.#decoder.midFrame && !this.#unreadable && !this.#socket.isPaused();
    if (completedOne || !waiting) {
      clearTimeout(this.#frameTimer);
      this.#frameTimer = undefined;
    }
    if (!waiting) return;
    const { limits, log } = this.#options;
    this.#frameTimer ??= setTimeout(() => {
      log.warn("frame not completed in time", { limitMs: limits.frameMs });
      this.close();
    }, limits.frameMs);
  }

  /** Answers until nothing is pending. Never rejects. */
  async #work(): Promise<void> {
    for (let frame = this.#pending.shift(); frame; frame = this.#pending.shift()) {
      const reply = await this.#answer(frame);
      if (this.#gone.signal.aborted) break;
      await this.#send(reply);
      if (this.#pending.length < this.#options.limits.pendingRequests) this.#socket.resume();
      // One request, then everybody else's turn: else a client that sends thousands at once is served alone.
      if (this.#pending.length > 0) await setImmediate();
    }
    this.#idleSince = performance.now();
    this.#working = undefined;
    if (this.#unreadable) this.close();
  }

  /** @returns the framed answer. */
  async #answer(frame: Uint8Array): Promise<Uint8Array> {
    const { answer, log } = this.#options;
    try {
      return encodeFrame(await answer(frame, this.#gone.signal));
    } catch (error) {
      // Nothing that a request causes may end the connection or the process: ssh would lose its other keys too.
      if (error instanceof MalformedError || error instanceof TooLargeError)
        log.warn("malformed request", { code: error.code, error: error.message });
      else log.error("request failed unexpectedly", { error: messageOf(error) });
      return encodeFrame(encodeResponse(FAILURE));
    } finally {
      frame.fill(0); // it may hold a PIN or a passphrase
    }
  }

  async #send(reply: Uint8Array): Promise<void> {
    const { limits, log } = this.#options;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(() => {
        log.warn("reply not taken in time", { limitMs: limits.replyMs });
        this.close();
      }, limits.replyMs);
      // A failed write is told by the socket's own "error" and "close".
      this.#socket.write(reply, () => {
        clearTimeout(timer);
        resolve();
      });
    });
  }
}
