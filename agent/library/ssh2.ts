/**
 * The package's entry for programs that use ssh2: an agent for its client, without a socket and without another process.
 *
 * Apart from the main entry, so that who only reads cards does not load ssh2.
 */

import { createHash } from "node:crypto";
import { JpkiError, KeyError, PolicyError } from "../../lib/errors.ts";
import { encodeRsaBlob, keyFingerprint } from "../../lib/ssh/public-key.ts";
import { digestInfo, hashOf, SSH_AGENT_RSA_SHA2_256, SSH_AGENT_RSA_SHA2_512 } from "../../lib/ssh/signature.ts";
import {
  type IdentityCallback,
  type ParsedKey,
  type SignCallback,
  type SigningRequestOptions,
  ssh2,
} from "../../lib/ssh2.ts";
import { requireReader, requireUsableCard } from "../export-key.ts";
import { readerFilter } from "../reader-filter.ts";
import type { BindingFacts } from "../session-bindings.ts";
import { type Allowance, guardSignature } from "../sign-guard.ts";
import { signatureFacts } from "../signature-facts.ts";
import { type CardAccess, openCardAccess } from "./card-access.ts";
import type { JpkiOptions } from "./options.ts";

export type { JpkiOptions, PinSource } from "./options.ts";

type PublicKey = ParsedKey | Buffer | string;

/** ssh2 says nothing of the server that the client is connected to. */
const UNBOUND: BindingFacts = { bindings: [], unprovenForwarding: false };
const noHosts = () => [];

/**
 * `new Client().connect({ …, agent: new JpkiAgent() })` logs in by the card. Signs SSH logins and nothing else.
 *
 * The readers are opened when the client first asks, and watched until {@link JpkiAgent.close}. What goes wrong reaches
 * the client's `error` event as a {@link JpkiError}, with ssh2's `level` "agent". ssh2 takes an agent only if it is made
 * of the same copy of ssh2 as the client.
 */
export class JpkiAgent extends ssh2.BaseAgent<Buffer> {
  readonly #options: JpkiOptions;
  #access: Promise<CardAccess> | undefined;
  #closed = false;

  /** Opens nothing. */
  constructor(options: JpkiOptions = {}) {
    super();
    this.#options = options;
  }

  /** For ssh2: the keys of the cards, those on readers first. */
  getIdentities(callback: IdentityCallback<Buffer>): void {
    answer(this.#identities(), callback);
  }

  /** For ssh2: the bare signature over a login. */
  sign(key: PublicKey, data: Buffer, options: SigningRequestOptions | SignCallback, callback?: SignCallback): void {
    const [given, tell] = typeof options === "function" ? [{}, options] : [options, callback];
    answer(this.#sign(key, data, given.hash), tell ?? (() => {}));
  }

  /** Ends what waits, cuts the cards' power, and lets the process end. May be called twice. */
  async close(): Promise<void> {
    this.#closed = true;
    const access = await this.#access?.catch(() => undefined); // what did not open was told to who asked for it
    await access?.close();
  }

  #open(): Promise<CardAccess> {
    if (this.#closed) throw new KeyError("KEY_UNKNOWN", "use the card: the agent is closed");
    this.#access ??= openCardAccess(this.#options).catch((error: unknown) => {
      this.#access = undefined;
      throw error;
    });
    return this.#access;
  }

  async #identities(): Promise<Buffer[]> {
    const { keys, parts, cards, closing } = await this.#open();
    const listed = keys.list();
    if (listed.length === 0) {
      // An empty list would end in a failed login without a reason.
      const wantsReader = readerFilter(parts.reader);
      await requireReader({ ...parts, reader: parts.reader, wantsReader }, closing);
      requireUsableCard(parts.transport, cards.registry, wantsReader);
    }
    return listed.map((key) => Buffer.from(encodeRsaBlob(key.publicKey)));
  }

  async #sign(wanted: PublicKey, data: Buffer, hash: SigningRequestOptions["hash"]): Promise<Buffer> {
    const { keys, parts, program, closing } = await this.#open();
    const keyBlob = blobOf(wanted);
    const key = keys.list().find((known) => keyBlob.equals(encodeRsaBlob(known.publicKey)));
    if (key === undefined) throw new KeyError("KEY_UNKNOWN", `sign with ${keyFingerprint(keyBlob)}: no such key here`);
    const entry = {
      key: keyFingerprint(keyBlob),
      comment: key.comment,
      ...signatureFacts(data, UNBOUND, noHosts),
      program,
    };
    try {
      const { algorithm, purpose } = requireLogin(data, keyBlob, hash);
      const digest = createHash(hashOf(algorithm)).update(data).digest();
      const context = { purpose, program, signal: closing };
      const signature = await keys.sign(key.id, digestInfo(algorithm, digest), context);
      parts.record?.add({ ...entry, result: "signed" });
      return Buffer.from(signature);
    } catch (error) {
      if (error instanceof PolicyError)
        parts.record?.add({ ...entry, result: "refused", reason: String(error.details["problem"]) });
      else if (closing.aborted) parts.record?.add({ ...entry, result: "abandoned" });
      else
        parts.record?.add({ ...entry, result: "failed", reason: error instanceof JpkiError ? error.code : "INTERNAL" });
      throw error;
    }
  }
}

/** Promise 3, and narrower than for the agent's socket: an SSH login of this key, with SHA-2. @throws PolicyError. */
function requireLogin(data: Uint8Array, keyBlob: Uint8Array, hash: SigningRequestOptions["hash"]): Allowance {
  const decision = guardSignature({
    data,
    keyBlob,
    flags: flagsOf(hash),
    bindings: UNBOUND,
    policy: { allowSha1: false, allowAnyData: false },
    hostsOfKey: noHosts,
  });
  if (decision.kind === "refused")
    throw new PolicyError(`sign for an SSH login: ${decision.text}`, { details: { problem: decision.reason } });
  if (decision.purpose.kind !== "ssh-login")
    throw new PolicyError("sign for an SSH login: it is an SSH signature", { details: { problem: "no-login" } });
  return decision;
}

/** ssh2 names the hash of the algorithm that the login names; none for `ssh-rsa`, which is SHA-1. */
function flagsOf(hash: SigningRequestOptions["hash"]): number {
  if (hash === "sha512") return SSH_AGENT_RSA_SHA2_512;
  return hash === "sha256" ? SSH_AGENT_RSA_SHA2_256 : 0;
}

function blobOf(key: PublicKey): Buffer {
  const parsed = ssh2.utils.parseKey(key);
  if (parsed instanceof Error) throw new KeyError("KEY_UNKNOWN", `sign: ${parsed.message}`, { cause: parsed });
  return parsed.getPublicSSH();
}

/** Calls back once. What the callback throws is its own: it must not be taken for an error of ours. */
function answer<T>(promise: Promise<T>, callback: (error: Error | null, value?: T) => void): void {
  promise.then(
    (value) => queueMicrotask(() => callback(null, value)),
    (error: unknown) => queueMicrotask(() => callback(error instanceof Error ? error : new Error(String(error)))),
  );
}
