/**
 * Does a job on a card that is logged in: with the session as it stands, with a remembered PIN, or by asking a person.
 *
 * The card is never held while a person types: each question lies between two sessions, and between them the card is
 * without power.
 */

import type { JpkiApplication } from "../lib/card/jpki.ts";
import { JpkiError } from "../lib/errors.ts";
import type { Logger } from "../lib/log.ts";
import type { PinRequest } from "../lib/pin/prompt.ts";
import type { CardRecord, CardRegistry } from "./card-registry.ts";
import type { PinBroker } from "./pin-broker.ts";
import { type LoginOutcome, type PinSource, verifyWith, wrongPin } from "./pin-login.ts";
import { Turns } from "./turns.ts";

export interface CardLoginOptions {
  readonly registry: CardRegistry;
  readonly broker: PinBroker;
  /** Whether the card may stay logged in for the next request (promise 2: alone with it all the while). */
  readonly hold: boolean;
  readonly log: Logger;
}

/** What a person is told about a request for the PIN. */
export type LoginRequest = Pick<PinRequest, "card" | "purpose" | "program">;

type Step<T> =
  | { readonly kind: "done"; readonly value: T }
  | (Exclude<LoginOutcome, { kind: "verified" }> & { readonly typed: boolean });

export class CardLogin {
  readonly #options: CardLoginOptions;
  readonly #turns = new WeakMap<CardRecord, Turns>();

  constructor(options: CardLoginOptions) {
    this.#options = options;
  }

  /**
   * Runs `job` once, right after the authentication PIN is verified. A wrong PIN is asked again while two or more
   * tries are left.
   *
   * @throws PinError `PIN_WRONG` (one try left), `PIN_CANCELLED`, `PIN_FORMAT`, `PIN_BLOCKED`, `PIN_NO_PROMPT`;
   * PcscError; what `job` throws; the signal's reason.
   */
  async run<T>(
    card: CardRecord,
    request: LoginRequest,
    signal: AbortSignal,
    job: (jpki: JpkiApplication) => Promise<T>,
  ): Promise<T> {
    if (card.session.open || this.#isRemembered(card)) {
      const step = await this.#attemptHeld(card, signal, job);
      if (step?.kind === "done") return step.value;
    }
    // One person, one card: who comes later waits for the outcome of the question, not for a question of its own.
    return this.#turnsOf(card).run(signal, () => this.#askUntilDone(card, request, signal, job));
  }

  async #askUntilDone<T>(
    card: CardRecord,
    request: LoginRequest,
    signal: AbortSignal,
    job: (jpki: JpkiApplication) => Promise<T>,
  ): Promise<T> {
    const { broker } = this.#options;
    const { reader } = card.slot;
    let step = await this.#attempt(card, signal, job);
    // Someone had left the card verified, so it did not tell its tries; without power it forgets that, and tells.
    if (step.kind === "need-pin" && step.triesLeft === undefined) step = await this.#attempt(card, signal, job);
    while (step.kind !== "done") {
      const { triesLeft } = step;
      const previous = step.kind === "wrong" && step.typed ? "wrong" : undefined;
      const question = { ...request, pin: "auth", reader, triesLeft, previous } as const;
      const pin = await broker.ask(question, signal);
      step = await this.#attempt(card, signal, job, { kind: "typed", pin, triesLeft });
      if (step.kind === "wrong" && step.triesLeft < 2) {
        broker.holdWrong(question);
        throw wrongPin(step.triesLeft);
      }
    }
    return step.value;
  }

  /** @returns undefined if the session that was held was lost meanwhile: the next attempt opens a fresh one. */
  async #attemptHeld<T>(
    card: CardRecord,
    signal: AbortSignal,
    job: (jpki: JpkiApplication) => Promise<T>,
  ): Promise<Step<T> | undefined> {
    const held = card.session.open;
    try {
      return await this.#attempt(card, signal, job);
    } catch (error) {
      if (!held || !(error instanceof JpkiError) || error.code !== "CARD_RESET") throw error;
      this.#options.registry.requireCurrent(card);
      this.#options.log.debug("the held session was lost; opening another", { reader: card.slot.reader });
      return undefined;
    }
  }

  /** One session with the card; wipes the PIN. Unless the job is done, the card is without power afterwards. */
  async #attempt<T>(
    card: CardRecord,
    signal: AbortSignal,
    job: (jpki: JpkiApplication) => Promise<T>,
    source: PinSource = this.#remembered(card),
  ): Promise<Step<T>> {
    const { registry, hold } = this.#options;
    const logIn = async (jpki: JpkiApplication): Promise<Step<T>> => {
      const outcome = await verifyWith(jpki, source, () => registry.requireCurrent(card));
      return outcome.kind === "verified"
        ? { kind: "done", value: await job(jpki) }
        : { ...outcome, typed: source.kind === "typed" };
    };
    try {
      const step = await card.session.run("log in", logIn, { signal, hold });
      if (step.kind === "done") {
        this.#keep(card, source);
        return step;
      }
      // Nobody else may find the card held, selected or verified while a person is asked.
      await card.session.release();
      this.#refuse(card, source, step);
      return step;
    } finally {
      if (source.kind !== "none") source.pin.wipe();
    }
  }

  #refuse(card: CardRecord, source: PinSource, step: Exclude<Step<unknown>, { kind: "done" }>): void {
    const { broker, log } = this.#options;
    const { reader } = card.slot;
    // Wrong, or not to be sent because tries were lost elsewhere: a remembered PIN is never tried again.
    if (source.kind === "remembered") broker.forget(keyIdOf(card));
    if (step.kind === "wrong") log.warn("wrong PIN", { reader, source: source.kind, triesLeft: step.triesLeft });
  }

  #turnsOf(card: CardRecord): Turns {
    const turns = this.#turns.get(card) ?? new Turns();
    this.#turns.set(card, turns);
    return turns;
  }

  #isRemembered(card: CardRecord): boolean {
    const source = this.#remembered(card);
    if (source.kind !== "none") source.pin.wipe();
    return source.kind !== "none";
  }

  #remembered(card: CardRecord): PinSource {
    const id = keyIdOf(card);
    const pin = id === undefined ? undefined : this.#options.broker.remembered(id, card.slot.insertion);
    return pin === undefined ? { kind: "none" } : { kind: "remembered", pin };
  }

  #keep(card: CardRecord, source: PinSource): void {
    const id = keyIdOf(card);
    if (source.kind === "typed" && id !== undefined) this.#options.broker.remember(id, card.slot.insertion, source.pin);
  }
}

function keyIdOf(card: CardRecord): string | undefined {
  return card.identity.kind === "known" ? card.identity.key.id : undefined;
}
