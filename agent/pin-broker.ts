/**
 * Stands between the cards and the person: one question at a time over all cards, and a "no" or a wrong PIN that holds
 * for a moment. Never called while a card is held.
 */

import { assertNever, PinError } from "../lib/errors.ts";
import type { SignPurpose } from "../lib/keys.ts";
import type { Logger } from "../lib/log.ts";
import { CODE_B_DIGITS, CODE_PARTS } from "../lib/pin/card-code.ts";
import { joinPins, type Pin } from "../lib/pin/pin.ts";
import type { MessageEnd, PinRequest, PlaceCardRequest, Prompt, UseRequest } from "../lib/pin/prompt.ts";
import { HeldRefusals } from "./held-refusals.ts";
import { Turns } from "./turns.ts";

export interface PinBrokerOptions {
  readonly prompt: Prompt;
  /** Monotonic milliseconds. */
  readonly now: () => number;
  readonly log: Logger;
  /** How long a person's "no" and a wrong PIN hold, milliseconds: see {@link HeldRefusals}. */
  readonly refusalMs?: number | undefined;
}

/** How often one request is asked when the answers cannot be a PIN. */
const MAX_ASKED = 3;
/** Why the same question is not asked again for a while. */
type Refusal = "PIN_CANCELLED" | "PIN_FORMAT" | "PIN_WRONG";

const REFUSAL_WORDS: Readonly<Record<Refusal, string>> = {
  PIN_CANCELLED: "refused a moment ago",
  PIN_FORMAT: "no answer could be a PIN a moment ago",
  PIN_WRONG: "it was wrong a moment ago",
};

export class PinBroker {
  readonly #prompt: Prompt;
  readonly #log: Logger;
  readonly #turns = new Turns();
  readonly #refusals: HeldRefusals<Refusal>;
  #lastRefusal: PinError | undefined;
  readonly #closing = new AbortController();
  /** Messages that are shown or wait for it: they give way to questions. */
  readonly #messages = new Set<AbortController>();

  constructor({ prompt, now, log, refusalMs }: PinBrokerOptions) {
    this.#prompt = prompt;
    this.#log = log;
    this.#refusals = new HeldRefusals({ now, holdMs: refusalMs });
  }

  /** Takes away the question and all that wait; later questions fail too. */
  close(): void {
    this.#closing.abort(new PinError("PIN_CANCELLED", "ask for the PIN: the agent is stopping"));
  }

  /** Why the last question could not be shown, with the mend as its hint; undefined once one could be shown again. */
  get lastRefusal(): PinError | undefined {
    return this.#lastRefusal;
  }

  /**
   * Asks a person, after all who asked before. With one try left, asks for a separate yes first.
   *
   * @returns a PIN of the right form, which the caller wipes.
   * @throws PinError `PIN_BLOCKED` (no try left: nobody is asked), `PIN_CANCELLED`, `PIN_FORMAT` (malformed three
   * times), either of them or `PIN_WRONG` if that was the outcome a moment ago for the same card and purpose,
   * `PIN_NO_PROMPT`; the signal's reason when it aborts.
   */
  async ask(request: PinRequest, signal: AbortSignal): Promise<Pin> {
    if (request.triesLeft === 0)
      throw new PinError("PIN_BLOCKED", "ask for the PIN: the card has blocked it", { details: { pin: request.pin } });
    const either = AbortSignal.any([signal, this.#closing.signal]);
    this.#throwIfRefused(request);
    this.#takeMessagesAway();
    return this.#turns.run(either, async () => {
      this.#throwIfRefused(request);
      return this.#askNow(request, either);
    });
  }

