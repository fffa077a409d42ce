/**
 * The slots of the PKCS#11 face: one for each card that was ever seen, two with the signature key. A slot stays when its
 * card leaves, and the card comes back to it: programs look at the list once and then at their slot.
 */

import type { Pkcs11Key } from "../../lib/keys.ts";
import type { CardRecord } from "../card-registry.ts";
import { CardToken, type CardTokenParts } from "./card-token.ts";
import type { P11Slot, P11Slots } from "./token.ts";

export interface CardSlotsOptions extends CardTokenParts {
  /** `--pkcs11-signature-key`. */
  readonly signatureKey: boolean;
}

/** After so many cards a new one takes the slots of the one that has been away longest. */
const MAX_PLACES = 16;

interface Slot extends P11Slot {
  token: CardToken | undefined;
}

/** The slots of one card. */
interface Place {
  readonly slots: readonly Slot[];
  /** Undefined: no card was here yet. */
  owner: string | undefined;
  /** The card that is here now. */
  insertion: number | undefined;
}

export class CardSlots implements P11Slots {
  readonly #options: CardSlotsOptions;
  readonly #keys: readonly Pkcs11Key[];
  /** In the order of their ids. */
  readonly #places: Place[] = [];
  /** The one whose card left last is last. */
  readonly #byLeaving: Place[] = [];
  readonly #watchers = new Set<(slotId: number) => void>();
  readonly #unwatch: () => void;

  /** Begins to follow the registry. */
  constructor(options: CardSlotsOptions) {
    this.#options = options;
    this.#keys = options.signatureKey ? ["auth", "sign"] : ["auth"];
    this.#addPlace();
    this.#unwatch = options.registry.watch(() => this.#refresh());
    this.#refresh();
  }

  list(): readonly P11Slot[] {
    return this.#places.flatMap(({ slots }) => slots);
  }

  watch(listener: (slotId: number) => void): () => void {
    this.#watchers.add(listener);
    return () => this.#watchers.delete(listener);
  }

  /** Ends every login and follows the cards no more. */
  close(): void {
    this.#unwatch();
    this.#watchers.clear();
    for (const place of this.#places) this.#leave(place);
  }

  #refresh(): void {
    const { registry, readings } = this.#options;
    const records = registry.cards();
    const cards = records.filter(({ identity }) => identity.kind === "known" || identity.kind === "hidden");
    const changed: Place[] = [];
    for (const place of this.#places) {
      const card = cards.find(({ slot }) => slot.insertion === place.insertion);
      if (card !== undefined)
        place.owner = ownerOf(card); // a phone that has shown its key since
      else if (place.insertion !== undefined) {
        this.#leave(place);
        changed.push(place);
      }
    }
    for (const card of cards) {
      const owner = ownerOf(card);
      // One card can show twice: on a reader with a contact and a contactless face.
      if (this.#places.some((place) => place.insertion !== undefined && place.owner === owner)) continue;
      const place = this.#placeFor(owner);
      this.#enter(place, card, owner);
      changed.push(place);
    }
    readings.keepOnly(new Set(records.map(({ slot }) => slot.insertion)));
    for (const { id } of new Set(changed.flatMap(({ slots }) => slots)))
      for (const watcher of [...this.#watchers]) watcher(id);
  }

  #placeFor(owner: string): Place {
    const free = this.#places.filter(({ insertion }) => insertion === undefined);
    const own = free.find((place) => place.owner === owner) ?? free.find((place) => place.owner === undefined);
    if (own !== undefined) return own;
    const [longestAway] = this.#byLeaving;
    return longestAway !== undefined && this.#places.length >= MAX_PLACES ? longestAway : this.#addPlace();
  }

  #addPlace(): Place {
    const before = this.#places.length * this.#keys.length;
    const slots = this.#keys.map((key, i): Slot => ({ id: before + i + 1, key, token: undefined }));
    const place: Place = { slots, owner: undefined, insertion: undefined };
    this.#places.push(place);
    return place;
  }

  #enter(place: Place, card: CardRecord, owner: string): void {
    place.owner = owner;
    place.insertion = card.slot.insertion;
    for (const slot of place.slots) slot.token = new CardToken(this.#options, card, slot.key);
    this.#forgetLeaving(place);
  }

  #leave(place: Place): void {
    for (const slot of place.slots) {
      slot.token?.leave();
      slot.token = undefined;
    }
    place.insertion = undefined;
    this.#forgetLeaving(place);
    this.#byLeaving.push(place);
  }

  #forgetLeaving(place: Place): void {
    const at = this.#byLeaving.indexOf(place);
    if (at >= 0) this.#byLeaving.splice(at, 1);
  }
}

/** Which card it is; of a phone that has not shown its key, where it lies. */
function ownerOf({ identity, slot }: CardRecord): string {
  return identity.kind === "known" ? `key ${identity.key.id}` : `phone on ${slot.reader}`;
}
