/** Slots and tokens behind the PKCS #11 face, with a real key in memory: no card, and a person made of a function. */

import { createPrivateKey, type KeyObject } from "node:crypto";
import type { P11Login, P11Program, P11Slot, P11Slots, P11Token, P11Tries } from "../../agent/p11/token.ts";
import { PcscError, PolicyError } from "../../lib/errors.ts";
import type { Pin } from "../../lib/pin/pin.ts";
import type { VirtualPki } from "../../lib/virtual-card/pki.ts";
import { computeSignature } from "../../lib/virtual-card/signature.ts";
import { type Deferred, deferred } from "./deferred.ts";
import { digitsOf } from "./spy-pin.ts";

/** A login that waits for its person, or a signature for its card. */
export interface Held {
  readonly signal: AbortSignal;
  release(): void;
  fail(error: Error): void;
}

/** Lets everything pass, until told to hold it. */
class Gate {
  readonly #held: Held[] = [];
  readonly #nextHeld: Deferred<Held>[] = [];
  #holds = false;

  hold(): void {
    this.#holds = true;
  }

  open(): void {
    this.#holds = false;
  }

  /** What waits, or the next that will. */
  next(): Promise<Held> {
    const held = this.#held.shift();
    if (held) return Promise.resolve(held);
    const next = deferred<Held>();
    this.#nextHeld.push(next);
    return next.promise;
  }

  async pass(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (!this.#holds) return;
    const go = deferred<void>();
    signal.addEventListener("abort", () => go.reject(signal.reason), { once: true });
    const held = { signal, release: () => go.resolve(), fail: (error: Error) => go.reject(error) };
    const next = this.#nextHeld.shift();
    if (next) next.resolve(held);
    else this.#held.push(held);
    await go.promise;
  }
}

export class FakeLogin implements P11Login {
  readonly signed: { readonly scheme: "pkcs1" | "pss"; readonly input: Uint8Array; readonly mechanism: string }[] = [];
  readonly gate: Gate;
  /** What was refused before it got here. */
  readonly refused: unknown[] = [];
  ends = 0;
  /** The next signature ends with this. */
  failNext: Error | undefined;
  readonly #key: KeyObject;
  readonly #ended = new AbortController();

  constructor(key: KeyObject, gate: Gate) {
    this.#key = key;
    this.gate = gate;
  }

  get ended(): AbortSignal {
    return this.#ended.signal;
  }

  /** Its time, or its number of signatures, is up. */
  runOut(): void {
    this.#ended.abort(new PolicyError("sign: the login's time is up"));
  }

  leave(): void {
    this.#ended.abort(new PcscError("CARD_ABSENT", "sign: the card was taken out"));
  }

  async sign(scheme: "pkcs1" | "pss", input: Uint8Array, mechanism: string, signal: AbortSignal): Promise<Uint8Array> {
    this.ended.throwIfAborted();
    const failure = this.failNext;
    this.failNext = undefined;
    if (failure) throw failure;
    await this.gate.pass(AbortSignal.any([signal, this.ended]));
    this.signed.push({ scheme, input: new Uint8Array(input), mechanism });
    return computeSignature(this.#key, scheme === "pss" ? 0x04 : 0x00, input);
  }

  refuse(mechanism: string, { details }: PolicyError): void {
    this.refused.push([mechanism, details["problem"]]);
  }

  end(): void {
    this.ends++;
    this.#ended.abort(new PolicyError("sign: logged out"));
  }
}

export interface FakeTokenOptions {
  readonly key?: "auth" | "sign";
  readonly pss?: boolean;
  readonly tries?: P11Tries;
  readonly asksEachTime?: boolean;
}

export class FakeToken implements P11Token {
  readonly label = "My Number card 01234567";
  readonly serial = "0123456789abcdef";
  readonly asksEachTime: boolean;
  /** What the card shows; may be changed. */
  shown: { certificate: Uint8Array | undefined; caCertificate: Uint8Array | undefined };
  knowsPss: boolean;
  triesLeft: P11Tries;
  /** The next login ends with this. */
  failNext: Error | undefined;
  /** Each C_Login that got here, with the digits it brought. */
  readonly asked: { readonly digits: string | undefined; readonly who: P11Program }[] = [];
  readonly logins: FakeLogin[] = [];
  readonly questions = new Gate();
  readonly signatures = new Gate();
  readonly #key: KeyObject;

  constructor(
    pki: VirtualPki,
    { key = "auth", pss = false, tries = "all", asksEachTime = false }: FakeTokenOptions = {},
  ) {
    const der = key === "auth" ? pki.authKey : pki.signKey;
    this.#key = createPrivateKey({ key: Buffer.from(der), format: "der", type: "pkcs8" });
    this.shown =
      key === "auth"
        ? { certificate: pki.authCertificate, caCertificate: pki.authCaCertificate }
        : { certificate: pki.signCertificate, caCertificate: pki.signCaCertificate };
    this.knowsPss = pss;
    this.triesLeft = tries;
    this.asksEachTime = asksEachTime;
  }

  /** The one that was given last. */
  get lastLogin(): FakeLogin {
    const last = this.logins.at(-1);
    if (!last) throw new Error("nobody has logged in");
    return last;
  }

  certificate(): Uint8Array | undefined {
    return this.shown.certificate;
  }

  caCertificate(): Uint8Array | undefined {
    return this.shown.caCertificate;
  }

  pss(): boolean {
    return this.knowsPss;
  }

  tries(): P11Tries {
    return this.triesLeft;
  }

  async login(pin: Pin | undefined, who: P11Program, signal: AbortSignal): Promise<P11Login> {
    this.asked.push({ digits: digitsOf(pin), who });
    pin?.wipe();
    const failure = this.failNext;
    this.failNext = undefined;
    if (failure) throw failure;
    await this.questions.pass(signal);
    const login = new FakeLogin(this.#key, this.signatures);
    this.logins.push(login);
    return login;
  }
}

export class FakeSlots implements P11Slots {
  readonly #slots: { readonly id: number; readonly key: "auth" | "sign"; token: P11Token | undefined }[];
  readonly #watchers = new Set<(slotId: number) => void>();

  /** Slots for the authentication key, from 1 on. */
  constructor(...tokens: readonly (P11Token | undefined)[]) {
    this.#slots = tokens.map((token, i) => ({ id: i + 1, key: "auth", token }));
  }

  get watchers(): number {
    return this.#watchers.size;
  }

  addSlot(key: "auth" | "sign", token: P11Token | undefined): void {
    this.#slots.push({ id: this.#slots.length + 1, key, token });
  }

  list(): readonly P11Slot[] {
    return this.#slots.map((slot) => ({ ...slot }));
  }

  watch(listener: (slotId: number) => void): () => void {
    this.#watchers.add(listener);
    return () => this.#watchers.delete(listener);
  }

  /** Puts a card in, takes it out, or both in one. */
  put(slotId: number, token: P11Token | undefined): void {
    const slot = this.#slots.find(({ id }) => id === slotId);
    if (!slot) throw new Error(`no slot ${slotId}`);
    slot.token = token;
    for (const listener of this.#watchers) listener(slotId);
  }
}
