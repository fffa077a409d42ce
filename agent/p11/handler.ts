/**
 * The PKCS #11 face as one program sees it: a method for each call, over its sessions, its logins and the tokens'
 * objects. Whatever lists answers from memory; only C_Login and the last step of a signature reach a card or a person.
 */

import type { Logger } from "../../lib/log.ts";
import type { Args, Result } from "../../lib/p11/calls.ts";
import {
  CKF_DONT_BLOCK,
  CKF_HW,
  CKF_SERIAL_SESSION,
  CKF_SIGN,
  CKR_CRYPTOKI_NOT_INITIALIZED,
  CKR_OBJECT_HANDLE_INVALID,
  CKR_SESSION_PARALLEL_NOT_SUPPORTED,
} from "../../lib/p11/constants.ts";
import type { OpenApplication, P11Application, P11Client } from "./application.ts";
import { readAttributes } from "./attributes.ts";
import { CkError } from "./ck-error.ts";
import { findMechanism, type Offering, offeredMechanisms } from "./mechanisms.ts";
import { type HandledObject, ObjectTable } from "./object-table.ts";
import { logIn } from "./session-login.ts";
import { beginSearch, endSearch, nextFound } from "./session-search.ts";
import { beginSigning, cancelSigning, finishSigning, signPart } from "./session-signing.ts";
import { type Session, Sessions } from "./sessions.ts";
import type { SignOperation } from "./sign-operation.ts";
import { SlotEvents } from "./slot-events.ts";
import { findSlot, requireSlot, requireToken } from "./slot-lookup.ts";
import { libraryInfo, slotInfo, tokenInfo } from "./slot-view.ts";
import type { P11Slots, P11Token } from "./token.ts";
import { TokenLogin } from "./token-login.ts";

export interface ApplicationsOptions {
  readonly slots: P11Slots;
  /** Signatures with SHA-1, for what knows no other: TLS before 1.2. */
  readonly allowSha1: boolean;
  /** Ours: `1.2.3`. */
  readonly version: string;
  readonly log: Logger;
}

/** JPKI keys are RSA of this many bits, all of them. */
const KEY_BITS = 2048;

/** What all programs share: none can name another's session, for no handle is given twice. */
interface Shared extends ApplicationsOptions {
  readonly objects: ObjectTable;
  readonly nextSession: () => number;
}

/** @returns what makes an application for each program that calls C_Initialize. */
export function createApplications(options: ApplicationsOptions): OpenApplication {
  let handle = 0;
  const shared = { ...options, objects: new ObjectTable(options.log), nextSession: () => ++handle };
  return (client) => new Application(shared, client);
}

class Application implements P11Application {
  readonly #shared: Shared;
  readonly #client: P11Client;
  readonly #sessions: Sessions;
  readonly #logins = new Map<P11Token, TokenLogin>();
  readonly #events = new SlotEvents();
  readonly #unwatch: () => void;

  constructor(shared: Shared, client: P11Client) {
    this.#shared = shared;
    this.#client = client;
    this.#sessions = new Sessions((slotId) => findSlot(shared.slots, slotId)?.token);
    this.#unwatch = shared.slots.watch((slotId) => this.#slotChanged(slotId));
  }

