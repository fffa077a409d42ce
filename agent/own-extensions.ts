/**
 * Our own extensions of the agent protocol, by which the command line talks to the running agent:
 *
 *     forget@jpki-agent    PINs are forgotten and the card is let go of
 *     release@jpki-agent   the card is let go of; PINs stay remembered
 *     status@jpki-agent    what lib/agent-status.ts describes, as JSON
 *
 * The first two take rights away and give none, so that a locked agent does them too; of its status it says that it is
 * locked. A connection that has bound itself to a server comes from ssh, perhaps by a forwarded agent: it is told
 * nothing of the machine, and must not make the card cold.
 */

import { type AgentStatus, encodeAgentStatus } from "../lib/agent-status.ts";
import type { KeyStore } from "../lib/keys.ts";
import { type AgentResponse, EXTENSION_FAILURE, SUCCESS } from "../lib/ssh/agent-response.ts";
import { EXTENSION_FORGET, EXTENSION_RELEASE, EXTENSION_STATUS } from "../lib/ssh/message-numbers.ts";
import type { AgentLock } from "./agent-lock.ts";
import type { ConnectionState } from "./connection-state.ts";

/** What the agent as a whole can tell and do. */
export interface AgentService {
  /** Never rejects; `signal` ends its waiting for a card. */
  status(signal: AbortSignal): Promise<AgentStatus>;
  /** Resolves when no card has power. */
  release(): Promise<void>;
}

export interface OwnExtensionOptions {
  readonly keys: KeyStore;
  readonly lock: AgentLock;
  /** Absent: all but `forget@jpki-agent` fail. */
  readonly service?: AgentService | undefined;
}

/** @param name one of `OWN_EXTENSIONS`. What follows it in the request is ignored. */
export async function answerOwnExtension(
  name: string,
  { keys, lock, service }: OwnExtensionOptions,
  { bindings, log }: Pick<ConnectionState, "bindings" | "log">,
  signal: AbortSignal,
): Promise<AgentResponse> {
  if (name === EXTENSION_FORGET) {
    await keys.forget();
    log.info("forgot PINs and let go of the card", { event: "forget" });
    return SUCCESS;
  }
  if (service === undefined || bindings.bindAttempted) {
    log.info("request refused", { event: "request", request: name, result: "refused", reason: "bound" });
    return EXTENSION_FAILURE;
  }
  switch (name) {
    case EXTENSION_RELEASE:
      await service.release();
      log.info("let go of the card", { event: "release" });
      return SUCCESS;
    case EXTENSION_STATUS: {
      const status: AgentStatus = lock.locked ? { kind: "locked" } : await service.status(signal);
      return { kind: "extension-response", name, body: encodeAgentStatus(status) };
    }
    default:
      return EXTENSION_FAILURE;
  }
}
