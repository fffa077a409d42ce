/**
 * The SSH face: one request in, one answer out. It knows keys and policy; no socket, no card.
 */

import { assertNever } from "../lib/errors.ts";
import type { KeyStore } from "../lib/keys.ts";
import type { LogFields } from "../lib/log.ts";
import type { AgentRequest } from "../lib/ssh/agent-protocol.ts";
import {
  type AgentResponse,
  EXTENSION_FAILURE,
  encodeQueryNames,
  FAILURE,
  SUCCESS,
} from "../lib/ssh/agent-response.ts";
import { EXTENSION_QUERY, EXTENSION_SESSION_BIND, OWN_EXTENSIONS } from "../lib/ssh/message-numbers.ts";
import { keyFingerprint } from "../lib/ssh/public-key.ts";
import type { AgentLock } from "./agent-lock.ts";
import type { ConnectionState } from "./connection-state.ts";
import { type AgentService, answerOwnExtension } from "./own-extensions.ts";
import { Signer, type SignerOptions } from "./signer.ts";
import { answerToken, type TokenPins } from "./ssh-token.ts";

export interface SshHandlerOptions extends SignerOptions {
  readonly keys: KeyStore;
  /** Takes the PIN of `ssh-add -s`; absent: none is taken. */
  readonly token?: TokenPins | undefined;
  readonly lock: AgentLock;
  /** Answers our own extensions but for `forget@jpki-agent`; absent: they fail. */
  readonly service?: AgentService | undefined;
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

/** One handler serves all connections: it counts the signatures that wait. */
export function createSshHandler(options: SshHandlerOptions): SshHandler {
  const { keys, offered, lock } = options;
  const signer = new Signer(options);
  return async (request, connection, signal) => {
    if (lock.locked && !isServedLocked(request)) return refuseLocked(request, connection);
    switch (request.kind) {
      case "list":
        return { kind: "identities", identities: offered.list(connection.bindings) };
      case "sign":
        return signer.sign(request, connection, signal);
      case "remove":
        return removeKey(request.keyBlob, connection, options);
      case "remove-all":
        // RFC 9987 section 5.4: honoured whatever the policy; also while locked, for it takes rights away and gives none.
        return forget(keys, connection);
      case "lock":
        return lockAgent(request.passphrase, connection, signer, options);
      case "unlock":
        return unlockAgent(request.passphrase, connection, lock, signal);
      case "extension":
        return OWN_EXTENSIONS.includes(request.name)
          ? answerOwnExtension(request.name, options, connection, signal)
          : extension(request.name, request.body, connection);
      case "add":
      case "add-constrained":
      case "add-other":
        return unsupported(connection, { request: request.kind });
      case "add-smartcard":
      case "add-smartcard-constrained":
      case "remove-smartcard":
        return answerToken(request, options, connection, signal);
      case "unsupported":
        return unsupported(connection, { request: request.kind, type: request.type });
      default:
        return assertNever(request);
    }
  };
}

async function forget(keys: KeyStore, { log }: ConnectionState): Promise<AgentResponse> {
  await keys.forget();
  log.info("forgot PINs and let go of the card", { event: "forget" });
  return SUCCESS;
}

/** What a locked agent does as ever; as ssh-agent, and what RFC 9987 section 5.4 says is always honoured. */
function isServedLocked(request: AgentRequest): boolean {
  switch (request.kind) {
    case "lock":
    case "unlock":
    case "remove-all":
    case "remove-smartcard":
      return true;
    case "extension":
      return request.name === EXTENSION_SESSION_BIND || OWN_EXTENSIONS.includes(request.name);
    default:
      return false;
  }
}

/** As ssh-agent: an empty list, and a failure for the rest. */
function refuseLocked(request: AgentRequest, { log }: ConnectionState): AgentResponse {
  if (request.kind === "list") return { kind: "identities", identities: [] };
  log.info("request refused", { event: "request", request: request.kind, result: "refused", reason: "locked" });
  return FAILURE;
}

/** From the agent only, never from the card. A certificate is a file: it is removed by removing the file. */
async function removeKey(
  keyBlob: Uint8Array,
  { log }: ConnectionState,
  { keys, offered, constraints }: SshHandlerOptions,
): Promise<AgentResponse> {
  const found = offered.find(keyBlob);
  const fields = { event: "remove", key: keyFingerprint(found?.keyBlob ?? keyBlob) };
  if (found === undefined || found.certificate !== undefined || !constraints.remove(found.key.id)) {
    log.info("no such key to remove", { ...fields, result: "refused", reason: "unknown-key" });
    return FAILURE;
  }
  await keys.forget(found.key.id);
  log.info("key removed until its card is put on a reader again", { ...fields, result: "done" });
  return SUCCESS;
}

/** Locking forgets PINs, lets go of the card, and ends what waits for a card or a person. */
async function lockAgent(
  passphrase: Uint8Array,
  { log }: ConnectionState,
  signer: Signer,
  { keys, lock }: SshHandlerOptions,
): Promise<AgentResponse> {
  const fields = { event: "lock" };
  if (!(await lock.lock(passphrase))) {
    log.info("not locked: it is locked already, or the password is empty", { ...fields, result: "refused" });
    return FAILURE;
  }
  signer.abandon("the agent was locked");
  await keys.forget();
  log.info("locked", { ...fields, result: "done" });
  return SUCCESS;
}

async function unlockAgent(
  passphrase: Uint8Array,
  { log }: ConnectionState,
  lock: AgentLock,
  signal: AbortSignal,
): Promise<AgentResponse> {
  const fields = { event: "unlock" };
  try {
    const unlocked = await lock.unlock(passphrase, signal);
    if (unlocked) log.info("unlocked", { ...fields, result: "done" });
    else log.warn("not unlocked: the password is wrong, or the agent is not locked", { ...fields, result: "refused" });
    return unlocked ? SUCCESS : FAILURE;
  } catch (error) {
    // The client left before the delay was over; nobody reads the answer.
    if (!signal.aborted) throw error;
    return FAILURE;
  }
}

function extension(name: string, body: Uint8Array, connection: ConnectionState): AgentResponse {
  switch (name) {
    case EXTENSION_SESSION_BIND:
      return bindSession(body, connection);
    case EXTENSION_QUERY:
      // As OpenSSH's agent: the query itself is not in the list, and what follows its name is ignored.
      return { kind: "extension-response", name, body: encodeQueryNames([EXTENSION_SESSION_BIND, ...OWN_EXTENSIONS]) };
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
