/**
 * Sign requests of the SSH face: constraints of the key, guard, a person's yes where one is wanted, then the key store.
 * Every signature, and everything refused, is one line in the log with its reason, and one entry in the record.
 */

import { createHash } from "node:crypto";
import { JpkiError, PinError } from "../lib/errors.ts";
import type { KeyIdentity, KeyStore, SignContext } from "../lib/keys.ts";
import type { UseRequest } from "../lib/pin/prompt.ts";
import type { SignatureRecord, SignatureResult } from "../lib/signature-entry.ts";
import type { AgentRequest } from "../lib/ssh/agent-protocol.ts";
import { type AgentResponse, FAILURE } from "../lib/ssh/agent-response.ts";
import { keyFingerprint } from "../lib/ssh/public-key.ts";
import { digestInfo, hashOf, signatureBlob } from "../lib/ssh/signature.ts";
import type { AgentLock } from "./agent-lock.ts";
import type { ConnectionState } from "./connection-state.ts";
import { hopsOf } from "./consent.ts";
import type { KeyConstraints, KeyPermission } from "./key-constraints.ts";
import type { Limits } from "./limits.ts";
import type { OfferedKeys } from "./offered-keys.ts";
import { type Allowance, type AskedRefusal, guardSignature, type SignPolicy } from "./sign-guard.ts";
import { signatureFacts } from "./signature-facts.ts";

export interface SignerOptions {
  readonly keys: Pick<KeyStore, "sign">;
  readonly offered: OfferedKeys;
  readonly constraints: KeyConstraints;
  readonly lock: Pick<AgentLock, "locked">;
  readonly policy: SignPolicy;
  /** Asks a person, see `PinBroker.confirm`; without it, what needs a yes is refused. */
  readonly confirmUse?: ((request: UseRequest, signal: AbortSignal) => Promise<boolean>) | undefined;
  /** Host names of a host key, from known_hosts: shown and logged. */
  readonly hostsOfKey: (hostKeyBlob: Uint8Array) => readonly string[];
  /** Is told what becomes of each request for a key of ours. */
  readonly record?: SignatureRecord | undefined;
  readonly limits: Pick<Limits, "waitingSignatures">;
}

type Permitted = Extract<KeyPermission, { kind: "permitted" }>;
type SignRequest = Extract<AgentRequest, { kind: "sign" }>;

/** Why there is no signature, for the log. */
interface Objection {
  readonly reason: string;
  readonly text: string;
}

/** One for all connections: it counts the signatures that wait. */
export class Signer {
  readonly #options: SignerOptions;
  readonly #waiting = new Set<AbortController>();

  constructor(options: SignerOptions) {
    this.#options = options;
  }

  /** Ends every signature that waits for a card or a person. */
  abandon(reason: string): void {
    for (const waiting of this.#waiting) waiting.abort(new DOMException(reason, "AbortError"));
  }

  async sign(request: SignRequest, connection: ConnectionState, signal: AbortSignal): Promise<AgentResponse> {
    const { offered, constraints, policy, hostsOfKey, limits } = this.#options;
    const { bindings } = connection;
    const found = offered.find(request.keyBlob);
    const key = keyFingerprint(found?.keyBlob ?? request.keyBlob);
    const program = found && (await connection.program());
    const record = { event: "sign", key, program };
    const keep = (result: SignatureResult, reason?: string) => {
      if (!found) return;
      const facts = signatureFacts(request.data, bindings, hostsOfKey);
      this.#options.record?.add({ key, comment: found.key.comment, result, reason, ...facts, program });
    };
    const refuse = ({ reason, text }: Objection): AgentResponse => {
      connection.log.warn("signature refused", { ...record, result: "refused", reason, text });
      keep("refused", reason);
      return FAILURE;
    };
    if (!found) return refuse({ reason: "unknown-key", text: "no such key here" });
    const permission = constraints.permits(found.key.id, bindings, request.data);
    if (permission.kind === "refused") return refuse(permission);
    const decision = guardSignature({ ...request, ...found, bindings, policy, hostsOfKey });
    if (decision.kind === "refused" && decision.unlessAgreed === undefined) return refuse(decision);
    const allowance = decision.kind === "allowed" ? decision : decision.unlessAgreed;
    const waiting = this.#waiting.size;
    if (waiting >= limits.waitingSignatures)
      return refuse({ reason: "busy", text: `${waiting} signatures are waiting` });
    const fields = { ...record, algorithm: allowance.algorithm, purpose: allowance.purpose };
    const own = this.#begin(signal);
    try {
      const subject = { card: found.key.comment, purpose: allowance.purpose, program };
      const objection = await this.#askPerson(subject, decision, permission.confirm, connection, own.signal);
      if (objection) return refuse(objection);
      const withdrawn = () => this.#withdrawn(constraints.permits(found.key.id, bindings, request.data), permission);
      const before = withdrawn();
      if (before) return refuse(before);
      const context = { purpose: allowance.purpose, program, signal: own.signal };
      const signature = await this.#signWith(found.key, allowance, request.data, context);
      // It may have waited for a card and a PIN: what was made meanwhile is not handed out.
      const after = withdrawn();
      if (after) return refuse(after);
      connection.log[allowance.purpose.kind === "any-data" ? "warn" : "info"]("signed", {
        ...fields,
        result: "signed",
      });
      keep("signed");
      return { kind: "signature", signature };
    } catch (error) {
      if (own.signal.aborted) {
        connection.log.info("signature abandoned", { ...fields, result: "abandoned" });
        keep("abandoned");
      } else if (error instanceof JpkiError) {
        connection.log.warn("not signed", { ...fields, result: "failed", reason: error.code, text: error.message });
        keep("failed", error.code);
      } else throw error;
      return FAILURE;
    } finally {
      own.end();
    }
  }

  /** A signal of this signature's own, which aborts with the client's and by {@link abandon}. */
  #begin(signal: AbortSignal): { readonly signal: AbortSignal; readonly end: () => void } {
    const own = new AbortController();
    const follow = () => own.abort(signal.reason);
    if (signal.aborted) follow();
    signal.addEventListener("abort", follow, { once: true });
    this.#waiting.add(own);
    return {
      signal: own.signal,
      end: () => {
        signal.removeEventListener("abort", follow);
        this.#waiting.delete(own);
      },
    };
  }

