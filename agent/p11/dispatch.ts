/**
 * From a request's bytes to the application's method and back: whatever comes in, one answer goes out.
 *
 * C_Initialize makes the application and C_Finalize ends it. Requests may be under way at the same time: C_WaitForSlotEvent
 * waits for as long as no card moves, and a person may take long over a PIN.
 */

import { ByteReader, equalBytes, utf8 } from "../../lib/bytes.ts";
import { MalformedError, messageOf, TooLargeError } from "../../lib/errors.ts";
import type { CallName } from "../../lib/p11/calls.ts";
import {
  CKR_CRYPTOKI_ALREADY_INITIALIZED,
  CKR_CRYPTOKI_NOT_INITIALIZED,
  CKR_DEVICE_ERROR,
  CKR_GENERAL_ERROR,
} from "../../lib/p11/constants.ts";
import {
  decodeArguments,
  decodeRpcRequest,
  encodeRpcError,
  encodeRpcResponse,
  type RpcRequest,
} from "../../lib/p11/rpc-codec.ts";
import { readUlong } from "../../lib/p11/wire.ts";
import {
  type OpenApplication,
  type P11Application,
  type P11Calls,
  type P11Client,
  SERVED_CALLS,
  type ServedCall,
} from "./application.ts";
import { CkError } from "./ck-error.ts";
import { refusalOf } from "./refusals.ts";

const HANDSHAKE = utf8("PRIVATE-GNOME-KEYRING-PKCS11-PROTOCOL-V-1");
/** They bring data for a signature, so they may be too long; their first value is the session. */
const SIGNING: ReadonlySet<CallName> = new Set(["C_Sign", "C_SignUpdate", "C_SignFinal"]);
const SERVED: ReadonlySet<string | undefined> = new Set(SERVED_CALLS);

interface Running {
  readonly application: P11Application;
  readonly ending: AbortController;
}

export class Dispatcher {
  readonly #client: P11Client;
  readonly #open: OpenApplication;
  /** Not given yet; none of them rejects. */
  readonly #answers = new Set<Promise<Uint8Array>>();
  #running: Running | undefined;

  constructor(client: P11Client, open: OpenApplication) {
    this.#client = client;
    this.#open = open;
  }

  /** @param body must not change before the answer is there. @returns the answer's body. Never rejects. */
  answer(body: Uint8Array): Promise<Uint8Array> {
    const answer = this.#answer(body);
    this.#answers.add(answer);
    void answer.then(() => this.#answers.delete(answer));
    return answer;
  }

  /**
   * A request that is too much to be answered: as any other error but want of room, it ends the signature that it
   * belongs to.
   *
   * @param body its beginning at least.
   */
  dropSigning(body: Uint8Array): void {
    try {
      const { call, values } = decodeRpcRequest(body);
      if (this.#running === undefined || call === undefined || !SIGNING.has(call)) return;
      const calls: P11Calls = this.#running.application;
      const session = readUlong(new ByteReader(values, call), "session");
      calls.C_SignInit([session, undefined, 0], this.#running.ending.signal);
    } catch (error) {
      // No such session, or nothing that could be read: then there is no signature either.
      if (!(error instanceof CkError || error instanceof MalformedError || error instanceof TooLargeError)) throw error;
    }
  }

  /** The program is gone or wants no more: aborts what is under way and ends the application. May be called twice. */
  end(): void {
    const running = this.#running;
    this.#running = undefined;
    running?.ending.abort(new CkError(CKR_CRYPTOKI_NOT_INITIALIZED));
    running?.application.end();
  }

  async #answer(body: Uint8Array): Promise<Uint8Array> {
    const { log } = this.#client;
    let call: CallName | undefined;
    try {
      const request = decoded(() => decodeRpcRequest(body));
      call = request.call;
      return await this.#dispatch(request);
    } catch (error) {
      if (error instanceof CkError) return encodeRpcError(error.rv);
      if (error instanceof Undecoded) {
        log.warn("malformed PKCS #11 request", { call, error: error.message });
        return encodeRpcError(CKR_DEVICE_ERROR);
      }
      log.error("PKCS #11 request failed unexpectedly", { call, error: messageOf(error) });
      return encodeRpcError(CKR_GENERAL_ERROR);
    }
  }

  async #dispatch(request: RpcRequest): Promise<Uint8Array> {
    const { call } = request;
    if (call === "C_Initialize") return this.#initialize(request);
    if (this.#running === undefined) throw new CkError(CKR_CRYPTOKI_NOT_INITIALIZED);
    if (call === "C_Finalize") return this.#finalize();
    if (!isServed(call)) throw new CkError(refusalOf(call));
    return this.#call(call, request, this.#running);
  }

  async #call<C extends ServedCall>(call: C, request: RpcRequest, running: Running): Promise<Uint8Array> {
    const args = decoded(() => decodeArguments(call, request));
    const calls: P11Calls = running.application;
    return encodeRpcResponse(call, await calls[call](args, running.ending.signal));
  }

  #initialize(request: RpcRequest): Uint8Array {
    const [handshake = new Uint8Array()] = decoded(() => decodeArguments("C_Initialize", request));
    if (this.#running !== undefined) throw new CkError(CKR_CRYPTOKI_ALREADY_INITIALIZED);
    if (!equalBytes(handshake, HANDSHAKE)) throw new CkError(CKR_GENERAL_ERROR);
    this.#running = { application: this.#open(this.#client), ending: new AbortController() };
    return encodeRpcResponse("C_Initialize", []);
  }

  /** What waits is answered first: the program closes the connection after this answer. */
  async #finalize(): Promise<Uint8Array> {
    const waiting = [...this.#answers];
    this.end();
    await Promise.all(waiting);
    return encodeRpcResponse("C_Finalize", []);
  }
}

/** A request's bytes are wrong; the same error from within an application would be a defect of ours. */
class Undecoded extends Error {}

function decoded<T>(decode: () => T): T {
  try {
    return decode();
  } catch (error) {
    if (error instanceof MalformedError || error instanceof TooLargeError) throw new Undecoded(error.message);
    throw error;
  }
}

function isServed(call: CallName | undefined): call is ServedCall {
  return SERVED.has(call);
}
