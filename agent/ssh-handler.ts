/**
 * The SSH face: one request in, one answer out. It knows keys and policy; no socket, no card.
 */

import { utf8 } from "../lib/bytes.ts";
import { assertNever } from "../lib/errors.ts";
import type { KeyIdentity } from "../lib/keys.ts";
import type { LogFields, Logger } from "../lib/log.ts";
import type { AgentRequest } from "../lib/ssh/agent-protocol.ts";
import {
  type AgentResponse,
  EXTENSION_FAILURE,
  encodeQueryNames,
  FAILURE,
  SUCCESS,
} from "../lib/ssh/agent-response.ts";
import { EXTENSION_QUERY, EXTENSION_SESSION_BIND } from "../lib/ssh/message-numbers.ts";
import { encodeRsaBlob, keyFingerprint } from "../lib/ssh/public-key.ts";
import { SessionBindings } from "./session-bindings.ts";
import { Signer, type SignerOptions } from "./signer.ts";

export type SshHandlerOptions = SignerOptions;

/** What is kept for one connection, from its first request to its end. */
export interface ConnectionState {
  readonly bindings: SessionBindings;
  /** Says which connection it is in each line. */
  readonly log: Logger;
}

/**
 * Answers a request. Rejects only for a fault of ours.
 *
 * @param signal aborts when the client is gone.
 */
export type SshHandler = (
  request: AgentRequest,
  connection: ConnectionState,
  signal: AbortSignal,
) => Promise<AgentResponse>;

/** @returns the state of a connection that has said nothing yet. */
export function newConnectionState(log: Logger): ConnectionState {
  return { bindings: new SessionBindings(), log };
}

/** One handler serves all connections: it counts the signatures that wait. */
export function createSshHandler(options: SshHandlerOptions): SshHandler {
  const { keys } = options;
  const signer = new Signer(options);
  return async (request, connection, signal) => {
    switch (request.kind) {
      case "list":
        return { kind: "identities", identities: keys.list().map(identityOf) };
      case "sign":
        return signer.sign(request, connection, signal);
      case "remove-all":
        await keys.forget();
        connection.log.info("forgot PINs and let go of the card", { event: "remove-all" });
        return SUCCESS;
      case "extension":
        return extension(request.name, request.body, connection);
      case "add":
      case "add-constrained":
      case "add-other":
      case "remove":
      case "add-smartcard":
      case "add-smartcard-constrained":
      case "remove-smartcard":
      case "lock":
      case "unlock":
        return unsupported(connection, { request: request.kind });
      case "unsupported":
        return unsupported(connection, { request: request.kind, type: request.type });
      default:
        return assertNever(request);
    }
  };
}

function extension(name: string, body: Uint8Array, connection: ConnectionState): AgentResponse {
  switch (name) {
    case EXTENSION_SESSION_BIND:
      return bindSession(body, connection);
    case EXTENSION_QUERY:
      // As OpenSSH's agent: the query itself is not in the list, and what follows its name is ignored.
      return { kind: "extension-response", name, body: encodeQueryNames([EXTENSION_SESSION_BIND]) };
    default:
      return unsupported(connection, { request: "extension", name });
  }
}

function bindSession(body: Uint8Array, { bindings, log }: ConnectionState): AgentResponse {
  const outcome = bindings.bind(body);
  switch (outcome.kind) {
    case "bound": {
      const { hostKey, isForwarding } = outcome.binding;
      log.debug("session bound", { event: "bind", hostKey: keyFingerprint(hostKey), forwarding: isForwarding });
      return SUCCESS;
    }
    case "repeated":
      return SUCCESS;
    case "refused":
      log.warn("session not bound", { event: "bind", result: "refused", text: outcome.text });
      return EXTENSION_FAILURE;
    default:
      return assertNever(outcome);
  }
}

function unsupported({ log }: ConnectionState, fields: LogFields): AgentResponse {
  log.info("request not supported", { event: "request", result: "refused", reason: "unsupported", ...fields });
  return FAILURE;
}

function identityOf({ publicKey, comment }: KeyIdentity): {
  readonly keyBlob: Uint8Array;
  readonly comment: Uint8Array;
} {
  return { keyBlob: encodeRsaBlob(publicKey), comment: utf8(comment) };
}
