/** A PKCS #11 program in process: calls by their names, answers as values or as their CK_RV. */

import type { OpenApplication, P11Application, P11Calls, P11Client, ServedCall } from "../../agent/p11/application.ts";
import { CkError } from "../../agent/p11/ck-error.ts";
import { createApplications } from "../../agent/p11/handler.ts";
import type { P11Slots } from "../../agent/p11/token.ts";
import { type Logger, silentLogger } from "../../lib/log.ts";
import type { Args, Result } from "../../lib/p11/calls.ts";
import {
  CKA_CLASS,
  CKF_RW_SESSION,
  CKF_SERIAL_SESSION,
  CKO_PRIVATE_KEY,
  CKR_CRYPTOKI_NOT_INITIALIZED,
  CKR_OK,
  CKU_USER,
} from "../../lib/p11/constants.ts";
import type { Attribute } from "../../lib/p11/values.ts";

/** All objects of a template, taken at once. */
const MANY = 100;

type Method<C extends ServedCall> = (args: Args<C>, signal: AbortSignal) => Result<C> | Promise<Result<C>>;

export class FakeProgram {
  readonly #application: P11Application;
  readonly #gone = new AbortController();

  constructor(open: OpenApplication, client: Partial<P11Client> = {}) {
    this.#application = open({ version: 1, log: silentLogger, program: async () => "fake (1)", ...client });
  }

  /** @throws CkError. */
  async call<C extends ServedCall>(name: C, ...args: Args<C>): Promise<Result<C>> {
    const calls: P11Calls = this.#application;
    const method: Method<C> = calls[name];
    return method.call(this.#application, args, this.#gone.signal);
  }

  /** CKR_OK if the call succeeds. */
  async rv<C extends ServedCall>(name: C, ...args: Args<C>): Promise<number> {
    try {
      await this.call(name, ...args);
      return CKR_OK;
    } catch (error) {
      if (error instanceof CkError) return error.rv;
      throw error;
    }
  }

  /** Hangs up, or calls C_Finalize. */
  end(): void {
    this.#gone.abort(new CkError(CKR_CRYPTOKI_NOT_INITIALIZED));
    this.#application.end();
  }

  async open(slotId = 1, flags = CKF_SERIAL_SESSION): Promise<number> {
    const [handle] = await this.call("C_OpenSession", slotId, flags);
    return handle;
  }

  openReadWrite(slotId = 1): Promise<number> {
    return this.open(slotId, CKF_SERIAL_SESSION | CKF_RW_SESSION);
  }

  login(session: number, pin?: string): Promise<number> {
    return this.rv("C_Login", session, CKU_USER, pin === undefined ? undefined : new TextEncoder().encode(pin));
  }

  async state(session: number): Promise<number> {
    const [, state] = await this.call("C_GetSessionInfo", session);
    return state;
  }

  async find(session: number, template: readonly Attribute[] = []): Promise<readonly number[]> {
    await this.call("C_FindObjectsInit", session, template);
    const [found] = await this.call("C_FindObjects", session, MANY);
    await this.call("C_FindObjectsFinal", session);
    if ("needed" in found) throw new Error("C_FindObjects never answers with a size");
    return found;
  }

  findClass(session: number, objectClass: number): Promise<readonly number[]> {
    return this.find(session, [{ type: CKA_CLASS, value: objectClass }]);
  }

  /** After login. */
  async privateKey(session: number): Promise<number> {
    const [key] = await this.findClass(session, CKO_PRIVATE_KEY);
    if (key === undefined) throw new Error("the private key is not seen");
    return key;
  }

  /** A session that is logged in, and the private key. */
  async loggedIn(slotId = 1): Promise<{ readonly session: number; readonly key: number }> {
    const session = await this.open(slotId);
    await this.call("C_Login", session, CKU_USER, undefined);
    return { session, key: await this.privateKey(session) };
  }
}

export interface FaceSetUp {
  readonly allowSha1?: boolean;
  readonly log?: Logger;
}

/** What makes programs on these slots. */
export function setUpFace(slots: P11Slots, { allowSha1 = false, log = silentLogger }: FaceSetUp = {}) {
  const open = createApplications({ slots, allowSha1, version: "1.2.3", log });
  return { program: (client: Partial<P11Client> = {}) => new FakeProgram(open, { log, ...client }) };
}
