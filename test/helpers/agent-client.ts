/** A raw client of the SSH face: requests as values or as bytes, answers in the order they come. */

import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { type AgentRequest, encodeRequest } from "../../lib/ssh/agent-protocol.ts";
import { type AgentResponse, decodeResponse } from "../../lib/ssh/agent-response.ts";
import { encodeFrame, FrameDecoder } from "../../lib/ssh/wire.ts";

/** Connects to an agent's socket. */
export async function connectAgent(path: string): Promise<AgentClient> {
  const socket = connect({ path, allowHalfOpen: true });
  await once(socket, "connect");
  return new AgentClient(socket);
}

export class AgentClient {
  readonly socket: Socket;
  /** Resolves when the agent has closed its side. */
  readonly ended: Promise<void>;
  readonly #decoder = new FrameDecoder();
  readonly #answers: AgentResponse[] = [];
  readonly #waiting: ((answer: AgentResponse | undefined) => void)[] = [];
  #over = false;

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on("data", (chunk) => {
      for (const frame of this.#decoder.push(chunk).frames) this.#deliver(decodeResponse(frame));
    });
    this.ended = new Promise((resolve) => {
      const end = () => {
        this.#over = true;
        for (const waiting of this.#waiting.splice(0)) waiting(undefined);
        resolve();
      };
      socket.once("end", end);
      socket.once("close", end);
    });
    // An agent that hangs up in the middle of our writing is told by "close".
    socket.on("error", () => {});
  }

  /** The next answer; undefined when the agent closed instead. */
  next(): Promise<AgentResponse | undefined> {
    const answer = this.#answers.shift();
    if (answer || this.#over) return Promise.resolve(answer);
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  send(...requests: readonly AgentRequest[]): void {
    for (const request of requests) this.write(encodeFrame(encodeRequest(request)));
  }

  write(bytes: Uint8Array): void {
    this.socket.write(bytes);
  }

  /** Sends one request and waits for its answer. */
  ask(request: AgentRequest): Promise<AgentResponse | undefined> {
    this.send(request);
    return this.next();
  }

  /** Hangs up. */
  close(): void {
    this.socket.destroy();
  }

  #deliver(answer: AgentResponse): void {
    const waiting = this.#waiting.shift();
    if (waiting) waiting(answer);
    else this.#answers.push(answer);
  }
}
