/**
 * Does a job on a card that is logged in: with the session as it stands, with a remembered PIN, or by asking a person.
 *
 * The card is never held while a person types: each question lies between two sessions, and between them the card is
 * without power.
 */

import type { JpkiApplication } from "../lib/card/jpki.ts";
import { JpkiError } from "../lib/errors.ts";
import type { Pin } from "../lib/pin/pin.ts";
import type { PinRequest } from "../lib/pin/prompt.ts";
import type { CardRecord } from "./card-registry.ts";
import type { GivenTries } from "./given-tries.ts";
import {
  type AttemptManner,
  type AttemptOutcome,
  type LoginAttempt,
  LoginAttempts,
  type LoginAttemptsOptions,
} from "./login-attempts.ts";
import type { PinBroker } from "./pin-broker.ts";
import { type PinSource, protectedPin, sameAgain, wrongPin } from "./pin-login.ts";
import { RefusedPins } from "./refused-pins.ts";
import { insertedCard } from "./remembered-pins.ts";
import { Turns } from "./turns.ts";

export interface CardLoginOptions extends LoginAttemptsOptions {
  readonly broker: PinBroker;
}

/** What a person is told about a request for the PIN. */
export type LoginRequest = Pick<PinRequest, "card" | "purpose" | "program">;

/** What one request does in its own way. */
export interface LoginManner extends AttemptManner {
  /** Called when a person has answered for this very request, before the card is asked. */
  readonly onAnswered?: (() => void) | undefined;
}

/** One {@link CardLogin.run}. */
interface AskedAttempt<T> extends LoginAttempt<T>, LoginManner {
  /** What the card has refused in it, wherever it came from. */
  readonly wrongPins: RefusedPins;
}

export class CardLogin {
  readonly #options: CardLoginOptions;
  readonly #attempts: LoginAttempts;
  readonly #turns = new WeakMap<CardRecord, Turns>();

  constructor(options: CardLoginOptions) {
    this.#options = options;
    this.#attempts = new LoginAttempts(options);
  }

  /**
   * Runs `job` once, right after the PIN is verified. A wrong PIN is asked again while two or more
   * tries are left.
   *
   * @throws PinError `PIN_WRONG` (one try left, or the same again, which is not sent), `PIN_CANCELLED`, `PIN_FORMAT`, `PIN_BLOCKED`, `PIN_NO_PROMPT`;
   * PcscError; what `job` throws; the signal's reason.
   */
  async run<T>(
    card: CardRecord,
    request: LoginRequest,
    signal: AbortSignal,
    job: (jpki: JpkiApplication) => Promise<T>,
    manner: LoginManner = {},
  ): Promise<T> {
    const wrongPins = new RefusedPins();
    const attempt = { ...manner, card, signal, job, wrongPins };
    const inserted = insertedCard(card);
    try {
      if (card.session.open || (inserted !== undefined && this.#options.remembered.has(inserted))) {
        const step = await this.#attemptHeld(attempt);
        if (step?.kind === "done") return step.value;
      }
      // One person, one card: who comes later waits for the outcome of the question, not for a question of its own.
      return await this.#turnsOf(card).run(signal, () => this.#askUntilDone(attempt, request));
    } finally {
      wrongPins.wipe();
    }
  }

  /**
   * Runs `job` once, right after a PIN that a client brought has been verified: sent once, while two or more tries are
   * left. Wipes `pin`. Whether it is remembered is up to the caller.
   *
   * @param given what such PINs have come to so far, on all cards.
   * @throws PinError `PIN_WRONG`, `PIN_PROTECTED` (one try left; another one was wrong a moment ago), `PIN_BLOCKED`; as
   * {@link run}.
   */
  async runWithGiven<T>(
    card: CardRecord,
    pin: Pin,
    given: GivenTries,
    signal: AbortSignal,
    job: (jpki: JpkiApplication) => Promise<T>,
  ): Promise<T> {
    const attempt = { card, signal, job, given };
    try {
      const step = await this.#attempts.untilTold(attempt, () => ({ kind: "given", pin: pin.copy() }));
      if (step.kind === "done") return step.value;
      if (step.kind === "wrong") throw wrongPin(this.#attempts.pin, step.triesLeft);
      throw protectedPin(
        this.#attempts.pin,
        step.triesLeft,
        "log in where the agent can ask you, so that it can warn you first",
      );
    } finally {
      pin.wipe();
    }
  }

  async #askUntilDone<T>(attempt: AskedAttempt<T>, request: LoginRequest): Promise<T> {
    const { broker } = this.#options;
    const { card, signal, typedPin, wrongPins } = attempt;
    const { reader } = card.slot;
    const fromBefore = () => typedPin?.sourceFor(insertedCard(card), this.#attempts.logins) ?? this.#recall(card);
    let step = await this.#attempts.untilTold(attempt, fromBefore);
    while (step.kind !== "done") {
      typedPin?.wipe(); // wrong, or a try was lost since the person saw the number
      const { triesLeft } = step;
      const previous = step.kind === "wrong" && step.typed ? "wrong" : undefined;
      const question = { ...request, pin: this.#attempts.pin, reader, triesLeft, previous } as const;
      if (step.kind === "wrong" && step.typed && step.triesLeft < 2) {
        broker.holdWrong(question);
        throw wrongPin(this.#attempts.pin, step.triesLeft);
      }
      const pin = await broker.ask(question, signal);
      attempt.onAnswered?.();
      if (wrongPins.has(pin)) {
        pin.wipe();
        broker.holdWrong(question);
        throw sameAgain(this.#attempts.pin, triesLeft);
      }
      typedPin?.keep(insertedCard(card), pin, triesLeft, this.#attempts.logins);
      step = await this.#attempts.once(attempt, { kind: "typed", pin, triesLeft });
    }
    return step.value;
  }

  /** @returns undefined if the session that was held was lost meanwhile: the next attempt opens a fresh one. */
  async #attemptHeld<T>(attempt: LoginAttempt<T>): Promise<AttemptOutcome<T> | undefined> {
    const { card } = attempt;
    const held = card.session.open;
    try {
      return await this.#attempts.once(attempt, await this.#recall(card));
    } catch (error) {
      if (!held || !(error instanceof JpkiError) || error.code !== "CARD_RESET") throw error;
      this.#options.registry.requireCurrent(card);
      this.#options.log.debug("the held session was lost; opening another", { reader: card.slot.reader });
      return undefined;
    }
  }

  #turnsOf(card: CardRecord): Turns {
    const turns = this.#turns.get(card) ?? new Turns();
    this.#turns.set(card, turns);
    return turns;
  }

  async #recall(card: CardRecord): Promise<PinSource> {
    const inserted = insertedCard(card);
    const recalled = inserted && (await this.#options.remembered.recall(inserted));
    return recalled ?? { kind: "none" };
  }
}
