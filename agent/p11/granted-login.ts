/**
 * One login of a PKCS#11 program: signatures with one key of one card, until its time or their number is used up, the
 * card leaves, or the user takes the right away. Each signature that was asked for is one line in the log and one entry
 * in the record.
 */

import type { Pkcs11Login } from "../../lib/agent-status.ts";
import { type JpkiApplication, MAX_DIGEST_INFO_BYTES, PSS_HASH_BYTES } from "../../lib/card/jpki.ts";
import { JpkiError, KeyError, messageOf, PinError, PolicyError } from "../../lib/errors.ts";
import type { Pkcs11Key } from "../../lib/keys.ts";
import type { Logger } from "../../lib/log.ts";
import type { SignatureRecord, SignatureResult } from "../../lib/signature-entry.ts";
import type { CardRecord } from "../card-registry.ts";
import type { PinBroker } from "../pin-broker.ts";
import type { SetTimer } from "../pin-memory.ts";
import type { LoginPins } from "./login-pins.ts";
import type { OpenLogin, OpenLogins } from "./open-logins.ts";
import type { P11Login } from "./token.ts";

/** `--pkcs11-login-ttl` and `--pkcs11-login-signatures`. */
export interface LoginLimits {
  /** Since the login, milliseconds. */
  readonly ttlMs: number;
  readonly maxSignatures: number;
}

/** What is the same for every login. */
export interface GrantedLoginParts {
  readonly broker: Pick<PinBroker, "confirm">;
  readonly logins: OpenLogins;
  readonly limits: LoginLimits;
  readonly record?: SignatureRecord | undefined;
  /** Monotonic milliseconds. */
  readonly now: () => number;
  readonly setTimer: SetTimer;
  readonly log: Logger;
}

/** Whose login it is, with what. */
export interface GrantedLoginSubject {
  readonly card: CardRecord;
  readonly key: Pkcs11Key;
  /** Of the card's authentication key. */
  readonly keyId: string;
  readonly comment: string;
  /** `SHA256:…` of the key that signs. */
  readonly fingerprint: string;
  readonly program: string | undefined;
  /** Closed with the login. */
  readonly pins: LoginPins;
  /** Aborts when the card leaves. */
  readonly gone: AbortSignal;
  /** @returns whether a person is to be asked. @throws PolicyError. */
  readonly requirePermitted: () => boolean;
  /** The card does not make RSASSA-PSS signatures after all. Never rejects. */
  readonly onNoPss: () => Promise<void>;
  readonly onEnd: () => void;
}

type Scheme = Parameters<P11Login["sign"]>[0];

export class GrantedLogin implements P11Login, OpenLogin {
  readonly #parts: GrantedLoginParts;
  readonly #subject: GrantedLoginSubject;
  readonly #ending = new AbortController();
  readonly #untilMs: number;
  readonly #cancelTimer: () => void;
  /** Made, and those under way. */
  #taken = 0;
  #made = 0;

