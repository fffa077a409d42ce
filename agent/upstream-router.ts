/**
 * Decides which of two agents answers a request: we for our own keys, the upstream agent for everything else.
 *
 *     list, query                  both, ours first
 *     sign, remove                 ours for our keys, else the upstream
 *     add                          the upstream: this agent keeps no keys but the cards'
 *     remove all, lock, unlock     both
 *     add, remove a smart card     ours for the token `jpki`, else the upstream
 *     session-bind                 both; the answer is ours
 *     extensions of @jpki-agent    ours
 *     other extensions             the upstream
 *
 * What the upstream gets and answers is passed on byte for byte. While we are locked it gets nothing but
 * bindings and the order to remove all, whether or not it is locked itself.
 */

import { ByteReader, equalBytes, utf8 } from "../lib/bytes.ts";
import { JpkiError } from "../lib/errors.ts";
import type { RsaPublicKey } from "../lib/keys.ts";
import type { Logger } from "../lib/log.ts";
import {
  type AgentResponse,
  decodeQueryNames,
  decodeResponse,
  encodeQueryNames,
  encodeResponse,
  FAILURE,
  type Identity,
  SUCCESS,
} from "../lib/ssh/agent-response.ts";
import {
  EXTENSION_QUERY,
  EXTENSION_SESSION_BIND,
  OWN_EXTENSIONS,
  SSH_AGENT_SUCCESS,
  SSH_AGENTC_ADD_ID_CONSTRAINED,
  SSH_AGENTC_ADD_IDENTITY,
  SSH_AGENTC_ADD_SMARTCARD_KEY,
  SSH_AGENTC_ADD_SMARTCARD_KEY_CONSTRAINED,
  SSH_AGENTC_EXTENSION,
  SSH_AGENTC_LOCK,
  SSH_AGENTC_REMOVE_ALL_IDENTITIES,
  SSH_AGENTC_REMOVE_IDENTITY,
  SSH_AGENTC_REMOVE_SMARTCARD_KEY,
  SSH_AGENTC_REQUEST_IDENTITIES,
  SSH_AGENTC_SIGN_REQUEST,
  SSH_AGENTC_UNLOCK,
} from "../lib/ssh/message-numbers.ts";
import { MAX_FRAME_BYTES } from "../lib/ssh/wire.ts";
import type { AnswerFrame } from "./connection.ts";
import { joinIdentities } from "./joined-identities.ts";
import { OWN_TOKEN_ID } from "./ssh-token.ts";
import type { Upstream, UpstreamAnswer } from "./upstream.ts";

/** Our own answer to a frame's body. @throws MALFORMED, TOO_LARGE. */
export type OwnAnswer = (request: Uint8Array, signal: AbortSignal) => Promise<AgentResponse>;

export interface RouterOptions {
  readonly own: OwnAnswer;
  readonly ownKeys: () => readonly RsaPublicKey[];
  readonly isLocked: () => boolean;
  readonly upstream: Upstream;
  readonly log: Logger;
}

/** Answers the requests of one client with our keys and those of the upstream agent. */
export function routeToUpstream(options: RouterOptions): AnswerFrame {
  const router = new Router(options);
  return (request, signal) => router.answer(request, signal);
}

class Router {
  readonly #options: RouterOptions;

  constructor(options: RouterOptions) {
    this.#options = options;
  }

  async answer(request: Uint8Array, signal: AbortSignal): Promise<Uint8Array> {
    switch (request[0]) {
      case SSH_AGENTC_REQUEST_IDENTITIES:
        return this.#list(request, signal);
      case SSH_AGENTC_SIGN_REQUEST:
      case SSH_AGENTC_REMOVE_IDENTITY:
        return this.#isOwnKey(firstString(request)) ? this.#own(request, signal) : this.#pass(request, signal);
      case SSH_AGENTC_ADD_SMARTCARD_KEY:
      case SSH_AGENTC_ADD_SMARTCARD_KEY_CONSTRAINED:
      case SSH_AGENTC_REMOVE_SMARTCARD_KEY:
        return isOwnToken(firstString(request)) ? this.#own(request, signal) : this.#pass(request, signal);
      case SSH_AGENTC_ADD_IDENTITY:
      case SSH_AGENTC_ADD_ID_CONSTRAINED:
        return this.#pass(request, signal);
      case SSH_AGENTC_REMOVE_ALL_IDENTITIES:
        return this.#removeAll(request, signal);
      case SSH_AGENTC_LOCK:
        return this.#lock(request, signal);
      case SSH_AGENTC_UNLOCK:
        return this.#unlock(request, signal);
      case SSH_AGENTC_EXTENSION:
        return this.#extension(request, signal);
      default:
        return this.#own(request, signal);
    }
  }

  async #own(request: Uint8Array, signal: AbortSignal): Promise<Uint8Array> {
    return encodeResponse(await this.#options.own(request, signal));
  }

