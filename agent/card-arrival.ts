/**
 * Finds the card that holds a key; where it is not on a reader, asks a person for it and waits until it comes.
 *
 * All requests that wait for one card share one message. It is shown only while placing the card would help: not while
 * PC/SC cannot be used, nor while another program keeps a card that may be the one.
 */

import { orAbort, pause, settlesWithin } from "../lib/card/waiting.ts";
import type { CardKey } from "../lib/card-key.ts";
import { JpkiError, messageOf, PcscError, PinError } from "../lib/errors.ts";
import type { Logger } from "../lib/log.ts";
import type { LoginRequest } from "./card-login.ts";
import type { CardRecord, CardRegistry } from "./card-registry.ts";
import type { PinBroker } from "./pin-broker.ts";

export interface CardArrivalOptions {
  readonly registry: CardRegistry;
  readonly broker: Pick<PinBroker, "askForCard">;
  /** How long to wait for a card, milliseconds; 0: not at all. */
  readonly waitMs: number;
  /** Why PC/SC cannot be used now, if so. */
  readonly fault: () => Error | undefined;
  readonly log: Logger;
}

export interface FoundCard {
  readonly card: CardRecord;
  /** Whether a person had to place it: then it should be free to be taken away again soon. */
  readonly waitedFor: boolean;
}

/** What all who wait for one card share. */
interface Wait {
  readonly key: CardKey;
  readonly request: LoginRequest;
  /** Ends the waiting of each. */
  readonly waiting: Set<(reason: Error) => void>;
  /** Of the message that was shown last; undefined: none. */
  otherCard: boolean | undefined;
  takeAway: AbortController;
}

/** A service that is being restarted is back by then; one that is not there is no card's fault. */
const PCSC_RETURNS_MS = 5000;
/** Between two attempts at a card that could not be read. */
const READ_AGAIN_MS = 1000;
/** pcscd looks for a removed card every 400 ms (PCSCLITE_STATUS_POLL_RATE). */
const REMOVAL_SEEN_MS = 1000;

export class CardArrival {
  readonly #options: CardArrivalOptions;
  readonly #waits = new Map<string, Wait>();

  constructor(options: CardArrivalOptions) {
    this.#options = options;
  }

  /** Whether a request waits for a card at all. */
  get waits(): boolean {
    return this.#options.waitMs > 0;
  }

  /**
   * The card with this key: a card that has shown the key's certificate, or for a phone one that may be it.
   *
   * @throws PcscError `CARD_ABSENT`, `CARD_BUSY`, `PCSC_UNAVAILABLE`, or why a card cannot be read, when the time is
   * over; PinError `PIN_CANCELLED` for a person's no; the signal's reason.
   */
  async find(key: CardKey, request: LoginRequest, signal: AbortSignal): Promise<FoundCard> {
    const card = await this.#look(key, signal);
    if (card !== undefined) return { card, waitedFor: false };
    if (!this.waits) throw this.#whyNot(key);
    return { card: await this.#wait(key, request, signal), waitedFor: true };
  }

  /** Returns when a card that answered no more is known to be gone, or seems to have stayed. */
  async lost(card: CardRecord, signal: AbortSignal): Promise<void> {
    const { registry } = this.#options;
    let stop = (): void => {};
    const gone = new Promise<void>((resolve) => {
      const look = () => {
        if (!registry.cards().includes(card)) resolve();
      };
      stop = registry.watch(look);
      look();
    });
    await orAbort(settlesWithin(gone, REMOVAL_SEEN_MS), signal).finally(stop);
  }

  /** On the readers now, after waiting for readings that are under way. */
  async #look(key: CardKey, signal: AbortSignal): Promise<CardRecord | undefined> {
    const { registry } = this.#options;
    const found = findCard(registry, key);
    if (found !== undefined) return found;
    await orAbort(registry.settled(), signal);
    const settled = findCard(registry, key);
    if (settled !== undefined) return settled;
    await orAbort(registry.retryUnreadable(), signal);
    return findCard(registry, key);
  }