  /** The person has agreed by now. */
  constructor(parts: GrantedLoginParts, subject: GrantedLoginSubject) {
    this.#parts = parts;
    this.#subject = subject;
    const { limits, logins, now, setTimer } = parts;
    this.#untilMs = now() + limits.ttlMs;
    this.#cancelTimer = setTimer(() => this.#end(overTime()), limits.ttlMs);
    logins.add(this);
    subject.gone.addEventListener("abort", this.#leave, { once: true });
  }

  get ended(): AbortSignal {
    return this.#ending.signal;
  }

  get keyId(): string {
    return this.#subject.keyId;
  }

  describe(): Pkcs11Login {
    const { key, comment, program } = this.#subject;
    const { limits, now } = this.#parts;
    const endsInSeconds = Math.max(0, Math.ceil((this.#untilMs - now()) / 1000));
    return { card: comment, key, program, signatures: this.#made, maxSignatures: limits.maxSignatures, endsInSeconds };
  }

  async sign(scheme: Scheme, input: Uint8Array, mechanism: string, signal: AbortSignal): Promise<Uint8Array> {
    try {
      const signature = await this.#signCounted(scheme, input, mechanism, signal);
      this.#tell(mechanism, { result: "signed" });
      return signature;
    } catch (error) {
      const outcome = signal.aborted ? ABANDONED : outcomeOf(error);
      if (outcome !== undefined) this.#tell(mechanism, outcome, messageOf(error));
      throw error;
    }
  }

  refuse(mechanism: string, reason: PolicyError): void {
    this.#tell(mechanism, outcomeOf(reason), reason.message);
  }

  end(): void {
    this.#end(new PolicyError("use the login: the program has logged out", { details: { problem: "logged-out" } }));
  }

  revoke(reason: PolicyError): void {
    this.#end(reason);
  }

  async #signCounted(scheme: Scheme, input: Uint8Array, mechanism: string, signal: AbortSignal): Promise<Uint8Array> {
    const { limits, now } = this.#parts;
    requireLength(scheme, input);
    if (now() >= this.#untilMs) this.#end(overTime());
    const either = AbortSignal.any([signal, this.ended]);
    either.throwIfAborted();
    if (this.#taken >= limits.maxSignatures) throw overNumber(limits);
    this.#taken++;
    let signature: Uint8Array | undefined;
    try {
      signature = await this.#signAgreed(scheme, input, mechanism, either);
      return signature;
    } finally {
      if (signature === undefined) this.#taken--;
      else if (++this.#made === limits.maxSignatures) this.#end(overNumber(limits));
    }
  }

  async #signAgreed(scheme: Scheme, input: Uint8Array, mechanism: string, signal: AbortSignal): Promise<Uint8Array> {
    const { broker } = this.#parts;
    const { card, key, comment, program, pins, requirePermitted, onNoPss } = this.#subject;
    const purpose = { kind: "pkcs11-sign", key, mechanism } as const;
    const request = { card: comment, purpose, program };
    // The signature password is asked for each time: that is a person's yes.
    const asks = requirePermitted() && key === "auth";
    if (asks) {
      if (!(await broker.confirm({ kind: "use", ...request }, signal))) throw notConfirmed("a person said no");
      requirePermitted(); // meanwhile the agent may have been locked, or the key been removed
    }
    const job = (jpki: JpkiApplication) => (scheme === "pss" ? jpki.signPss(key, input) : jpki.sign(key, input));
    try {
      const signature = await pins.login.run(card, request, signal, job);
      // It may have waited for the card: what was made meanwhile without a yes is not handed out.
      if (requirePermitted() && key === "auth" && !asks)
        throw notConfirmed("the key is to be confirmed since, and nobody was asked");
      return signature;
    } catch (error) {
      if (scheme === "pss" && error instanceof KeyError && error.code === "ALGORITHM_UNSUPPORTED") await onNoPss();
      throw error;
    }
  }

  /** One line in the log, one entry in the record. */
  #tell(mechanism: string, { result, reason }: Outcome, text?: string | undefined): void {
    const { log, record } = this.#parts;
    const { key, comment, fingerprint, program } = this.#subject;
    const facts = { key: fingerprint, result, reason, data: dataOf(key), mechanism, program };
    const { words, level } = TOLD[result];
    log[level](words, { event: "sign", face: "pkcs11", ...facts, text });
    record?.add({ ...facts, comment, forwarded: false });
  }

  readonly #leave = (): void => this.#end(this.#subject.gone.reason);

  #end(reason: unknown): void {
    if (this.ended.aborted) return;
    const { logins, log } = this.#parts;
    const { key, fingerprint, program, pins, gone, onEnd } = this.#subject;
    this.#cancelTimer();
    gone.removeEventListener("abort", this.#leave);
    logins.delete(this);
    pins.close();
    this.#ending.abort(reason);
    onEnd();
    log.info("login over", {
      ...{ event: "logout", face: "pkcs11", key: fingerprint, data: dataOf(key), program },
      signatures: this.#made,
      reason: outcomeOf(reason)?.reason,
    });
  }
}

/** The name of what was signed in log and record. */
function dataOf(key: Pkcs11Key): string {
  return key === "auth" ? "pkcs11" : "pkcs11-sign";
}

interface Outcome {
  readonly result: SignatureResult;
  readonly reason?: string | undefined;
}

/** How the log tells it. */
const TOLD: Readonly<Record<SignatureResult, { readonly words: string; readonly level: "info" | "warn" }>> = {
  signed: { words: "signed", level: "info" },
  refused: { words: "signature refused", level: "warn" },
  failed: { words: "not signed", level: "warn" },
  abandoned: { words: "signature abandoned", level: "info" },
};

const ABANDONED: Outcome = { result: "abandoned" };
/** As the SSH face has it in the record. */
const NOT_CONFIRMED = "not-confirmed";

/** What the record says of an error; undefined: it is a fault of ours. */
function outcomeOf(error: JpkiError): Outcome;
function outcomeOf(error: unknown): Outcome | undefined;
function outcomeOf(error: unknown): Outcome | undefined {
  if (!(error instanceof JpkiError)) return undefined;
  const { code, details } = error;
  if (code === "PIN_CANCELLED" && details["problem"] === NOT_CONFIRMED)
    return { result: "refused", reason: NOT_CONFIRMED };
  if (code !== "POLICY_REFUSED") return { result: "failed", reason: code };
  return { result: "refused", reason: typeof details["problem"] === "string" ? details["problem"] : code };
}

function requireLength(scheme: Scheme, { length }: Uint8Array): void {
  const fits = scheme === "pss" ? length === PSS_HASH_BYTES : length >= 1 && length <= MAX_DIGEST_INFO_BYTES;
  if (!fits) throw new KeyError("ALGORITHM_UNSUPPORTED", `sign: ${length} bytes are not what the card takes`);
}

function notConfirmed(fact: string): PinError {
  return new PinError("PIN_CANCELLED", `sign: ${fact}`, { details: { problem: NOT_CONFIRMED } });
}

function overTime(): PolicyError {
  return new PolicyError("use the login: its time is over", {
    hint: "log in again, or give logins more time with --pkcs11-login-ttl",
    details: { problem: "login-time" },
  });
}

function overNumber({ maxSignatures }: LoginLimits): PolicyError {
  return new PolicyError(`use the login: it has made its ${maxSignatures} signatures`, {
    hint: "log in again, or give logins more with --pkcs11-login-signatures",
    details: { problem: "login-signatures" },
  });
}