  end(): void {
    this.#unwatch();
    const reason = new CkError(CKR_CRYPTOKI_NOT_INITIALIZED);
    this.#sessions.endAll(reason);
    for (const login of this.#logins.values()) login.end();
    this.#logins.clear();
  }

  C_GetInfo(): Result<"C_GetInfo"> {
    return libraryInfo(this.#shared.version);
  }

  C_GetSlotList([tokenPresent, room]: Args<"C_GetSlotList">): Result<"C_GetSlotList"> {
    const slots = this.#shared.slots.list().filter(({ token }) => tokenPresent === 0 || token !== undefined);
    return fitting(
      slots.map(({ id }) => id),
      room,
    );
  }

  C_GetSlotInfo([slotId]: Args<"C_GetSlotInfo">): Result<"C_GetSlotInfo"> {
    return slotInfo(requireSlot(this.#shared.slots, slotId));
  }

  C_GetTokenInfo([slotId]: Args<"C_GetTokenInfo">): Result<"C_GetTokenInfo"> {
    const { key, token } = requireToken(this.#shared.slots, slotId);
    return tokenInfo(key, token, this.#sessions.counts(token));
  }

  C_GetMechanismList([slotId, room]: Args<"C_GetMechanismList">): Result<"C_GetMechanismList"> {
    const offered = offeredMechanisms(this.#offering(requireToken(this.#shared.slots, slotId).token));
    return fitting(
      offered.map(({ type }) => type),
      room,
    );
  }

  C_GetMechanismInfo([slotId, type]: Args<"C_GetMechanismInfo">): Result<"C_GetMechanismInfo"> {
    findMechanism(type, this.#offering(requireToken(this.#shared.slots, slotId).token));
    return [KEY_BITS, KEY_BITS, CKF_HW | CKF_SIGN];
  }

  /** Read-write too, as ssh asks for it (observed), though nothing can be written. */
  C_OpenSession([slotId, flags]: Args<"C_OpenSession">): Result<"C_OpenSession"> {
    const slot = requireToken(this.#shared.slots, slotId);
    if ((flags & CKF_SERIAL_SESSION) === 0) throw new CkError(CKR_SESSION_PARALLEL_NOT_SUPPORTED);
    const login = this.#loginTo(slot.token);
    return [this.#sessions.open({ handle: this.#shared.nextSession(), slot, token: slot.token, login, flags }).handle];
  }

  C_CloseSession([handle]: Args<"C_CloseSession">): Result<"C_CloseSession"> {
    this.#sessions.close(this.#sessions.get(handle));
    return [];
  }

  C_CloseAllSessions([slotId]: Args<"C_CloseAllSessions">): Result<"C_CloseAllSessions"> {
    this.#sessions.closeAll(requireSlot(this.#shared.slots, slotId).id);
    return [];
  }

  C_GetSessionInfo([handle]: Args<"C_GetSessionInfo">): Result<"C_GetSessionInfo"> {
    const { slotId, state, flags } = this.#sessions.get(handle);
    return [slotId, state, flags, 0];
  }

  async C_Login([handle, user, pin]: Args<"C_Login">, signal: AbortSignal): Promise<Result<"C_Login">> {
    await logIn({ session: this.#sessions.get(handle), user, pin, signal, log: this.#client.log });
    return [];
  }

  C_Logout([handle]: Args<"C_Logout">): Result<"C_Logout"> {
    this.#sessions.get(handle).login.logout();
    return [];
  }

  C_GetAttributeValue([handle, object, wanted]: Args<"C_GetAttributeValue">): Result<"C_GetAttributeValue"> {
    const found = this.#visible(this.#sessions.get(handle)).find((visible) => visible.handle === object);
    if (found === undefined) throw new CkError(CKR_OBJECT_HANDLE_INVALID);
    return readAttributes(found.object, wanted);
  }

  C_FindObjectsInit([handle, template]: Args<"C_FindObjectsInit">): Result<"C_FindObjectsInit"> {
    const session = this.#sessions.get(handle);
    beginSearch(session, template, () => this.#visible(session));
    return [];
  }

  C_FindObjects([handle, room]: Args<"C_FindObjects">): Result<"C_FindObjects"> {
    return [nextFound(this.#sessions.get(handle), room)];
  }

  C_FindObjectsFinal([handle]: Args<"C_FindObjectsFinal">): Result<"C_FindObjectsFinal"> {
    endSearch(this.#sessions.get(handle));
    return [];
  }

  C_SignInit([handle, mechanism, key]: Args<"C_SignInit">): Result<"C_SignInit"> {
    const session = this.#sessions.get(handle);
    if (mechanism === undefined) {
      cancelSigning(session);
      return [];
    }
    const object = this.#objectsOf(session).find((known) => known.handle === key)?.object;
    beginSigning({ session, mechanism, object, offering: this.#offering(session.token), log: this.#client.log });
    return [];
  }

  async C_Sign([handle, data, room]: Args<"C_Sign">, signal: AbortSignal): Promise<Result<"C_Sign">> {
    const session = this.#sessions.get(handle);
    const input = (operation: SignOperation) => operation.inputOf(data ?? new Uint8Array());
    return [await finishSigning({ session, room, input, signal })];
  }

  C_SignUpdate([handle, part]: Args<"C_SignUpdate">): Result<"C_SignUpdate"> {
    signPart(this.#sessions.get(handle), part ?? new Uint8Array());
    return [];
  }

  async C_SignFinal([handle, room]: Args<"C_SignFinal">, signal: AbortSignal): Promise<Result<"C_SignFinal">> {
    const session = this.#sessions.get(handle);
    const input = (operation: SignOperation) => operation.inputOfParts();
    return [await finishSigning({ session, room, input, signal })];
  }

  async C_WaitForSlotEvent(
    [flags]: Args<"C_WaitForSlotEvent">,
    signal: AbortSignal,
  ): Promise<Result<"C_WaitForSlotEvent">> {
    return [(flags & CKF_DONT_BLOCK) !== 0 ? this.#events.take() : await this.#events.wait(signal)];
  }

  #slotChanged(slotId: number): void {
    const present = this.#shared.slots.list().map(({ token }) => token);
    this.#sessions.lose(slotId);
    for (const [token, login] of this.#logins) {
      if (present.includes(token)) continue;
      login.end();
      this.#logins.delete(token);
    }
    this.#events.add(slotId);
  }

  #loginTo(token: P11Token): TokenLogin {
    const known = this.#logins.get(token);
    if (known !== undefined) return known;
    const login = new TokenLogin(token, this.#client);
    this.#logins.set(token, login);
    return login;
  }

  #offering(token: P11Token): Offering {
    return { token, allowSha1: this.#shared.allowSha1, clientVersion: this.#client.version };
  }

  #objectsOf({ key, token }: Session): readonly HandledObject[] {
    return this.#shared.objects.list(key, token);
  }

  /** Private ones after login only: OpenSSL's engine does not log in where it sees the key already (observed). */
  #visible(session: Session): readonly HandledObject[] {
    const objects = this.#objectsOf(session);
    return session.login.current === undefined ? objects.filter(({ object }) => !object.isPrivate) : objects;
  }
}

/** A list where there is room for it, else how much is needed. */
function fitting(list: readonly number[], room: number): readonly [readonly number[] | { readonly needed: number }] {
  return [list.length <= room ? list : { needed: list.length }];
}