  /** Nobody there, or nobody who answers: nothing was signed and nothing kept, so it is a failure. */
  async #pass(request: Uint8Array, signal: AbortSignal): Promise<Uint8Array> {
    const { upstream, isLocked } = this.#options;
    return isLocked() ? encodeResponse(FAILURE) : bodyOf(await upstream.ask(request, signal));
  }

  async #list(request: Uint8Array, signal: AbortSignal): Promise<Uint8Array> {
    const { own, upstream, isLocked, log } = this.#options;
    const answer = await own(request, signal);
    if (answer.kind !== "identities" || isLocked()) return encodeResponse(answer);
    const listed = this.#read(await upstream.askInTime(request, signal), identitiesIn);
    const theirs = listed.filter(({ keyBlob }) => !this.#isOwnKey(keyBlob));
    const identities = joinIdentities(answer.identities, theirs);
    if (identities.length < answer.identities.length + theirs.length)
      log.warn("the upstream agent has too many keys; some are left out", { kept: identities.length });
    return encodeResponse({ kind: "identities", identities });
  }

  /** Ours are forgotten in every case; success only if theirs are removed too, or there are none. */
  async #removeAll(request: Uint8Array, signal: AbortSignal): Promise<Uint8Array> {
    const answer = await this.#options.own(request, signal);
    if (answer.kind !== "success") return encodeResponse(answer);
    const theirs = await this.#options.upstream.askInTime(request, signal);
    return theirs.kind === "absent" ? encodeResponse(SUCCESS) : bodyOf(theirs);
  }

  /** Through us all keys are locked as soon as we are, whatever becomes of the other agent. */
  async #lock(request: Uint8Array, signal: AbortSignal): Promise<Uint8Array> {
    const { own, upstream, log } = this.#options;
    const answer = await own(request, signal);
    if (answer.kind === "success" && !isSuccess(await upstream.askInTime(request, signal)))
      log.warn("the upstream agent was not locked itself");
    return encodeResponse(answer);
  }

  /** If we are not locked, the other agent may be: by somebody else, or by us before we were started again. */
  async #unlock(request: Uint8Array, signal: AbortSignal): Promise<Uint8Array> {
    const { own, upstream, isLocked, log } = this.#options;
    const wasLocked = isLocked();
    const answer = await own(request, signal);
    if (answer.kind !== "success") return wasLocked ? encodeResponse(answer) : this.#pass(request, signal);
    if (!isSuccess(await upstream.askInTime(request, signal))) log.info("the upstream agent was not unlocked");
    return encodeResponse(answer);
  }

  async #extension(request: Uint8Array, signal: AbortSignal): Promise<Uint8Array> {
    const name = new TextDecoder().decode(firstString(request));
    switch (name) {
      case EXTENSION_SESSION_BIND: {
        // Ours is the answer, for our key depends on it; one that the other agent refuses makes it refuse its own keys.
        const answer = await this.#own(request, signal);
        await this.#options.upstream.bind(request, signal);
        return answer;
      }
      case EXTENSION_QUERY:
        return this.#query(request, signal);
      default:
        return OWN_EXTENSIONS.includes(name) ? this.#own(request, signal) : this.#pass(request, signal);
    }
  }

  async #query(request: Uint8Array, signal: AbortSignal): Promise<Uint8Array> {
    const { own, upstream } = this.#options;
    const answer = await own(request, signal);
    if (answer.kind !== "extension-response") return encodeResponse(answer);
    const theirs = this.#read(await upstream.askInTime(request, signal), queryNamesIn);
    const names = new Set([...decodeQueryNames(answer.body), ...theirs]);
    return encodeResponse({ ...answer, body: encodeQueryNames([...names]) });
  }

  /** What an answer of theirs holds; nothing if there is none, or none that can be read. */
  #read<T>(answer: UpstreamAnswer, read: (response: AgentResponse) => readonly T[]): readonly T[] {
    if (answer.kind !== "answered") return [];
    try {
      return read(decodeResponse(answer.body));
    } catch (error) {
      // What another program sends must not keep our own keys from being listed.
      if (!(error instanceof JpkiError)) throw error;
      this.#options.log.warn("the upstream agent's answer cannot be read", { error: error.message });
      return [];
    }
  }

  /**
   * Whatever holds the modulus of a key of ours: also certificates, and forms that others read as that key (OpenSSH skips
   * zeros before a number, and knows more names of its type). Who else could sign with the card must not, past the
   * sign-guard.
   */
  #isOwnKey(blob: Uint8Array): boolean {
    const bytes = asBuffer(blob);
    return this.#options.ownKeys().some(({ modulus }) => bytes.includes(asBuffer(modulus)));
  }
}

function identitiesIn(response: AgentResponse): readonly Identity[] {
  return response.kind === "identities" ? response.identities : [];
}

function queryNamesIn(response: AgentResponse): readonly string[] {
  return response.kind === "extension-response" ? decodeQueryNames(response.body) : [];
}

/** The field that follows the type byte: a key blob, a token's id or an extension's name. A view. @throws MALFORMED. */
function firstString(request: Uint8Array): Uint8Array {
  const reader = new ByteReader(request, "agent request");
  reader.u8("type");
  return reader.string("first field", MAX_FRAME_BYTES);
}

function isOwnToken(id: Uint8Array): boolean {
  return equalBytes(id, utf8(OWN_TOKEN_ID));
}

function bodyOf(answer: UpstreamAnswer): Uint8Array {
  return answer.kind === "answered" ? answer.body : encodeResponse(FAILURE);
}

function isSuccess(answer: UpstreamAnswer): boolean {
  return answer.kind === "answered" && answer.body[0] === SSH_AGENT_SUCCESS;
}

/** The same bytes. */
function asBuffer({ buffer, byteOffset, length }: Uint8Array): Buffer {
  return Buffer.from(buffer, byteOffset, length);
}
