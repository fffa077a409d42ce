/**
 * PC/SC, readers and cards as they are now, for `status` and `doctor`: from the running agent, so that nobody fights it
 * for the card, or from the command itself. Costs no try of a PIN.
 *
 * Each card is read on the spot: the dates of a certificate are kept nowhere. A session that was held for the next
 * request ends with it.
 */

import { type CardStatus, type DeviceStatus, faultOf, type TriesLeft } from "../lib/agent-status.ts";
import type { CardPin } from "../lib/card/card-pin.ts";
import { PIN_FILES, TEXT_PIN_FILE } from "../lib/card/files.ts";
import type { CertificateOutcome, JpkiApplication } from "../lib/card/jpki.ts";
import type { CardTransport } from "../lib/card/transport.ts";
import { orAbort } from "../lib/card/waiting.ts";
import type { CardKey, KnownKeyStore } from "../lib/card-key.ts";
import { CardStatusError } from "../lib/errors.ts";
import { encodeRsaBlob, keyFingerprint } from "../lib/ssh/public-key.ts";
import { validityOfCertificate } from "../lib/x509/validity.ts";
import type { CardRecord, CardRegistry } from "./card-registry.ts";
import { insertedCard, type RememberedPins } from "./remembered-pins.ts";

export interface DeviceStatusParts {
  readonly transport: Pick<CardTransport, "binding" | "slots" | "fault" | "ready">;
  /** Started. */
  readonly registry: CardRegistry;
  readonly known: Pick<KnownKeyStore, "list">;
  readonly remembered: Pick<RememberedPins, "has">;
}

interface CardReading {
  readonly certificate: CertificateOutcome;
  readonly triesLeft: TriesLeft;
}

/** Rejects only with the signal's reason: what cannot be read is part of the status. */
export async function readDeviceStatus(parts: DeviceStatusParts, signal: AbortSignal): Promise<DeviceStatus> {
  const { transport, registry, known } = parts;
  await transport.ready(signal).catch(() => signal.throwIfAborted()); // a fault is told below
  await orAbort(registry.settled(), signal);
  await orAbort(registry.retryUnreadable(), signal);
  const cards: CardStatus[] = [];
  for (const card of registry.cards()) cards.push(await readCard(card, parts, signal));
  const present = new Set(cards.map(({ fingerprint }) => fingerprint));
  const away = known.list().map((key): CardStatus => ({ state: "away", ...nameOf(key) }));
  const fault = transport.fault();
  return {
    binding: transport.binding,
    ...(fault === undefined ? {} : { fault: faultOf(fault) }),
    readers: transport.slots().map(({ reader, state }) => ({ name: reader, state })),
    cards: [...cards, ...away.filter(({ fingerprint }) => !present.has(fingerprint))],
  };
}

async function readCard(card: CardRecord, { remembered }: DeviceStatusParts, signal: AbortSignal): Promise<CardStatus> {
  const { identity, slot } = card;
  const { reader } = slot;
  switch (identity.kind) {
    case "not-jpki":
      return { state: "not-jpki", reader };
    case "unread":
      return { state: "unreadable", reader };
    case "unreadable":
      return { state: "unreadable", reader, fault: faultOf(identity.error) };
    default: {
      const inserted = insertedCard(card);
      const name = identity.kind === "known" ? nameOf(identity.key) : { kind: "phone" as const };
      const about: CardStatus = {
        state: identity.kind === "known" ? "ready" : "hidden",
        reader,
        ...name,
        pinRemembered: inserted !== undefined && remembered.has(inserted),
      };
      try {
        const { certificate, triesLeft } = await card.session.run("status", readState, { signal });
        return { ...about, triesLeft, ...datesOf(certificate) };
      } catch (error) {
        if (signal.aborted) throw signal.reason;
        return { ...about, state: "unreadable", fault: faultOf(error) };
      }
    }
  }
}

/** The text application comes last: afterwards nothing else is selected. */
async function readState(jpki: JpkiApplication): Promise<CardReading> {
  const certificate = await jpki.readCertificate("auth");
  const auth = await triesOf(jpki.pin("auth"), PIN_FILES.auth.maxTries);
  const sign = await triesOf(jpki.pin("sign"), PIN_FILES.sign.maxTries);
  const text = await triesOf(await jpki.leaveForTextPin(), TEXT_PIN_FILE.maxTries);
  return { certificate, triesLeft: { auth, sign, text } };
}

/** A PIN that is verified has all its tries. @returns undefined where there is none, or the card does not tell. */
async function triesOf(pin: CardPin | undefined, maxTries: number): Promise<number | undefined> {
  try {
    const tries = await pin?.triesLeft();
    switch (tries?.kind) {
      case "left":
        return tries.triesLeft;
      case "blocked":
        return 0;
      case "verified":
        return maxTries;
      default:
        return undefined;
    }
  } catch (error) {
    // One PIN that this card has not (a child's has no signature password) must not hide the others.
    if (error instanceof CardStatusError) return undefined;
    throw error;
  }
}

function nameOf({ id, kind, comment, publicKey }: CardKey) {
  return { id, kind, comment, fingerprint: keyFingerprint(encodeRsaBlob(publicKey)) };
}

function datesOf(certificate: CertificateOutcome): Pick<CardStatus, "notBefore" | "notAfter"> {
  if (certificate.kind !== "certificate") return {};
  const { notBefore, notAfter } = validityOfCertificate(certificate.der);
  return { notBefore: notBefore.toISOString(), notAfter: notAfter.toISOString() };
}