  async #wait(key: CardKey, request: LoginRequest, signal: AbortSignal): Promise<CardRecord> {
    const { registry, waitMs, fault } = this.#options;
    const end = new AbortController();
    const endIfFault = () => fault() !== undefined && end.abort(fault());
    const timers = [setTimeout(() => end.abort(this.#whyNot(key)), waitMs)];
    if (fault() !== undefined) timers.push(setTimeout(endIfFault, PCSC_RETURNS_MS));
    const until = AbortSignal.any([signal, end.signal]);
    const wait = this.#join(key, request);
    const fail = (reason: Error) => end.abort(reason);
    wait.waiting.add(fail);
    let wake = (): void => {};
    const stopWatching = registry.watch(() => wake());
    try {
      for (;;) {
        const changed = new Promise<void>((resolve) => {
          wake = resolve;
        });
        const card = await this.#look(key, until);
        if (card !== undefined) return card;
        this.#showMessage(wait);
        if (isAnyUnreadable(registry)) await pause(READ_AGAIN_MS, until);
        else await orAbort(changed, until);
      }
    } finally {
      for (const timer of timers) clearTimeout(timer);
      stopWatching();
      wait.waiting.delete(fail);
      if (wait.waiting.size === 0) this.#end(wait);
    }
  }

  #join(key: CardKey, request: LoginRequest): Wait {
    const existing = this.#waits.get(key.id);
    if (existing !== undefined) return existing;
    this.#options.log.info("waiting for a card", { event: "wait-card", key: key.id, card: key.comment });
    const wait: Wait = { key, request, waiting: new Set(), otherCard: undefined, takeAway: new AbortController() };
    this.#waits.set(key.id, wait);
    return wait;
  }

  #end(wait: Wait): void {
    this.#waits.delete(wait.key.id);
    wait.takeAway.abort();
  }

  /** The message that fits what lies on the readers now, in the place of another one. */
  #showMessage(wait: Wait): void {
    const { registry, fault, log } = this.#options;
    const helps = fault() === undefined && !isAnyUnreadable(registry);
    const otherCard = helps ? registry.cards().length > 0 : undefined;
    if (otherCard === wait.otherCard) return;
    wait.otherCard = otherCard;
    wait.takeAway.abort();
    if (otherCard === undefined) return;
    if (otherCard)
      log.warn("another card is on the reader; still waiting, no PIN is sent to it", {
        event: "other-card",
        key: wait.key.id,
        card: wait.key.comment,
      });
    wait.takeAway = new AbortController();
    void this.#ask(wait, otherCard, wait.takeAway.signal);
  }

  /** Never rejects. */
  async #ask(wait: Wait, otherCard: boolean, signal: AbortSignal): Promise<void> {
    const { broker, log } = this.#options;
    const { key, request, waiting } = wait;
    try {
      if ((await broker.askForCard({ ...request, otherCard }, signal)) === "closed") return;
      for (const fail of waiting) fail(cancelled(key));
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof PinError && error.code === "PIN_CANCELLED") for (const fail of waiting) fail(error);
      // The card can be placed without a message.
      else log.info("no message can ask for the card", { key: key.id, card: key.comment, text: messageOf(error) });
    }
  }

  #whyNot(key: CardKey): Error {
    const { registry, fault } = this.#options;
    const noPcsc = fault();
    if (noPcsc !== undefined) return noPcsc;
    for (const { identity } of registry.cards()) if (identity.kind === "unreadable") return identity.error;
    return new PcscError("CARD_ABSENT", `find the card of "${key.comment}": it is on no reader`, {
      hint: "put that card on the reader and try again",
      details: { card: key.comment },
    });
  }
}

/** Whether this ended because the card, its reader or PC/SC went away: they may come back. */
export function isCardLost(error: unknown): boolean {
  return error instanceof JpkiError && LOST.has(error.code);
}

const LOST: ReadonlySet<string> = new Set(["CARD_RESET", "CARD_ABSENT", "READER_ABSENT", "PCSC_UNAVAILABLE"]);

function findCard(registry: CardRegistry, key: CardKey): CardRecord | undefined {
  const cards = registry.cards();
  return (
    cards.find(({ identity }) => identity.kind === "known" && identity.key.id === key.id) ??
    (key.kind === "phone" ? cards.find(({ identity }) => identity.kind === "hidden") : undefined)
  );
}

function isAnyUnreadable(registry: CardRegistry): boolean {
  return registry.cards().some(({ identity }) => identity.kind === "unreadable");
}

function cancelled({ comment }: CardKey): PinError {
  return new PinError("PIN_CANCELLED", `wait for "${comment}": cancelled`);
}
