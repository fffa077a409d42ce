/**
 * What a card on a reader is. It is told by selecting the JPKI application and by its authentication certificate, in one
 * session.
 */

import type { CertificateOutcome, JpkiApplication } from "../lib/card/jpki.ts";
import type { CardSession } from "../lib/card/session.ts";
import type { CardSlot } from "../lib/card/transport.ts";
import { type CardKey, cardKeyOf } from "../lib/card-key.ts";
import { assertNever, JpkiError, messageOf } from "../lib/errors.ts";
import type { Logger } from "../lib/log.ts";

/** What reading a card has told. */
export type CardIdentity =
  | { readonly kind: "unread" }
  | { readonly kind: "known"; readonly key: CardKey }
  /** A JPKI application whose certificate comes only after the PIN: a phone. */
  | { readonly kind: "hidden" }
  | { readonly kind: "not-jpki" }
  | { readonly kind: "unreadable"; readonly error: Error };

/**
 * Never rejects for what a card does: it is used without what it did not tell.
 *
 * @param certificate DER; undefined: the card shows it only after its PIN.
 * @returns what was learnt of the card, to be kept with its key.
 */
export type ReadMore = (
  jpki: JpkiApplication,
  insertion: number,
  certificate: Uint8Array | undefined,
) => Promise<Pick<CardKey, "pss">>;

interface CardReading {
  readonly found: CertificateOutcome;
  readonly learnt?: Pick<CardKey, "pss"> | undefined;
}

export interface IdentifyOptions {
  readonly readMore: ReadMore | undefined;
  /** Whether it is still the card that lies on its reader. */
  readonly isCurrent: () => boolean;
  readonly log: Logger;
}

/** The card to be read. */
interface Subject {
  readonly slot: CardSlot;
  readonly session: CardSession;
}

/** Never rejects: what went wrong is the identity. */
export async function identifyCard(card: Subject, options: IdentifyOptions): Promise<CardIdentity> {
  const { log } = options;
  const { reader } = card.slot;
  try {
    const { found, learnt } = await readTwice(card, options);
    switch (found.kind) {
      case "certificate": {
        const key = { ...cardKeyOf(found.der, "card"), ...learnt };
        log.info("card ready", { reader, key: key.id });
        return { kind: "known", key };
      }
      case "needs-pin":
        log.info("card ready; it shows its certificate only after its PIN", { reader });
        return { kind: "hidden" };
      case "absent":
        log.warn("card without an authentication certificate", { reader });
        return { kind: "not-jpki" };
      default:
        return assertNever(found);
    }
  } catch (error) {
    if (error instanceof JpkiError && error.code === "NOT_JPKI") {
      log.info("card is not a JPKI card", { reader });
      return { kind: "not-jpki" };
    }
    const cause = error instanceof Error ? error : new Error(messageOf(error));
    log.warn("card could not be read", { reader, error: cause.message });
    return { kind: "unreadable", error: cause };
  }
}

/** A reader that cannot carry a long answer fails once, and the session has learnt to ask for short ones. */
async function readTwice(card: Subject, options: IdentifyOptions): Promise<CardReading> {
  try {
    return await readCard(card, options);
  } catch (error) {
    if (!isTransient(error) || !options.isCurrent()) throw error;
    options.log.debug("reading the card once more", { reader: card.slot.reader, error: messageOf(error) });
    return readCard(card, options);
  }
}

function readCard({ slot, session }: Subject, { readMore }: IdentifyOptions): Promise<CardReading> {
  return session.run("identify", async (jpki) => {
    const found = await jpki.readCertificate("auth");
    if (found.kind === "absent") return { found };
    const certificate = found.kind === "certificate" ? found.der : undefined;
    return { found, learnt: await readMore?.(jpki, slot.insertion, certificate) };
  });
}

function isTransient(error: unknown): boolean {
  return error instanceof JpkiError && (error.code === "CARD_RESET" || error.code === "MALFORMED");
}
