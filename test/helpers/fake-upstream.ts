/** Another agent as a test wants it: it keeps what it gets and answers what it is told to. */

import { createServer, type Server, type Socket } from "node:net";
import { type AgentResponse, encodeResponse } from "../../lib/ssh/agent-response.ts";
import { encodeFrame, FrameDecoder } from "../../lib/ssh/wire.ts";

/** An answer; `hang`: none; `drop`: hangs up instead; bytes: a frame's body, or with `raw` whatever goes on the wire. */
export type FakeAnswer = AgentResponse | "hang" | "drop" | Uint8Array | { readonly raw: Uint8Array };

export class FakeUpstream {
  /** Bodies of the requests of each connection, in order; connections in the order of their coming. */
  readonly connections: Uint8Array[][] = [];
  /** Decides on each answer. */
  answer: (request: Uint8Array, connection: number) => FakeAnswer = () => ({ kind: "failure" });
  readonly #path: string;
  readonly #sockets = new Set<Socket>();
  #server: Server | undefined;

  constructor(path: string) {
    this.#path = path;
  }

  /** Connections that are open now. */
  get open(): number {
    return this.#sockets.size;
  }

  async start(): Promise<void> {
    const server = createServer((socket) => this.#serve(socket));
    this.#server = server;
    await new Promise<void>((resolve) => server.listen(this.#path, resolve));
  }

  /** Hangs up on everybody and removes the socket, as an agent that is killed. */
  async stop(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    for (const socket of this.#sockets) socket.destroy();
    if (server !== undefined) await new Promise<void>((resolve) => server.close(() => resolve()));
  }

  /** Writes unasked on every connection. */
  write(bytes: Uint8Array): void {
    for (const socket of this.#sockets) socket.write(bytes);
  }

  #serve(socket: Socket): void {
    const requests: Uint8Array[] = [];
    const connection = this.connections.push(requests) - 1;
    const decoder = new FrameDecoder();
    this.#sockets.add(socket);
    socket.on("error", () => {}); // whoever hangs up on us is looked at by the test itself
    socket.on("close", () => this.#sockets.delete(socket));
    socket.on("data", (chunk) => {
      for (const request of decoder.push(chunk).frames) {
        requests.push(request);
        const answer = this.answer(request, connection);
        if (answer === "drop") socket.destroy();
        else if (answer !== "hang") socket.write(wire(answer));
      }
    });
  }
}

function wire(answer: Exclude<FakeAnswer, string>): Uint8Array {
  if (answer instanceof Uint8Array) return encodeFrame(answer);
  return "raw" in answer ? answer.raw : encodeFrame(encodeResponse(answer));
}
