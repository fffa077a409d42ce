/**
 * Does a job on a card that is logged in: with the session as it stands, with a remembered PIN, or by asking a person.
 *
 * The card is never held while a person types: each question lies between two sessions, and between them the card is
 * without power.
 */

import type { CardPin } from "../lib/card/card-pin.ts";
import type { JpkiApplication, JpkiPinName } from "../lib/card/jpki.ts";
import { JpkiError } from "../lib/errors.ts";
import type { Logger } from "../lib/log.ts";
import type { Pin, PinName } from "../lib/pin/pin.ts";
import type { PinRequest } from "../lib/pin/prompt.ts";
import type { CardRecord, CardRegistry } from "./card-registry.ts";
import type { GivenTries } from "./given-tries.ts";
import type { PinBroker } from "./pin-broker.ts";
import { type LoginOutcome, type PinSource, protectedPin, sameAgain, verifyWith, wrongPin } from "./pin-login.ts";
import { RefusedPins } from "./refused-pins.ts";
import type { InsertedCard, RememberedPins } from "./remembered-pins.ts";
import { Turns } from "./turns.ts";
import type { TypedPin } from "./typed-pin.ts";

export interface CardLoginOptions {
  readonly registry: CardRegistry;
  readonly broker: PinBroker;
  readonly remembered: PinKeeper;
  /** Which PIN; default: the authentication PIN. What remembers PINs knows no other. */
  readonly pin?: JpkiPinName | PinPlace | undefined;
  /** Whether the card may stay logged in for the next request (promise 2: alone with it all the while). */
  readonly hold: boolean;
  /** Told what the card says of its tries, each time that it does. */
  readonly onTries?: ((card: CardRecord, pin: PinName, triesLeft: number) => void) | undefined;
  readonly log: Logger;
}

/** A PIN of another application, and the way to it from the one that a session begins with. */
export interface PinPlace {
  readonly name: PinName;
  /** Called in each session anew. */
  readonly open: (jpki: JpkiApplication) => Promise<CardPin>;
}

/** What remembers PINs; nothing is remembered where it does nothing. */
export type PinKeeper = Pick<RememberedPins, "has" | "recall" | "keep" | "fail" | "doubt" | "drop" | "forgets">;

/** What a person is told about a request for the PIN. */
export type LoginRequest = Pick<PinRequest, "card" | "purpose" | "program">;

/** What one request does in its own way. */
export interface LoginManner {
  /** What was typed for this request, over several runs; the caller wipes it. */
  readonly typedPin?: TypedPin | undefined;
  /** The card is to be without power right after the job, whatever else. */
  readonly letGo?: boolean | undefined;
  /** Called when a person has answered for this very request, before the card is asked. */
  readonly onAnswered?: (() => void) | undefined;
}

type Step<T> =
  | { readonly kind: "done"; readonly value: T }
  | (Exclude<LoginOutcome, { kind: "verified" }> & { readonly typed: boolean });

interface Attempt<T> extends LoginManner {
  readonly card: CardRecord;
  readonly signal: AbortSignal;
  readonly job: (jpki: JpkiApplication) => Promise<T>;
  /** With a PIN that a program brought. */
  readonly given?: GivenTries | undefined;
  /** Where wrong ones are noted. */
  readonly wrongPins?: RefusedPins | undefined;
}

export class CardLogin {
  readonly #options: CardLoginOptions;
  readonly #pin: PinName;
  readonly #openPin: (jpki: JpkiApplication) => Promise<CardPin>;
  readonly #turns = new WeakMap<CardRecord, Turns>();
  /** How many PINs the cards have accepted: each sets a counter back. */
  #logins = 0;

