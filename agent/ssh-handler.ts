/**
 * The SSH face: one request in, one answer out. It knows keys and policy; no socket, no card.
 *
 * Every signature, and everything refused, is one line in the log with its reason.
 */

import { createHash } from "node:crypto";
import { equalBytes, utf8 } from "../lib/bytes.ts";
import { assertNever, JpkiError } from "../lib/errors.ts";
import type { KeyIdentity, KeyStore } from "../lib/keys.ts";
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
import { digestInfo, hashOf, signatureBlob } from "../lib/ssh/signature.ts";
import type { Limits } from "./limits.ts";
import { SessionBindings } from "./session-bindings.ts";
import { type GuardDecision, guardSignature, type SignPolicy } from "./sign-guard.ts";

export interface SshHandlerOptions {
  readonly keys: KeyStore;
  readonly policy: SignPolicy;
  /** Host names of a host key, from known_hosts: shown and logged. */
  readonly hostsOfKey: (hostKeyBlob: Uint8Array) => readonly string[];
  readonly limits: Pick<Limits, "waitingSignatures">;
}

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

type SignRequest = Extract<AgentRequest, { kind: "sign" }>;
type AllowedSignature = Extract<GuardDecision, { kind: "allowed" }>;

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

class Signer {
  readonly #options: SshHandlerOptions;
  #waiting = 0;

  constructor(options: SshHandlerOptions) {
    this.#options = options;
  }

  async sign(request: SignRequest, connection: ConnectionState, signal: AbortSignal): Promise<AgentResponse> {
    const { keys, policy, hostsOfKey, limits } = this.#options;
    const record = { event: "sign", key: keyFingerprint(request.keyBlob) };
    const refuse = (reason: string, text: string): AgentResponse => {
      connection.log.warn("signature refused", { ...record, result: "refused", reason, text });
      return FAILURE;
    };
    const key = keys.list().find((identity) => equalBytes(encodeRsaBlob(identity.publicKey), request.keyBlob));
    if (!key) return refuse("unknown-key", "no such key here");
    const decision = guardSignature({ ...request, bindings: connection.bindings, policy, hostsOfKey });
    if (decision.kind === "refused") return refuse(decision.reason, decision.text);
    if (this.#waiting >= limits.waitingSignatures) return refuse("busy", `${this.#waiting} signatures are waiting`);
    const fields = { ...record, algorithm: decision.algorithm, purpose: decision.purpose };
    this.#waiting++;
    try {
      const signature = await this.#signWith(key, decision, request.data, signal);
      connection.log[decision.purpose.kind === "any-data" ? "warn" : "info"]("signed", { ...fields, result: "signed" });
      return { kind: "signature", signature };
    } catch (error) {
      if (signal.aborted) connection.log.info("signature abandoned", { ...fields, result: "abandoned" });
      else if (error instanceof JpkiError)
        connection.log.warn("not signed", { ...fields, result: "failed", reason: error.code, text: error.message });
      else throw error;
      return FAILURE;
    } finally {
      this.#waiting--;
    }
  }

  async #signWith(
    key: KeyIdentity,
    { algorithm, purpose }: AllowedSignature,
    data: Uint8Array,
    signal: AbortSignal,
  ): Promise<Uint8Array> {
    const digest = createHash(hashOf(algorithm)).update(data).digest();
    const raw = await this.#options.keys.sign(key.id, digestInfo(algorithm, digest), { purpose, signal });
    return signatureBlob(algorithm, raw);
  }
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