  /**
   * Asks a person whether to use a key, after all who asked before. A no holds for a moment, as with {@link ask}.
   *
   * @returns whether a person said yes.
   * @throws PinError `PIN_NO_PROMPT`; the signal's reason when it aborts.
   */
  async confirm(request: UseRequest, signal: AbortSignal): Promise<boolean> {
    const either = AbortSignal.any([signal, this.#closing.signal]);
    this.#takeMessagesAway();
    return this.#turns.run(either, async () => {
      if (this.#refusals.of(useKey(request)) !== undefined) return false;
      const yes = await this.#confirmNow(request, either);
      either.throwIfAborted();
      if (!yes) this.#refusals.hold(useKey(request), "PIN_CANCELLED");
      return yes;
    });
  }

  /**
   * Asks a person to place a card; taken away while there is a question, and shown again. A no holds for a moment, for
   * whatever this card is asked next.
   *
   * @throws PinError `PIN_NO_PROMPT`, `PIN_CANCELLED` when the agent stops; the signal's reason when it aborts.
   */
  async askForCard(request: PlaceCardRequest, signal: AbortSignal): Promise<MessageEnd> {
    const either = AbortSignal.any([signal, this.#closing.signal]);
    const key = JSON.stringify(["place-card", request.card]);
    for (;;) {
      if (this.#refusals.of(key) !== undefined) return "cancelled";
      const away = new AbortController();
      this.#messages.add(away);
      try {
        const shown = AbortSignal.any([either, away.signal]);
        const end = await this.#turns.run(shown, () => this.#prompt.askForCard(request, shown));
        if (end === "cancelled") this.#refusals.hold(key, "PIN_CANCELLED");
        return end;
      } catch (error) {
        either.throwIfAborted();
        if (!away.signal.aborted) throw error;
      } finally {
        this.#messages.delete(away);
      }
    }
  }

  #takeMessagesAway(): void {
    for (const message of this.#messages) message.abort();
  }

  /** A cancel is a no. */
  async #confirmNow(request: UseRequest, signal: AbortSignal): Promise<boolean> {
    this.#log.debug("asking whether to use the key", { prompt: this.#prompt.name, question: request.kind });
    try {
      const yes = await this.#prompt.confirm(request, signal);
      this.#lastRefusal = undefined;
      return yes;
    } catch (error) {
      if (!signal.aborted && error instanceof PinError) this.#noteWhetherShown(error);
      if (error instanceof PinError && (error.code === "PIN_CANCELLED" || error.code === "PIN_FORMAT")) return false;
      throw error;
    }
  }

  /** Notes that the request ended with a wrong PIN: the client that repeats it at once brings up no question. */
  holdWrong(request: PinRequest): void {
    this.#refusals.hold(refusalKey(request), "PIN_WRONG");
  }

  async #askNow(request: PinRequest, signal: AbortSignal): Promise<Pin> {
    this.#log.debug("asking for a PIN", { prompt: this.#prompt.name, reader: request.reader });
    try {
      if (request.triesLeft === 1 && !(await this.#prompt.confirm({ kind: "last-try", request }, signal)))
        throw new PinError("PIN_CANCELLED", "ask whether to use the last try: no");
      const pin = await (request.pin === "code-b" ? this.#askParts(request, signal) : this.#askForm(request, signal));
      this.#lastRefusal = undefined;
      if (!signal.aborted) return pin;
      pin.wipe();
      throw signal.reason;
    } catch (error) {
      if (!signal.aborted && error instanceof PinError) this.#note(request, error);
      throw error;
    }
  }

  #note(request: PinRequest, error: PinError): void {
    const { code } = error;
    if (code === "PIN_CANCELLED" || code === "PIN_FORMAT") this.#refusals.hold(refusalKey(request), code);
    this.#noteWhetherShown(error);
  }

  /** For `status` and the log: the reason and the mend where no question could be shown. */
  #noteWhetherShown(error: PinError): void {
    const { code, message, hint } = error;
    this.#lastRefusal = code === "PIN_NO_PROMPT" ? error : undefined;
    if (code === "PIN_NO_PROMPT") this.#log.error("nobody can be asked", { reason: code, text: message, hint });
  }

  /** 照合番号B, part by part; the first answer may be all of it. */
  async #askParts(request: PinRequest, signal: AbortSignal): Promise<Pin> {
    const parts: Pin[] = [];
    try {
      for (const part of CODE_PARTS) {
        const previous = parts.length === 0 ? request.previous : undefined;
        const typed = await this.#askForm({ ...request, part, previous }, signal);
        parts.push(typed);
        if (typed.expose(({ length }) => length) === CODE_B_DIGITS) break;
      }
      return joinPins(parts);
    } finally {
      for (const part of parts) part.wipe();
    }
  }

  async #askForm(request: PinRequest, signal: AbortSignal): Promise<Pin> {
    for (let asked = 1, next = request; ; asked++) {
      try {
        return await this.#prompt.askPin(next, signal);
      } catch (error) {
        if (asked === MAX_ASKED || !(error instanceof PinError) || error.code !== "PIN_FORMAT") throw error;
        next = { ...request, previous: "malformed" };
      }
    }
  }

  #throwIfRefused(request: PinRequest): void {
    const refusal = this.#refusals.of(refusalKey(request));
    if (refusal === undefined) return;
    const { code, leftMs } = refusal;
    this.#log.info("not asked again: the same has just been answered", {
      reader: request.reader,
      reason: code,
      leftMs,
    });
    throw new PinError(code, `ask for the PIN: ${REFUSAL_WORDS[code]}; asked again in ${leftMs} ms at the earliest`);
  }
}

/** The same key for the same purpose. A card that does not tell its name yet is told by its reader. */
function refusalKey({ pin, card, reader, purpose }: PinRequest): string {
  return JSON.stringify([pin, card === "" ? reader : card, ...purposeKey(purpose)]);
}

/** The same key for the same purpose and program, by the same way. */
function useKey(request: UseRequest): string {
  const hops = request.kind === "forwarded" ? request.hops.map(({ fingerprint }) => fingerprint) : [];
  return JSON.stringify([request.kind, request.card, request.program, ...purposeKey(request.purpose), ...hops]);
}

function purposeKey(purpose: SignPurpose): readonly (string | undefined)[] {
  switch (purpose.kind) {
    case "ssh-login":
      return [purpose.kind, purpose.user, purpose.hostKeyFingerprint];
    case "sshsig":
      return [purpose.kind, purpose.namespace];
    case "any-data":
      return [purpose.kind, purpose.description];
    case "pkcs11-login":
      return [purpose.kind, purpose.key];
    case "pkcs11-sign":
      return [purpose.kind, purpose.key, purpose.mechanism];
    case "command":
      return [purpose.kind, purpose.command];
    default:
      return assertNever(purpose);
  }
}
