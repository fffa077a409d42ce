/** Finds the agent of ours that runs, where `ssh` would look for it and where it is by default, and asks it. */

import { resolve } from "node:path";
import type { AgentStatus } from "../lib/agent-status.ts";
import type { Config } from "../lib/config.ts";
import { JpkiError } from "../lib/errors.ts";
import { defaultSocket } from "../lib/paths.ts";
import { EXTENSION_FORGET, EXTENSION_RELEASE, EXTENSION_STATUS } from "../lib/ssh/message-numbers.ts";
import type { Deps } from "./deps.ts";

/** Reading the cards for a status takes a second as a rule; one that another program holds is waited for, twice 5 s. */
const ANSWER_MS = 15_000;

export type FoundAgent =
  | { readonly kind: "found"; readonly socket: string; readonly status: AgentStatus }
  /** One listens, and gave no answer that can be used. */
  | { readonly kind: "silent"; readonly socket: string; readonly error: JpkiError }
  /** None of ours; `socket` is where it would be. */
  | { readonly kind: "absent"; readonly socket: string };

/** The socket that our agent has unless it was told otherwise. */
export function ownSocket(settings: Config, deps: Pick<Deps, "env" | "home">): string {
  const { socket } = settings.agent;
  return socket === undefined ? defaultSocket(deps) : resolve(socket);
}

/** First the agent that `ssh` uses, if it is ours. @throws the reason of `deps.signal`. */
export async function findAgent(settings: Config, deps: Deps): Promise<FoundAgent> {
  const socket = ownSocket(settings, deps);
  let silent: FoundAgent | undefined;
  for (const path of socketsToAsk(socket, deps)) {
    try {
      const answer = await ask(path, EXTENSION_STATUS, deps);
      if (answer?.kind !== "extension-response") continue;
      const { decodeAgentStatus } = await import("../lib/agent-status-reader.ts");
      return { kind: "found", socket: path, status: decodeAgentStatus(answer.body) };
    } catch (error) {
      if (!(error instanceof JpkiError)) throw error;
      // Another program's agent may be silent: ours is asked next.
      silent ??= { kind: "silent", socket: path, error };
    }
  }
  return silent ?? { kind: "absent", socket };
}

/**
 * Tells our agents to let go of the card.
 *
 * @returns the sockets of those who did.
 * @throws SocketError `IO_FAILED`; the reason of `deps.signal`.
 */
export async function releaseCards(settings: Config, deps: Deps): Promise<readonly string[]> {
  const released: string[] = [];
  for (const path of socketsToAsk(ownSocket(settings, deps), deps))
    if ((await ask(path, EXTENSION_RELEASE, deps))?.kind === "success") released.push(path);
  return released;
}

/**
 * Tells our agents to forget PINs and to let go of the card.
 *
 * @returns the sockets of those who did; an agent that does not answer keeps nobody from the rest.
 * @throws the reason of `deps.signal`.
 */
export async function forgetPins(settings: Config, deps: Deps): Promise<readonly string[]> {
  const answers = socketsToAsk(ownSocket(settings, deps), deps).map(async (path) => {
    try {
      return (await ask(path, EXTENSION_FORGET, deps))?.kind === "success" ? [path] : [];
    } catch (error) {
      if (error instanceof JpkiError) return [];
      throw error;
    }
  });
  return (await Promise.all(answers)).flat();
}

function socketsToAsk(own: string, { env }: Pick<Deps, "env">): readonly string[] {
  const ofSsh = env["SSH_AUTH_SOCK"];
  return [...new Set(ofSsh ? [resolve(ofSsh), own] : [own])];
}

async function ask(path: string, name: string, { signal }: Deps) {
  const { askAgent } = await import("../lib/node.ts");
  return askAgent(path, { kind: "extension", name, body: new Uint8Array() }, { timeoutMs: ANSWER_MS, signal });
}
