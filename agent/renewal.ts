/**
 * Whose place the key of a card that was never seen before takes: that of a card which was renewed.
 *
 * A renewed card has a new key and a new random subject, and what would name its holder is not ours to keep. What is
 * kept with each key is the year in which its certificate ends (the day is the holder's birthday). A certificate issued
 * since the renewal of another could begin may be its successor; where that is so for one key alone, this key is
 * dropped. Wrongly dropped, where another person of the same household gets a card at that time, it comes back when its
 * card is put on a reader.
 */

import type { CardKey, KnownKeyStore } from "../lib/card-key.ts";
import type { Logger } from "../lib/log.ts";
import { renewalOpens } from "../lib/x509/validity.ts";

export interface RenewalParts {
  readonly known: KnownKeyStore;
  /** Ids of the keys whose cards are on readers. */
  readonly present: ReadonlySet<string>;
  readonly log: Logger;
}

/** Remembers the key of a card that was read, and drops the one it replaces. @throws FileError `IO_FAILED`. */
export async function rememberCard(key: CardKey, { known, present, log }: RenewalParts): Promise<void> {
  const others = known.list().filter(({ id }) => id !== key.id);
  const isNew = others.length > 0 && others.length === known.list().length;
  const due = isNew ? others.filter((other) => !present.has(other.id) && mayReplace(key, other)) : [];
  const [old] = due.length === 1 ? due : [];
  await known.remember(key, old?.id);
  const fields = { key: key.id, card: key.comment };
  if (old !== undefined)
    log.warn("a renewed card: its key takes the old one's place; put it on your servers: jpki-agent export-key", {
      ...fields,
      ...{ event: "renewed", replaced: old.id, replacedCard: old.comment },
    });
  else if (isNew)
    log.info("a card with a key never seen before; to put it on your servers: jpki-agent export-key", {
      ...fields,
      event: "new-key",
    });
}

/** Whether `old` could be renewed when `key` was issued; false where this is not known. */
function mayReplace(key: CardKey, old: CardKey): boolean {
  const { issued, lastYear } = key;
  if (issued === undefined || lastYear === undefined || old.lastYear === undefined) return false;
  const opens = renewalOpens(new Date(Date.UTC(old.lastYear, 0, 1)));
  return key.kind === old.kind && lastYear > old.lastYear && issued >= opens;
}
