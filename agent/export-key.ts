/**
 * The keys of the cards that lie on the readers, for `export-key`. A phone is asked for after its PIN; every key read
 * is remembered in the state folder, so that the agent knows it from then on.
 */

import type { CardTransport } from "../lib/card/transport.ts";
import { orAbort } from "../lib/card/waiting.ts";
import { type CardKey, cardKeyOf } from "../lib/card-key.ts";
import { PcscError } from "../lib/errors.ts";
import type { CardLogin } from "./card-login.ts";
import type { CardRecord, CardRegistry } from "./card-registry.ts";
import { phoneCertificate } from "./phone-certificate.ts";

export interface ExportKeyParts {
  readonly transport: CardTransport;
  /** Not started yet. */
  readonly registry: CardRegistry;
  readonly login: CardLogin;
  /** For the message when no reader counts: what `--reader` asked for. */
  readonly reader: string | undefined;
  readonly wantsReader: (reader: string) => boolean;
}

/**
 * @returns at least one key, in the readers' order.
 * @throws PcscError `PCSC_UNAVAILABLE`, `READER_ABSENT`, `CARD_ABSENT`, `CARD_BUSY`, `NOT_JPKI`; PinError (a phone).
 */
export async function exportKeys(parts: ExportKeyParts, signal: AbortSignal): Promise<readonly CardKey[]> {
  const { transport, registry, wantsReader } = parts;
  await requireReader(parts, signal);
  registry.start();
  await orAbort(registry.settled(), signal);
  const cards = registry.cards();
  const keys: CardKey[] = [];
  for (const card of cards) {
    if (card.identity.kind === "known") keys.push(card.identity.key);
    if (card.identity.kind === "hidden") keys.push(await revealPhone(parts, card, signal));
  }
  if (keys.length === 0) throw nothingUsable(transport, cards, wantsReader);
  return keys;
}

/** The key of a phone, which shows it only after its PIN. @throws as {@link CardLogin.run}. */
export async function revealPhone(
  { registry, login }: Pick<ExportKeyParts, "registry" | "login">,
  card: CardRecord,
  signal: AbortSignal,
  program?: string | undefined,
): Promise<CardKey> {
  const purpose = { kind: "command", command: "export-key" } as const;
  const key = await login.run(card, { card: "", purpose, program }, signal, async (jpki) => {
    return cardKeyOf(phoneCertificate(card, await jpki.readCertificate("auth")), "phone");
  });
  await registry.reveal(card, key);
  return key;
}

/** Waits until every reader's state is known. @throws PcscError `PCSC_UNAVAILABLE`, `READER_ABSENT`. */
export async function requireReader(
  { transport, reader, wantsReader }: Pick<ExportKeyParts, "transport" | "reader" | "wantsReader">,
  signal: AbortSignal,
): Promise<void> {
  await transport.ready(signal);
  const readers = transport.slots().map((slot) => slot.reader);
  if (readers.some(wantsReader)) return;
  if (readers.length === 0)
    throw new PcscError("READER_ABSENT", "look for a card reader: there is none", {
      hint: "plug in a reader; if it is plugged in, its driver is missing (Debian: apt install libccid)",
      details: { readers },
    });
  throw new PcscError("READER_ABSENT", `look for the reader "${reader}": there is no such reader`, {
    hint: `readers: ${readers.join(", ")}`,
    details: { reader: reader ?? "", readers },
  });
}

/** @throws PcscError `CARD_ABSENT`, `NOT_JPKI`, or why a card cannot be read. */
export function requireUsableCard(
  transport: CardTransport,
  registry: CardRegistry,
  wantsReader: (reader: string) => boolean,
): void {
  const cards = registry.cards();
  if (cards.some(({ identity }) => identity.kind === "known" || identity.kind === "hidden")) return;
  throw nothingUsable(transport, cards, wantsReader);
}

function nothingUsable(
  transport: CardTransport,
  cards: readonly CardRecord[],
  wantsReader: (reader: string) => boolean,
): Error {
  for (const { identity } of cards) if (identity.kind === "unreadable") return identity.error;
  const readers = transport.slots().filter((slot) => wantsReader(slot.reader));
  if (cards.length > 0)
    return new PcscError("NOT_JPKI", `look for a My Number card: the card on ${cards[0]?.slot.reader} is not one`, {
      hint: "put a My Number card on the reader",
      details: { readers: cards.map((card) => card.slot.reader) },
    });
  if (readers.some((slot) => slot.state === "mute"))
    return new PcscError("CARD_ABSENT", "look for a My Number card: the card on the reader does not answer", {
      hint: "turn it over or put it in again",
    });
  return new PcscError("CARD_ABSENT", "look for a My Number card: no card is on a reader", {
    hint: "put the card on the reader and try again",
    details: { readers: readers.map((slot) => slot.reader) },
  });
}
