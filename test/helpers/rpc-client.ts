/** A raw client of the PKCS #11 face: calls as values, bodies or bytes; answers by their codes. */

import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { utf8 } from "../../lib/bytes.ts";
import type { Args, CallName } from "../../lib/p11/calls.ts";
import { RpcFrameDecoder } from "../../lib/p11/rpc-frame.ts";
import { decodeRpcReply, encodeRpcRequest, type RpcReply, type RpcStyle, rpcRequestFrame } from "./rpc-wire.ts";

export const HANDSHAKE = utf8("PRIVATE-GNOME-KEYRING-PKCS11-PROTOCOL-V-1");

const VERSIONS: Readonly<Record<RpcStyle, number>> = { "0.24": 0, "0.25": 1, "0.26": 2 };

/** Connects, says its version, and no more. */
export async function connectRpc(
  path: string,
  style: RpcStyle = "0.24",
  version = VERSIONS[style],
): Promise<RpcClient> {
  const socket = connect({ path, allowHalfOpen: true });
  await once(socket, "connect");
  const client = new RpcClient(socket, style);
  client.write(Uint8Array.of(version));
  return client;
}

/** The same, and C_Initialize. */
export async function initializedRpc(path: string, style: RpcStyle = "0.24"): Promise<RpcClient> {
  const client = await connectRpc(path, style);
  const reply = await client.call("C_Initialize", [HANDSHAKE, 0, Uint8Array.of(0)]);
  if ("rv" in reply) throw new Error(`C_Initialize gave 0x${reply.rv.toString(16)}`);
  return client;
}

export class RpcClient {
  readonly socket: Socket;
  /** The server's first byte. */
  readonly version: Promise<number>;
  /** Resolves when the server has closed its side. */
  readonly ended: Promise<void>;
  /** Codes of all answers in the order they came. */
  readonly answered: number[] = [];
  readonly #style: RpcStyle;
  readonly #decoder = new RpcFrameDecoder(64 * 1024 * 1024);
  readonly #waiting = new Map<number, (body: Uint8Array | undefined) => void>();
  #greeted: (version: number) => void = () => {};
  #hasVersion = false;
  #lastCode = 0x0f;
  #over = false;

  constructor(socket: Socket, style: RpcStyle) {
    this.socket = socket;
    this.#style = style;
    this.version = new Promise((resolve) => {
      this.#greeted = resolve;
    });
    socket.on("data", (chunk) => this.#take(chunk));
    this.ended = new Promise((resolve) => {
      const end = () => {
        this.#over = true;
        for (const waiting of this.#waiting.values()) waiting(undefined);
        this.#waiting.clear();
        resolve();
      };
      socket.once("end", end);
      socket.once("close", end);
    });
    // A server that hangs up in the middle of our writing is told by "close".
    socket.on("error", () => {});
  }

  /** @throws Error if the server hangs up instead of answering. */
  async call<C extends CallName>(call: C, args: Args<C>): Promise<RpcReply<C>> {
    const body = await this.ask(encodeRpcRequest(call, args, this.#style));
    if (body === undefined) throw new Error(`no answer to ${call}`);
    return decodeRpcReply(call, body);
  }

  /** What the server answers to a request's body; undefined when it closed instead. */
  ask(body: Uint8Array): Promise<Uint8Array | undefined> {
    const code = ++this.#lastCode;
    const answer = this.answerTo(code);
    this.write(rpcRequestFrame(code, body));
    return answer;
  }

  /** To be called before the request with this code is sent. */
  answerTo(code: number): Promise<Uint8Array | undefined> {
    if (this.#over) return Promise.resolve(undefined);
    return new Promise((resolve) => this.#waiting.set(code, resolve));
  }

  write(bytes: Uint8Array): void {
    this.socket.write(bytes);
  }

  /** Hangs up. */
  close(): void {
    this.socket.destroy();
  }

  #take(chunk: Uint8Array): void {
    const bytes = this.#hasVersion ? chunk : chunk.subarray(1);
    if (!this.#hasVersion) this.#greeted(chunk[0] ?? -1);
    this.#hasVersion = true;
    for (const { code, body } of this.#decoder.push(bytes)) {
      this.answered.push(code);
      this.#waiting.get(code)?.(body);
      this.#waiting.delete(code);
    }
  }
}
