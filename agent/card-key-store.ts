/**
 * The KeyStore of this program: keys that lie in cards. Lists from memory and from the state folder, signs with the
 * card that holds the key asked for.
 */

import type { CertificateOutcome, JpkiApplication } from "../lib/card/jpki.ts";
import { type CardKey, cardKeyOf, type KnownKeyStore } from "../lib/card-key.ts";
import { KeyError, messageOf } from "../lib/errors.ts";
import type { KeyIdentity, KeyStore, SignContext } from "../lib/keys.ts";
import type { Logger } from "../lib/log.ts";
import { type CardArrival, isCardLost } from "./card-arrival.ts";
import type { CardLogin } from "./card-login.ts";
import type { CardRecord, CardRegistry } from "./card-registry.ts";
import { phoneCertificate } from "./phone-certificate.ts";
import type { RememberedPins } from "./remembered-pins.ts";
import { TypedPin } from "./typed-pin.ts";

export interface CardKeyStoreOptions {
  readonly registry: CardRegistry;
  readonly known: KnownKeyStore;
  readonly login: CardLogin;
  readonly remembered: Pick<RememberedPins, "forget">;
  readonly arrival: CardArrival;
  readonly log: Logger;
}

/** How often one request begins anew with a card that left or was reset. */
const MAX_LOSSES = 5;

export class CardKeyStore implements KeyStore {
  readonly #options: CardKeyStoreOptions;
  /** How many signatures with a key are under way. */
  readonly #underWay = new Map<string, number>();

  constructor(options: CardKeyStoreOptions) {
    this.#options = options;
  }

  list(): readonly KeyIdentity[] {
    const present = this.#options.registry
      .cards()
      .flatMap(({ identity }) => (identity.kind === "known" ? [identity.key] : []));
    const ids = new Set(present.map((key) => key.id));
    const away = this.#options.known.list().filter((key) => !ids.has(key.id));
    return [...unique(present).map((key) => toIdentity(key, true)), ...away.map((key) => toIdentity(key, false))];
  }

  async sign(keyId: string, digestInfo: Uint8Array, context: SignContext): Promise<Uint8Array> {
    const key = this.#keyOf(keyId);
    const typedPin = new TypedPin();
    this.#underWay.set(keyId, (this.#underWay.get(keyId) ?? 0) + 1);
    try {
      return await this.#signWherever(key, digestInfo, context, typedPin);
    } finally {
      typedPin.wipe();
      const left = (this.#underWay.get(keyId) ?? 0) - 1;
      if (left > 0) this.#underWay.set(keyId, left);
      else this.#underWay.delete(keyId);
    }
  }

  async forget(keyId?: string | undefined): Promise<void> {
    this.#options.remembered.forget(keyId);
    await this.#options.registry.release();
  }

  #keyOf(keyId: string): CardKey {
    for (const { identity } of this.#options.registry.cards())
      if (identity.kind === "known" && identity.key.id === keyId) return identity.key;
    const key = this.#options.known.list().find(({ id }) => id === keyId);
    if (key === undefined) throw new KeyError("KEY_UNKNOWN", `find the key ${keyId.slice(0, 8)}: no card ever had it`);
    return key;
  }

  /** A card that leaves before it has signed is waited for again. */
  async #signWherever(
    key: CardKey,
    digestInfo: Uint8Array,
    { purpose, program, signal }: SignContext,
    typedPin: TypedPin,
  ): Promise<Uint8Array> {
    const { arrival, login, log } = this.#options;
    const request = { card: key.comment, purpose, program };
    let letGo = false;
    for (let losses = 0; ; losses++) {
      const { card, waitedFor } = await arrival.find(key, request, signal);
      signal.throwIfAborted();
      letGo ||= waitedFor;
      try {
        const sign = async (jpki: JpkiApplication) => {
          if (card.identity.kind === "hidden") await this.#reveal(card, key, await jpki.readCertificate("auth"));
          return jpki.sign("auth", digestInfo);
        };
        const signature = await login.run(card, request, signal, sign, { typedPin, letGo });
        if (letGo && this.#underWay.get(key.id) === 1)
          log.info("signed; the card may be taken away", { event: "take-away", key: key.id, card: key.comment });
        return signature;
      } catch (error) {
        if (signal.aborted || !arrival.waits || losses === MAX_LOSSES || !isCardLost(error)) throw error;
        log.info("the card left before it signed", { key: key.id, card: key.comment, text: messageOf(error) });
        await arrival.lost(card, signal);
      }
    }
  }

  /** A phone shows which one it is only now; another one must not sign in its place. */
  async #reveal(card: CardRecord, wanted: CardKey, read: CertificateOutcome): Promise<void> {
    const key = cardKeyOf(phoneCertificate(card, read), "phone");
    await this.#options.registry.reveal(card, key);
    if (key.id === wanted.id) return;
    throw new KeyError(
      "KEY_UNKNOWN",
      `sign with "${wanted.comment}": the phone on ${card.slot.reader} is another one`,
      {
        hint: "run export-key for this phone, or put the other one on the reader",
      },
    );
  }
}

function toIdentity({ id, publicKey, comment }: CardKey, present: boolean): KeyIdentity {
  return { id, publicKey, comment, present };
}

/** One card can show twice: on a reader with a contact and a contactless face. */
function unique(keys: readonly CardKey[]): readonly CardKey[] {
  return [...new Map(keys.map((key) => [key.id, key])).values()];
}
