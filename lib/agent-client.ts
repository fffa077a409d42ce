/**
 * Adapter: asks an agent at a socket one question, with a limit on time. For the command line; what the answer means is
 * the caller's concern.
 */

import { connect } from "node:net";
import { hasErrno, messageOf, SocketError } from "./errors.ts";
import { type AgentRequest, encodeRequest } from "./ssh/agent-protocol.ts";
import { type AgentResponse, decodeResponse } from "./ssh/agent-response.ts";
import { encodeFrame, FrameDecoder } from "./ssh/wire.ts";

export interface AskAgentOptions {
  /** For connection and answer together, milliseconds. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
}

/**
 * @param path of the socket.
 * @returns undefined if no agent listens there.
 * @throws SocketError `IO_FAILED`: no right to connect, no answer in time, or it hung up; MALFORMED, TOO_LARGE for an
 * answer that is none; the signal's reason.
 */
export async function askAgent(
  path: string,
  request: AgentRequest,
  { timeoutMs, signal }: AskAgentOptions,
): Promise<AgentResponse | undefined> {
  signal?.throwIfAborted();
  const frame = encodeFrame(encodeRequest(request));
  const socket = connect({ path });
  const decoder = new FrameDecoder();
  const fail = (fact: string, cause?: unknown) =>
    new SocketError("IO_FAILED", `ask the agent at ${path}: ${fact}`, { details: { path }, cause });
  let onAbort = (): void => {};
  let timer: ReturnType<typeof setTimeout> | undefined;
  try {
    return await new Promise<AgentResponse | undefined>((resolve, reject) => {
      onAbort = () => reject(signal?.reason);
      signal?.addEventListener("abort", onAbort, { once: true });
      timer = setTimeout(() => reject(fail(`no answer within ${timeoutMs} ms`)), timeoutMs);
      socket.once("connect", () => socket.write(frame));
      socket.on("error", (error) => (isAbsence(error) ? resolve(undefined) : reject(fail(messageOf(error), error))));
      socket.once("close", () => reject(fail("it hung up")));
      socket.on("data", (chunk) => {
        const { frames, fault } = decoder.push(chunk);
        const [answer] = frames;
        if (answer !== undefined) resolve(decoded(answer, reject));
        else if (fault !== undefined) reject(fault);
      });
    });
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", onAbort);
    frame.fill(0); // it may hold a PIN
    socket.destroy();
  }
}

function decoded(answer: Uint8Array, reject: (error: unknown) => void): AgentResponse | undefined {
  try {
    return decodeResponse(answer);
  } catch (error) {
    reject(error); // inside a listener nobody else would catch it
    return undefined;
  }
}

function isAbsence(error: Error): boolean {
  return hasErrno(error, "ENOENT", "ECONNREFUSED", "ENOTDIR");
}
