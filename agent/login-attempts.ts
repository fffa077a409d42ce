/**
 * One PIN, one session with a card: logs in, does the job, and tells all who must know how the PIN fared: what remembers
 * PINs, what keeps wrong ones from being sent again. Nobody is asked here.
 */

import type { CardPin } from "../lib/card/card-pin.ts";
import type { JpkiApplication, JpkiPinName } from "../lib/card/jpki.ts";
import { JpkiError } from "../lib/errors.ts";
import type { Logger } from "../lib/log.ts";
import type { PinName } from "../lib/pin/pin.ts";
import type { CardRecord, CardRegistry } from "./card-registry.ts";
import type { GivenTries } from "./given-tries.ts";
import { type LoginOutcome, type PinSource, verifyWith } from "./pin-login.ts";
import type { RefusedPins } from "./refused-pins.ts";
import { type InsertedCard, insertedCard, type PinKeeper } from "./remembered-pins.ts";
import type { TypedPin } from "./typed-pin.ts";

export interface LoginAttemptsOptions {
  readonly registry: CardRegistry;
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

/** What one request does in its own way, as far as the card is concerned. */
export interface AttemptManner {
  /** What was typed for this request, over several runs; the caller wipes it. */
  readonly typedPin?: TypedPin | undefined;
  /** The card is to be without power right after the job, whatever else. */
  readonly letGo?: boolean | undefined;
}

/** What is to be done on which card; the PIN comes beside it. */
export interface LoginAttempt<T> extends AttemptManner {
  readonly card: CardRecord;
  readonly signal: AbortSignal;
  readonly job: (jpki: JpkiApplication) => Promise<T>;
  /** With a PIN that a program brought. */
  readonly given?: GivenTries | undefined;
  /** Where wrong ones are noted. */
  readonly wrongPins?: RefusedPins | undefined;
}

/** What came of an attempt. `typed`: whether the PIN was one that a person typed for this request. */
export type AttemptOutcome<T> =
  | { readonly kind: "done"; readonly value: T }
  | (Exclude<LoginOutcome, { kind: "verified" }> & { readonly typed: boolean });

export class LoginAttempts {
  /** The PIN that is verified. */
  readonly pin: PinName;
  readonly #options: LoginAttemptsOptions;
  readonly #openPin: (jpki: JpkiApplication) => Promise<CardPin>;
  #logins = 0;

  constructor(options: LoginAttemptsOptions) {
    this.#options = options;
    const { pin = "auth" } = options;
    this.pin = typeof pin === "string" ? pin : pin.name;
    this.#openPin = typeof pin === "string" ? async (jpki) => jpki.pin(pin) : pin.open;
  }

  /** How many PINs the cards have accepted: each sets a counter back. */
  get logins(): number {
    return this.#logins;
  }

  /**
   * One session with the card; wipes the PIN. Unless the job is done, the card is without power afterwards.
   *
   * @throws PinError `PIN_BLOCKED`, and for a PIN that a program brought what {@link GivenTries.requireSendable} throws;
   * PcscError; what the job throws; the signal's reason.
   */
  async once<T>(attempt: LoginAttempt<T>, source: PinSource): Promise<AttemptOutcome<T>> {
    const { card, signal, job, letGo, typedPin, given, wrongPins } = attempt;
    const { registry, remembered } = this.#options;
    const hold = this.#options.hold && letGo !== true;
    let accepted = false;
    let unanswered = false;
    let refused: Exclude<LoginOutcome, { kind: "verified" }> | undefined;
    const logIn = async (jpki: JpkiApplication): Promise<AttemptOutcome<T>> => {
      const outcome = await this.#verify(card, await this.#openPin(jpki), source, () => {
        registry.requireCurrent(card);
        if (source.kind === "given") given?.requireSendable(card.slot.insertion, this.pin, source.pin);
        unanswered = true; // from here to the card's word the PIN is on its way
      });
      unanswered = false;
      if (outcome.kind !== "verified") {
        refused = outcome;
        if (outcome.kind === "wrong" && source.kind === "given")
          given?.noteWrong(card.slot.insertion, this.pin, source.pin);
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
      if (unanswered && inserted && source.kind !== "typed" && source.kind !== "none")
        remembered.doubt(inserted, source.pin);
      if (source.kind !== "none") source.pin.wipe();
    }
  }

  /**
   * As {@link once}; again if the card has not told its tries. Someone may have left it verified, so that it does not:
   * without power it does.
   *
   * @param source called for each session anew.
   */
  async untilTold<T>(
    attempt: LoginAttempt<T>,
    source: () => PinSource | Promise<PinSource>,
  ): Promise<AttemptOutcome<T>> {
    const step = await this.once(attempt, await source());
    const told = step.kind !== "need-pin" || step.triesLeft !== undefined;
    return told ? step : this.once(attempt, await source());
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
      if (source.kind === "remembered" || source.kind === "saved") await remembered.fail(card, source.pin);
    }
    // Not to be sent because tries were lost elsewhere: what is in memory is never tried again.
    if (source.kind === "remembered") remembered.drop(card);
  }
}
