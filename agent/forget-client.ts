/** Tells a running agent to forget PINs and to let go of the card (`pin forget`), by `forget@jpki-agent`. */

import { connect } from "node:net";
import { encodeRequest } from "../lib/ssh/agent-protocol.ts";
import { decodeResponse } from "../lib/ssh/agent-response.ts";
import { EXTENSION_FORGET } from "../lib/ssh/message-numbers.ts";
import { encodeFrame, FrameDecoder } from "../lib/ssh/wire.ts";

/** An agent that is well answers at once; letting go of the card takes no longer than the command under way. */
const TIMEOUT_MS = 5000;

/** `absent`: nobody listens there. `not-ours`: another agent, which refused. `silent`: no answer in time. */
export type ForgetOutcome = "forgot" | "absent" | "not-ours" | "silent";

/** Never rejects. @param path the agent's socket. */
export function askAgentToForget(path: string): Promise<ForgetOutcome> {
  return new Promise((resolve) => {
    const socket = connect(path);
    const decoder = new FrameDecoder();
    const settle = (outcome: ForgetOutcome) => {
      socket.destroy();
      resolve(outcome);
    };
    let connected = false;
    socket.setTimeout(TIMEOUT_MS, () => settle("silent"));
    socket.once("connect", () => {
      connected = true;
      const request = { kind: "extension", name: EXTENSION_FORGET, body: new Uint8Array() } as const;
      socket.write(encodeFrame(encodeRequest(request)));
    });
    socket.on("data", (chunk) => {
      const [answer] = decoder.push(chunk).frames;
      if (answer !== undefined) settle(isSuccess(answer) ? "forgot" : "not-ours");
    });
    // A refusal of the connection: a socket that its agent left behind, or none at all.
    socket.once("error", () => settle(connected ? "not-ours" : "absent"));
    socket.once("close", () => settle("not-ours"));
  });
}

function isSuccess(answer: Uint8Array): boolean {
  try {
    return decodeResponse(answer).kind === "success";
  } catch {
    // What is no answer of an agent is no success.
    return false;
  }
}
