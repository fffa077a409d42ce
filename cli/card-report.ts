/** What is on the card as `card` tells it: in lines for people, as data for scripts. */

import type { Attributes } from "../lib/card/attributes.ts";
import type { CardDate } from "../lib/card/tagged-file.ts";
import { eraOf } from "../lib/japanese-era.ts";
import { printable } from "../lib/printable.ts";
import type { BirthDate } from "../lib/x509/holder.ts";
import type { CardLabel, CardTexts } from "./messages/card-texts.ts";

/** A name or an address may have 200 characters. */
const MAX_SHOWN = 500;

/** One line for each thing that the card holds. */
export function cardLines(
  { labels, sexes, date }: CardTexts,
  { name, address, birthDate, sex, expires }: Attributes & { readonly expires?: CardDate | undefined },
): readonly string[] {
  const shown: readonly (readonly [CardLabel, string | undefined])[] = [
    ["name", name],
    ["address", address],
    ["birthDate", birthDate && date(withEra(birthDate))],
    ["sex", sex && sexes[sex]],
    ["expires", expires && date(expires)],
  ];
  return shown.flatMap(([label, text]) =>
    text === undefined ? [] : [`${labels[label]}: ${printable(text, MAX_SHOWN)}`],
  );
}

/** The same day, with its era where that is certain. */
export function withEra(date: CardDate): BirthDate {
  const { year, month, day } = date;
  return { ...date, era: year === undefined ? undefined : eraOf(year, month, day) };
}

/** Base64, as `--json` holds images. */
export function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("base64");
}
