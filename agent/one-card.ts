/** Which card a command or a client means that names none: the one there is. */

import { ConfigError, PcscError } from "../lib/errors.ts";
import type { CardRecord, CardRegistry } from "./card-registry.ts";

/** JPKI cards on the readers, after waiting for readings that are under way; one that shows twice counts once. */
export async function usableCards(registry: CardRegistry): Promise<readonly CardRecord[]> {
  await registry.settled();
  const usable = registry.cards().filter(({ identity }) => identity.kind === "known" || identity.kind === "hidden");
  const ids = usable.map(({ identity, slot }) => (identity.kind === "known" ? identity.key.id : `${slot.insertion}`));
  return usable.filter((_, i) => ids.indexOf(ids[i] ?? "") === i);
}

/**
 * The only JPKI card, or the only one with this id (a phone that has not shown its own yet has none).
 *
 * @param id of the card's key, see lib/card-key.ts.
 * @throws PcscError `CARD_ABSENT`; ConfigError `CONFIG_INVALID` if there are several.
 */
export async function oneCard(registry: CardRegistry, id?: string | undefined): Promise<CardRecord> {
  const usable = await usableCards(registry);
  const cards = usable.filter(
    ({ identity }) => id === undefined || (identity.kind === "known" && identity.key.id === id),
  );
  const [card] = cards;
  if (card === undefined)
    throw new PcscError(
      "CARD_ABSENT",
      `look for ${id === undefined ? "a My Number card" : `the card ${id.slice(0, 8)}`}: none is on a reader`,
      {
        hint: "put the card on the reader and try again",
      },
    );
  if (cards.length === 1) return card;
  const readers = cards.map(({ slot }) => slot.reader);
  throw new ConfigError(`choose a card: ${cards.length} are on readers (${readers.join(", ")})`, {
    hint: "take the others away, or name the reader with --reader",
    details: { problem: "several-cards", readers },
  });
}
