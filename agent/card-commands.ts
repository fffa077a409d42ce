/**
 * What a command does with the cards on the readers, without an agent: each opens them, does one job, and closes them
 * with the power cut. Nothing is remembered and no session is held.
 */

import type { DeviceStatus } from "../lib/agent-status.ts";
import type { Attributes, TextPinName } from "../lib/card/attributes.ts";
import type { CertificateName } from "../lib/card/files.ts";
import type { JpkiPinName } from "../lib/card/jpki.ts";
import { orAbort } from "../lib/card/waiting.ts";
import type { CardKey } from "../lib/card-key.ts";
import type { ChosenPinName } from "../lib/pin/pin.ts";
import type { PinVault } from "../lib/pin/vault.ts";
import {
  type FaceAndNumber,
  type FaceReading,
  type OpenWith,
  readAttributes,
  readFace,
  readNumber,
} from "./card-data.ts";
import { CardLogin } from "./card-login.ts";
import type { CardRecord } from "./card-registry.ts";
import { type AgentParts, type Cards, openCards } from "./cards.ts";
import { readCertificates } from "./cert-read.ts";
import { readDeviceStatus } from "./device-status.ts";
import { type DocumentRequest, type DocumentSignature, signDocument } from "./document-sign.ts";
import { exportKeys, requireReader, requireUsableCard } from "./export-key.ts";
import type { PinPlace } from "./login-attempts.ts";
import { oneCard } from "./one-card.ts";
import { changePin } from "./pin-change.ts";
import { type CardPinStates, readPinStates, savePin } from "./pin-commands.ts";
import { type AgreeToProbe, type ProbedCard, probeCards } from "./probe-cards.ts";
import { readerFilter } from "./reader-filter.ts";
import type { PinKeeper } from "./remembered-pins.ts";

/**
 * Reads the keys of the cards on the readers, asking for the PIN of a phone; closes `parts` in every case.
 *
 * @throws as {@link exportKeys} in export-key.ts.
 */
export async function exportCardKeys(parts: AgentParts, signal: AbortSignal): Promise<readonly CardKey[]> {
  const cards = openCards(parts, { mode: "off", ttlMs: 0 }, 0);
  const { transport, reader } = parts;
  try {
    return await exportKeys({ ...cards, transport, reader, wantsReader: readerFilter(reader) }, signal);
  } finally {
    await cards.close();
  }
}

/** The tries left of every PIN of every card on a reader; closes `parts`. @throws as {@link readPinStates}. */
export function pinStatus(parts: AgentParts, signal: AbortSignal): Promise<readonly CardPinStates[]> {
  return withCards(parts, signal, ({ registry }) => readPinStates(registry, signal));
}

/** Gives a PIN of the only card a new value; closes `parts`. @throws as {@link changePin} in pin-change.ts. */
export function changeCardPin(
  parts: AgentParts,
  { pin, force }: { readonly pin: ChosenPinName; readonly force: boolean },
  signal: AbortSignal,
): Promise<void> {
  return withCards(parts, signal, async ({ registry, broker }) => {
    const card = await oneCard(registry);
    const requireCurrent = (current: CardRecord) => registry.requireCurrent(current);
    await changePin({ card, pin, force, broker, requireCurrent }, signal);
  });
}

/** Asks for the PIN of the only card and saves it in the keychain; closes `parts`. @throws as {@link savePin}. */
export function saveCardPin(parts: AgentParts, vault: PinVault, signal: AbortSignal): Promise<string> {
  return withCards(parts, signal, ({ registry, broker }) => {
    const newLogin = (remembered: PinKeeper) =>
      new CardLogin({ registry, broker, remembered, hold: false, log: parts.log });
    return savePin({ registry, vault, newLogin }, signal);
  });
}

/** Tries out what is believed of the cards, for `doctor --report`; closes `parts`. @throws as in probe-cards.ts. */
export function probeCardsOn(
  parts: AgentParts,
  agree: AgreeToProbe,
  signal: AbortSignal,
): Promise<readonly ProbedCard[]> {
  const { transport, now } = parts;
  return withCards(parts, signal, ({ registry, login }) =>
    probeCards({ transport, registry, login, agree, now }, signal),
  );
}

/**
 * Certificates of the only card, asking for its PIN where it wants one; closes `parts`.
 *
 * @returns DER, owned by the caller, in the order of the names.
 * @throws as {@link readCertificates}.
 */
export function readCardCertificates(
  parts: AgentParts,
  options: { readonly names: readonly CertificateName[]; readonly command: string },
  signal: AbortSignal,
): Promise<readonly Uint8Array[]> {
  return withCards(parts, signal, (cards) => readCertificates(loginParts(parts, cards), options, signal));
}

/** A signature of the only card over a document, asking for its PIN; closes `parts`. @throws as {@link signDocument}. */
export function signCardDocument(
  parts: AgentParts,
  request: DocumentRequest,
  signal: AbortSignal,
): Promise<DocumentSignature> {
  const { record } = parts;
  return withCards(parts, signal, (cards) => signDocument({ ...loginParts(parts, cards), record }, request, signal));
}

/** 基本4情報 of the only card as text; closes `parts`. @throws as {@link readAttributes} in card-data.ts. */
export function readCardAttributes(
  parts: AgentParts,
  options: OpenWith<TextPinName>,
  signal: AbortSignal,
): Promise<Attributes> {
  return withCards(parts, signal, (cards) => readAttributes(loginParts(parts, cards), options, signal));
}

/** The individual number on the only card; closes `parts`. @throws as {@link readNumber} in card-data.ts. */
export function readCardNumber(
  parts: AgentParts,
  options: OpenWith<TextPinName>,
  signal: AbortSignal,
): Promise<string> {
  return withCards(parts, signal, (cards) => readNumber(loginParts(parts, cards), options, signal));
}

/** What is printed on the only card, as images; closes `parts`. @throws as {@link readFace} in card-data.ts. */
export function readCardFace(parts: AgentParts, options: FaceReading, signal: AbortSignal): Promise<FaceAndNumber> {
  return withCards(parts, signal, (cards) => readFace(loginParts(parts, cards), options, signal));
}

/** The cards, and for each PIN a login that holds no session. */
function loginParts({ log }: AgentParts, { registry, broker, remembered }: Cards) {
  const newLogin = (pin: JpkiPinName | PinPlace) =>
    new CardLogin({ registry, broker, remembered, pin, hold: false, log });
  return { registry, newLogin };
}

/** For a command: nothing is remembered, no session is held. */
async function withCards<T>(parts: AgentParts, signal: AbortSignal, job: (cards: Cards) => Promise<T>): Promise<T> {
  const { transport, reader } = parts;
  const cards = openCards(parts, { mode: "off", ttlMs: 0 }, 0);
  try {
    await requireReader({ transport, reader, wantsReader: readerFilter(reader) }, signal);
    cards.registry.start();
    await orAbort(cards.registry.settled(), signal);
    requireUsableCard(transport, cards.registry, readerFilter(reader));
    return await job(cards);
  } finally {
    await cards.close();
  }
}

/**
 * PC/SC, readers and cards, where no agent runs that could be asked; closes `parts`. Asks for nothing, costs no try.
 *
 * @throws the signal's reason.
 */
export async function readDevices(parts: AgentParts, signal: AbortSignal): Promise<DeviceStatus> {
  const { transport, known } = parts;
  const cards = openCards(parts, { mode: "off", ttlMs: 0 }, 0);
  try {
    cards.registry.start();
    return await readDeviceStatus({ transport, known, ...cards }, signal);
  } finally {
    await cards.close();
  }
}