  constructor(options: CardLoginOptions) {
    this.#options = options;
    const { pin = "auth" } = options;
    this.#pin = typeof pin === "string" ? pin : pin.name;
    this.#openPin = typeof pin === "string" ? async (jpki) => jpki.pin(pin) : pin.open;
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
    const attempt = { ...manner, card, signal, job };
    const inserted = insertedCard(card);
    if (card.session.open || (inserted !== undefined && this.#options.remembered.has(inserted))) {
      const step = await this.#attemptHeld(attempt);
      if (step?.kind === "done") return step.value;
    }
    // One person, one card: who comes later waits for the outcome of the question, not for a question of its own.
    return this.#turnsOf(card).run(signal, () => this.#askUntilDone(attempt, request));
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
      const step = await this.#attemptTwice(attempt, () => ({ kind: "given", pin: pin.copy() }));
      if (step.kind === "done") return step.value;
      if (step.kind === "wrong") throw wrongPin(this.#pin, step.triesLeft);
      throw protectedPin(
        this.#pin,
        step.triesLeft,
        "log in where the agent can ask you, so that it can warn you first",
      );
    } finally {
      pin.wipe();
    }
  }

  async #askUntilDone<T>(attempt: Attempt<T>, request: LoginRequest): Promise<T> {
    const { broker } = this.#options;
    const { card, signal, typedPin } = attempt;
    const { reader } = card.slot;
    const fromBefore = () => typedPin?.sourceFor(insertedCard(card), this.#logins) ?? this.#recall(card);
    const wrongPins = new RefusedPins();
    const noting = { ...attempt, wrongPins };
    try {
      let step = await this.#attemptTwice(noting, fromBefore);
      while (step.kind !== "done") {
        typedPin?.wipe(); // wrong, or a try was lost since the person saw the number
        const { triesLeft } = step;
        const previous = step.kind === "wrong" && step.typed ? "wrong" : undefined;
        const question = { ...request, pin: this.#pin, reader, triesLeft, previous } as const;
        if (step.kind === "wrong" && step.typed && step.triesLeft < 2) {
          broker.holdWrong(question);
          throw wrongPin(this.#pin, step.triesLeft);
        }
        const pin = await broker.ask(question, signal);
        attempt.onAnswered?.();
        if (wrongPins.has(pin)) {
          pin.wipe();
          broker.holdWrong(question);
          throw sameAgain(this.#pin, triesLeft);
        }
        typedPin?.keep(insertedCard(card), pin, triesLeft, this.#logins);
        step = await this.#attempt(noting, { kind: "typed", pin, triesLeft });
      }
      return step.value;
    } finally {
      wrongPins.wipe();
    }
  }

  /** Someone may have left the card verified, so that it does not tell its tries: without power it does. */
  async #attemptTwice<T>(attempt: Attempt<T>, source: () => PinSource | Promise<PinSource>): Promise<Step<T>> {
    const step = await this.#attempt(attempt, await source());
    const told = step.kind !== "need-pin" || step.triesLeft !== undefined;
    return told ? step : this.#attempt(attempt, await source());
  }

  /** @returns undefined if the session that was held was lost meanwhile: the next attempt opens a fresh one. */
  async #attemptHeld<T>(attempt: Attempt<T>): Promise<Step<T> | undefined> {
    const { card } = attempt;
    const held = card.session.open;
    try {
      return await this.#attempt(attempt, await this.#recall(card));
    } catch (error) {
      if (!held || !(error instanceof JpkiError) || error.code !== "CARD_RESET") throw error;
      this.#options.registry.requireCurrent(card);
      this.#options.log.debug("the held session was lost; opening another", { reader: card.slot.reader });
      return undefined;
    }
  }

  /** One session with the card; wipes the PIN. Unless the job is done, the card is without power afterwards. */
  async #attempt<T>(attempt: Attempt<T>, source: PinSource): Promise<Step<T>> {
    const { card, signal, job, letGo, typedPin, given, wrongPins } = attempt;
    const { registry, remembered } = this.#options;
    const hold = this.#options.hold && letGo !== true;
    let accepted = false;
    let unanswered = false;
    let refused: Exclude<LoginOutcome, { kind: "verified" }> | undefined;
    const logIn = async (jpki: JpkiApplication): Promise<Step<T>> => {
      const outcome = await this.#verify(card, await this.#openPin(jpki), source, () => {
        registry.requireCurrent(card);
        if (source.kind === "given") given?.requireSendable(card.slot.insertion, this.#pin, source.pin);
        unanswered = true; // from here to the card's word the PIN is on its way
      });
      unanswered = false;
      if (outcome.kind !== "verified") {
        refused = outcome;
        if (outcome.kind === "wrong" && source.kind === "given")
          given?.noteWrong(card.slot.insertion, this.#pin, source.pin);
        if (outcome.kind === "wrong" && source.kind !== "none") wrongPins?.add(source.pin);
        return { ...outcome, typed: source.kind === "typed" };
      }
      accepted = outcome.sent;
      if (accepted) this.#logins++;
      if (accepted && source.kind === "typed") typedPin?.accept(this.#logins);
      return { kind: "done", value: await job(jpki) };
    };
    const inserted = insertedCard(card);
    const since = remembered.forgets;
    try {
      const step = await card.session.run("log in", logIn, { signal, hold });
      const known = insertedCard(card); // a phone tells who it is in its job
      if (accepted && source.kind === "typed" && known) remembered.keep(known, source.pin, since);
      // Nobody else may find the card held, selected or verified while a person is asked.
      if (step.kind !== "done") await card.session.release();
      return step;
    } finally {
      // Also when the client hung up over the answer: a PIN that failed once must never be sent again.
      if (refused && inserted) await this.#refuse(inserted, source, refused);
      if (unanswered && inserted && source.kind !== "typed") remembered.doubt(inserted);
      if (source.kind !== "none") source.pin.wipe();
    }
  }

  /** As {@link verifyWith}, and tells of the tries. */
  async #verify(card: CardRecord, pin: CardPin, source: PinSource, requireSameCard: () => void): Promise<LoginOutcome> {
    const tell = (triesLeft: number) => this.#options.onTries?.(card, pin.name, triesLeft);
    try {
      const outcome = await verifyWith(pin, source, requireSameCard);
      if (outcome.kind === "verified") tell(pin.file.maxTries);
      else if (outcome.triesLeft !== undefined) tell(outcome.triesLeft);
      return outcome;
    } catch (error) {
      if (error instanceof JpkiError && error.code === "PIN_BLOCKED") tell(0);
      throw error;
    }
  }

  async #refuse(
    card: InsertedCard,
    source: PinSource,
    step: Exclude<LoginOutcome, { kind: "verified" }>,
  ): Promise<void> {
    const { remembered, log } = this.#options;
    if (step.kind === "wrong") {
      log.warn("wrong PIN", { key: card.key.id, source: source.kind, triesLeft: step.triesLeft });
      if (source.kind === "remembered" || source.kind === "saved") await remembered.fail(card);
    }
    // Not to be sent because tries were lost elsewhere: what is in memory is never tried again.
    if (source.kind === "remembered") remembered.drop(card);
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

/** What is remembered belongs to a certificate: undefined while the card shows none. */
export function insertedCard({ identity, slot }: CardRecord): InsertedCard | undefined {
  return identity.kind === "known" ? { key: identity.key, insertion: slot.insertion } : undefined;
}
