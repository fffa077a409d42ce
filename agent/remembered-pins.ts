/**
 * `--pin-cache`: what is remembered of PINs, in memory and in the OS keychain, and when it is wiped.
 *
 * A PIN belongs to one card (the SHA-256 of its authentication certificate). Whether it may be sent is decided in
 * pin-login.ts; after one failure it is erased everywhere.
 */

import type { CardKey } from "../lib/card-key.ts";
import { messageOf } from "../lib/errors.ts";
import type { Logger } from "../lib/log.ts";
import { isSamePin, type Pin } from "../lib/pin/pin.ts";
import type { PinVault } from "../lib/pin/vault.ts";
import type { CardRecord } from "./card-registry.ts";
import { PinMemory, type SetTimer, unrefTimer } from "./pin-memory.ts";
import { RefusedPins } from "./refused-pins.ts";
import { SuspendWatch } from "./suspend-watch.ts";

/** `--pin-cache` and `--pin-cache-ttl`. */
export interface PinCache {
  /**
   * `off`: not remembered. `session`: until the card leaves or the time is over. `timed`: until the time is over, also
   * over removals of the card. `keychain`: as `session`, and what `pin save` stored in the OS keychain is used.
   */
  readonly mode: "off" | "session" | "timed" | "keychain";
  /** Since the last use, milliseconds. */
  readonly ttlMs: number;
  /** Since it was typed, milliseconds; default 8 hours, or `ttlMs` if that is longer. */
  readonly maxTtlMs?: number | undefined;
}

/** A card in one insertion. `kind` says whether a new insertion proves by itself that it is the same one. */
export interface InsertedCard {
  readonly key: Pick<CardKey, "id" | "kind">;
  readonly insertion: number;
}

/** What is remembered belongs to a certificate: undefined while the card shows none. */
export function insertedCard({ identity, slot }: CardRecord): InsertedCard | undefined {
  return identity.kind === "known" ? { key: identity.key, insertion: slot.insertion } : undefined;
}

export interface RememberedPinsOptions {
  readonly cache: PinCache;
  /** Used with `keychain`. */
  readonly vault?: PinVault | undefined;
  /** Monotonic milliseconds. */
  readonly now: () => number;
  /** Milliseconds since 1970: for noticing that the machine was asleep. */
  readonly wallNow: () => number;
  readonly setTimer?: SetTimer | undefined;
  /** Called after the machine was asleep, when all is wiped. */
  readonly onSuspend?: (() => void) | undefined;
  /** Called when what is in memory was to be forgotten, by a person's wish or a sleep: of one card, or of all. */
  readonly onForget?: ((cardId: string | undefined) => void) | undefined;
  /** Called when the time of one is over and it is wiped: a session that it opened must not go on for ever. */
  readonly onExpired?: (() => void) | undefined;
  readonly log: Logger;
}

/** A copy, which the caller wipes. */
export interface RecalledPin {
  readonly kind: "remembered" | "saved";
  readonly pin: Pin;
}

/** What remembers PINs; nothing is remembered where it does nothing. */
export type PinKeeper = Pick<RememberedPins, "has" | "recall" | "keep" | "fail" | "doubt" | "drop" | "forgets">;

export class RememberedPins {
  readonly #options: RememberedPinsOptions;
  readonly #memory: PinMemory;
  readonly #watch: SuspendWatch;
  /** By card: PINs that have failed, or may have. Not sent again, even if they could not be erased in the keychain. */
  readonly #failed = new Map<string, RefusedPins>();
  /** Absent: not told yet. */
  #insertions: ReadonlySet<number> | undefined;
  #forgets = 0;
  #closed = false;