  /**
   * Asks what is to be asked, no card being held. One yes about the forwarding is a yes for the use it was asked for.
   *
   * @returns why not, if a person did not agree or could not be asked.
   */
  async #askPerson(
    subject: Pick<UseRequest, "card" | "purpose" | "program">,
    decision: Allowance | AskedRefusal,
    confirmKey: boolean,
    { bindings: { bindings }, consent }: ConnectionState,
    signal: AbortSignal,
  ): Promise<Objection | undefined> {
    const { policy, hostsOfKey } = this.#options;
    if (decision.kind === "refused") {
      const before = consent.answerFor(bindings, subject.purpose);
      if (before === false) return decision;
      if (before === undefined) {
        const hops = hopsOf(bindings, hostsOfKey);
        const answer = await this.#ask({ kind: "forwarded", ...subject, hops }, signal);
        if (typeof answer !== "string") consent.keep(answer, bindings, subject.purpose);
        if (answer === true) return undefined;
        return answer === false ? decision : { ...decision, text: `${decision.text}; ${answer}` };
      }
    }
    if (!policy.confirm && !confirmKey) return undefined;
    const answer = await this.#ask({ kind: "use", ...subject }, signal);
    if (answer === true) return undefined;
    return { reason: "not-confirmed", text: answer === false ? "a person said no" : answer };
  }

  /** Why what was permitted is so no longer: a lock, a removal, the end of the key's time, a constraint laid on it since. */
  #withdrawn(now: KeyPermission, asked: Permitted): Objection | undefined {
    if (this.#options.lock.locked) return { reason: "locked", text: "the agent was locked" };
    if (now.kind === "refused") return now;
    if (!now.confirm || asked.confirm || this.#options.policy.confirm) return undefined;
    return { reason: "not-confirmed", text: "the key is to be confirmed since, and nobody was asked" };
  }

  /** A person's answer, or why nobody could be asked. */
  async #ask(request: UseRequest, signal: AbortSignal): Promise<boolean | string> {
    const { confirmUse } = this.#options;
    if (confirmUse === undefined) return "nobody can be asked";
    try {
      return await confirmUse(request, signal);
    } catch (error) {
      if (error instanceof PinError && error.code === "PIN_NO_PROMPT") return error.message;
      throw error;
    }
  }

  async #signWith(
    key: KeyIdentity,
    { algorithm }: Allowance,
    data: Uint8Array,
    context: SignContext,
  ): Promise<Uint8Array> {
    const digest = createHash(hashOf(algorithm)).update(data).digest();
    const raw = await this.#options.keys.sign(key.id, digestInfo(algorithm, digest), context);
    return signatureBlob(algorithm, raw);
  }
}
