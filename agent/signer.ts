/**
 * Sign requests of the SSH face: guard, then key store. Every signature, and everything refused, is one line in the log
 * with its reason.
 */

import { createHash } from "node:crypto";
import { equalBytes } from "../lib/bytes.ts";
import { JpkiError } from "../lib/errors.ts";
import type { KeyIdentity, KeyStore } from "../lib/keys.ts";
import type { AgentRequest } from "../lib/ssh/agent-protocol.ts";
import { type AgentResponse, FAILURE } from "../lib/ssh/agent-response.ts";
import { encodeRsaBlob, keyFingerprint } from "../lib/ssh/public-key.ts";
import { digestInfo, hashOf, signatureBlob } from "../lib/ssh/signature.ts";
import type { Limits } from "./limits.ts";
import { type GuardDecision, guardSignature, type SignPolicy } from "./sign-guard.ts";
import type { ConnectionState } from "./ssh-handler.ts";

export interface SignerOptions {
  readonly keys: KeyStore;
  readonly policy: SignPolicy;
  /** Host names of a host key, from known_hosts: shown and logged. */
  readonly hostsOfKey: (hostKeyBlob: Uint8Array) => readonly string[];
  readonly limits: Pick<Limits, "waitingSignatures">;
}

type SignRequest = Extract<AgentRequest, { kind: "sign" }>;
type AllowedSignature = Extract<GuardDecision, { kind: "allowed" }>;

/** One for all connections: it counts the signatures that wait. */
export class Signer {
  readonly #options: SignerOptions;
  #waiting = 0;

  constructor(options: SignerOptions) {
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