  constructor(options: RememberedPinsOptions) {
    const { cache, now, wallNow, setTimer = unrefTimer, onSuspend, onExpired, log } = options;
    this.#options = options;
    this.#memory = new PinMemory({ ttlMs: cache.ttlMs, maxTtlMs: cache.maxTtlMs, now, setTimer, onExpired });
    this.#watch = new SuspendWatch({
      now,
      wallNow,
      setTimer,
      onSuspend: () => {
        this.forget();
        log.info("the machine was asleep, or its clock was set: forgot PINs", { event: "suspend" });
        onSuspend?.();
      },
    });
  }

  /** How often it was told to forget: what was on its way to the card by then is not kept afterwards. */
  get forgets(): number {
    return this.#forgets;
  }

  /** Whether one lies in memory: told at once, and no use of it. */
  has({ key, insertion }: InsertedCard): boolean {
    this.#watch.check();
    return this.#memory.has(key.id, insertion);
  }

  /** From memory, else from the keychain. Never rejects: without it a person is asked. */
  async recall({ key, insertion }: InsertedCard): Promise<RecalledPin | undefined> {
    this.#watch.check();
    const pin = this.#memory.recall(key.id, insertion);
    if (pin !== undefined) return { kind: "remembered", pin };
    const { cache, vault, log } = this.#options;
    if (cache.mode !== "keychain" || vault === undefined || this.#closed) return undefined;
    try {
      const saved = await vault.read(key.id);
      if (saved === undefined) return undefined;
      // Another one may have been saved since.
      if (!this.#failed.get(key.id)?.has(saved) && !this.#closed) return { kind: "saved", pin: saved };
      saved.wipe();
      return undefined;
    } catch (error) {
      log.warn("the keychain cannot be read", { key: key.id, error: messageOf(error) });
      return undefined;
    }
  }

  /**
   * Keeps a copy of a PIN that a person typed and the card has just accepted.
   *
   * @param since {@link forgets} when it was sent.
   */
  keep(card: InsertedCard, pin: Pin, since = this.#forgets): void {
    if (this.#options.cache.mode !== "off") this.#keep(card, pin, since);
  }

  /**
   * Keeps a copy of a PIN that `ssh-add -s` brought and the card has just accepted.
   *
   * @param lifetimeMs in place of the times of `--pin-cache`, and also with `off`.
   * @param since as for {@link keep}.
   */
  keepGiven(card: InsertedCard, pin: Pin, lifetimeMs: number | undefined, since = this.#forgets): void {
    if (lifetimeMs === undefined) this.keep(card, pin, since);
    else this.#keep(card, pin, since, lifetimeMs);
  }

  /** After one failure of `pin`: wipes what is in memory, erases it in the keychain. Never rejects. */
  async fail({ key }: InsertedCard, pin: Pin): Promise<void> {
    const { cache, vault, log } = this.#options;
    this.#memory.forget(key.id);
    if (cache.mode !== "keychain" || vault === undefined) return;
    this.#noteFailed(key.id, pin);
    try {
      if (await eraseSaved(vault, key.id, pin))
        log.warn("the PIN in the keychain is wrong; erased it", { key: key.id });
    } catch (error) {
      log.error("the PIN in the keychain is wrong and could not be erased; run: jpki-agent pin forget", {
        key: key.id,
        error: messageOf(error),
      });
    }
  }

  /** `pin` was sent and the answer never came: it may be wrong, so it is not sent again by this agent. */
  doubt({ key }: InsertedCard, pin: Pin): void {
    this.#memory.forget(key.id);
    if (this.#options.cache.mode === "keychain") this.#noteFailed(key.id, pin);
  }

  /** Wipes what is in memory of one card, or of all. What is in the keychain stays. */
  forget(cardId?: string | undefined): void {
    this.#forgets++;
    this.#memory.forget(cardId);
    this.#options.onForget?.(cardId);
  }

  /** Wipes what is in memory of a card: not to be sent any more, though nobody has asked to forget it. */
  drop({ key }: InsertedCard): void {
    this.#memory.forget(key.id);
  }

  /** Wipes what holds for an insertion that is over. */
  forgetInsertionsExcept(current: ReadonlySet<number>): void {
    this.#insertions = current;
    this.#memory.forgetInsertionsExcept(current);
  }

  /** Wipes all, and keeps and recalls nothing from now on. */
  close(): void {
    this.#closed = true;
    this.#watch.close();
    this.forget();
    for (const failed of this.#failed.values()) failed.wipe();
  }

  #noteFailed(cardId: string, pin: Pin): void {
    if (this.#closed) return;
    const failed = this.#failed.get(cardId) ?? new RefusedPins();
    this.#failed.set(cardId, failed);
    failed.add(pin);
  }

  /** Not if it was to be forgotten, or the insertion that it is for was over, while the card still answered. */
  #keep({ key, insertion }: InsertedCard, pin: Pin, since: number, lifetimeMs?: number | undefined): void {
    const bond = this.#bond(key, insertion);
    const left = bond !== undefined && this.#insertions?.has(bond) === false;
    if (!this.#closed && since === this.#forgets && !left) this.#memory.keep(key.id, bond, pin, lifetimeMs);
  }

  /** A phone shows no certificate before its PIN, so a new insertion does not prove which phone it is. */
  #bond(key: InsertedCard["key"], insertion: number): number | undefined {
    return this.#options.cache.mode === "timed" && key.kind === "card" ? undefined : insertion;
  }
}

/** Not another one: it may have been saved since this one was remembered. @returns whether it was there. */
async function eraseSaved(vault: PinVault, cardId: string, wrong: Pin): Promise<boolean> {
  const saved = await vault.read(cardId);
  const isWrong = saved !== undefined && isSamePin(saved, wrong);
  saved?.wipe();
  return isWrong && (await vault.erase(cardId));
}
