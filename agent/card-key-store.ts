/**
 * The KeyStore of this program: keys that lie in cards. Lists from memory and from the state folder, signs with the
 * card that holds the key asked for.
 */

import type { CertificateOutcome } from "../lib/card/jpki.ts";
import { type CardKey, cardKeyOf, type KnownKeyStore } from "../lib/card-key.ts";
import { KeyError, PcscError } from "../lib/errors.ts";
import type { KeyIdentity, KeyStore, SignContext } from "../lib/keys.ts";
import type { CardLogin, PinKeeper } from "./card-login.ts";
import type { CardRecord, CardRegistry } from "./card-registry.ts";

export interface CardKeyStoreOptions {
  readonly registry: CardRegistry;
  readonly known: KnownKeyStore;
  readonly login: CardLogin;
  readonly remembered: Pick<PinKeeper, "forget">;
  /** Why PC/SC cannot be used now, if so. */
  readonly fault: () => Error | undefined;
}

export class CardKeyStore implements KeyStore {
  readonly #options: CardKeyStoreOptions;

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
    const { purpose, program, signal } = context;
    const key = this.#keyOf(keyId);
    const card = await this.#cardOf(key);
    signal.throwIfAborted();
    return this.#options.login.run(card, { card: key.comment, purpose, program }, signal, async (jpki) => {
      if (card.identity.kind === "hidden") await this.#reveal(card, key, await jpki.readCertificate("auth"));
      return jpki.sign("auth", digestInfo);
    });
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

  /** The card with this key, after waiting for readings that are under way. */
  async #cardOf(key: CardKey): Promise<CardRecord> {
    const { registry, fault } = this.#options;
    const found = this.#findCard(key);
    if (found !== undefined) return found;
    await registry.settled();
    const settled = this.#findCard(key);
    if (settled !== undefined) return settled;
    await registry.retryUnreadable();
    const retried = this.#findCard(key);
    if (retried !== undefined) return retried;
    const noPcsc = fault();
    if (noPcsc !== undefined) throw noPcsc;
    for (const { identity } of registry.cards()) if (identity.kind === "unreadable") throw identity.error;
    throw new PcscError("CARD_ABSENT", `find the card of "${key.comment}": it is on no reader`, {
      hint: "put that card on the reader and try again",
      details: { card: key.comment },
    });
  }

  #findCard(key: CardKey): CardRecord | undefined {
    const cards = this.#options.registry.cards();
    return (
      cards.find(({ identity }) => identity.kind === "known" && identity.key.id === key.id) ??
      (key.kind === "phone" ? cards.find(({ identity }) => identity.kind === "hidden") : undefined)
    );
  }

  /** A phone shows which one it is only now; another one must not sign in its place. */
  async #reveal(card: CardRecord, wanted: CardKey, read: CertificateOutcome): Promise<void> {
    if (read.kind !== "certificate")
      throw new KeyError("KEY_UNKNOWN", "read the phone's certificate after its PIN: it shows none");
    const key = cardKeyOf(read.der, "phone");
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
