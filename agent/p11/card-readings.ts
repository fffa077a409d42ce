/**
 * What the PKCS#11 face keeps of the cards on the readers: certificates, whether they make RSASSA-PSS signatures, the
 * tries they last told of. Read in the session that the card is read in anyway, and in a login; in memory alone, for as
 * long as the card lies there. Only whether it knows PSS is remembered with its key.
 */

import { PIN_FILES } from "../../lib/card/files.ts";
import type { JpkiApplication, JpkiPinName } from "../../lib/card/jpki.ts";
import { type CardKey, cardIdOf, cardKeyOf, type KnownKeyStore } from "../../lib/card-key.ts";
import type { PssChoice } from "../../lib/config.ts";
import { JpkiError, messageOf } from "../../lib/errors.ts";
import type { Logger } from "../../lib/log.ts";
import type { PinName } from "../../lib/pin/pin.ts";
import type { CardRecord } from "../card-registry.ts";
import { phoneCertificate } from "../phone-certificate.ts";
import type { P11Tries } from "./token.ts";

export interface CardReadingsOptions {
  readonly known: KnownKeyStore;
  /** `auto`: cards are asked. */
  readonly pss: PssChoice;
  readonly log: Logger;
}

interface Reading {
  certificate?: Uint8Array | undefined;
  caCertificate?: Uint8Array | undefined;
  /** What the card has answered in this insertion. */
  pss?: boolean | undefined;
  readonly triesLeft: Partial<Record<PinName, number>>;
}

export class CardReadings {
  readonly #options: CardReadingsOptions;
  /** By insertion. */
  readonly #readings = new Map<number, Reading>();

  constructor(options: CardReadingsOptions) {
    this.#options = options;
  }

  /** For the registry of cards. */
  async readMore(
    jpki: JpkiApplication,
    insertion: number,
    certificate: Uint8Array | undefined,
  ): Promise<Pick<CardKey, "pss">> {
    const reading: Reading = { certificate, triesLeft: {} };
    this.#readings.set(insertion, reading);
    try {
      reading.caCertificate = await readCa(jpki);
      if (this.#mustAsk(certificate)) reading.pss = await jpki.knowsPss();
      const tries = await jpki.pin("auth").triesLeft();
      if (tries.kind !== "verified") reading.triesLeft.auth = tries.kind === "left" ? tries.triesLeft : 0;
    } catch (error) {
      if (!(error instanceof JpkiError)) throw error;
      this.#options.log.debug("the card did not tell all that programs ask for", { error: messageOf(error) });
    }
    return { pss: reading.pss };
  }

  /**
   * In a session whose PIN is verified: what a phone shows only then.
   *
   * @returns its key, for the registry.
   * @throws KeyError `KEY_UNKNOWN` if it shows no certificate; CardStatusError; PcscError.
   */
  async readPhone(jpki: JpkiApplication, card: CardRecord): Promise<CardKey> {
    const reading = this.#of(card.slot.insertion);
    reading.certificate = phoneCertificate(card, await jpki.readCertificate("auth"));
    reading.caCertificate = await readCa(jpki);
    return { ...cardKeyOf(reading.certificate, "phone"), pss: reading.pss };
  }

  /** What the card has just said of its tries. */
  noteTries(insertion: number, pin: PinName, triesLeft: number): void {
    this.#of(insertion).triesLeft[pin] = triesLeft;
  }

  /** It turned out that the card does not know PSS, whatever it had answered. Never rejects. */
  async unlearnPss(insertion: number, key: CardKey): Promise<void> {
    this.#of(insertion).pss = false;
    await this.#remember({ ...key, pss: false });
  }

  certificate(insertion: number): Uint8Array | undefined {
    return this.#readings.get(insertion)?.certificate;
  }

  caCertificate(insertion: number): Uint8Array | undefined {
    return this.#readings.get(insertion)?.caCertificate;
  }

  /** @param keyId undefined: the card does not show it yet. */
  pss(insertion: number, keyId: string | undefined): boolean {
    if (this.#options.pss !== "auto") return this.#options.pss === "on";
    return this.#readings.get(insertion)?.pss ?? (keyId !== undefined && this.#knownPss(keyId) === true);
  }

  tries(insertion: number, pin: JpkiPinName): P11Tries {
    const left = this.#readings.get(insertion)?.triesLeft[pin];
    if (left === undefined) return "unknown";
    if (left <= 1) return left === 1 ? "last" : "none";
    return left < PIN_FILES[pin].maxTries ? "fewer" : "all";
  }

  /** Drops what was read of cards that have left. */
  keepOnly(insertions: ReadonlySet<number>): void {
    for (const insertion of this.#readings.keys()) if (!insertions.has(insertion)) this.#readings.delete(insertion);
  }

  #of(insertion: number): Reading {
    const reading = this.#readings.get(insertion) ?? { triesLeft: {} };
    this.#readings.set(insertion, reading);
    return reading;
  }

  /** Once per card: a phone does not show before its PIN whether it was asked. */
  #mustAsk(certificate: Uint8Array | undefined): boolean {
    if (this.#options.pss !== "auto") return false;
    if (certificate === undefined) return true;
    return this.#knownPss(cardIdOf(certificate)) === undefined;
  }

  #knownPss(keyId: string): boolean | undefined {
    return this.#options.known.list().find(({ id }) => id === keyId)?.pss;
  }

  /** What cannot be kept on disk is asked again. */
  async #remember(key: CardKey): Promise<void> {
    try {
      await this.#options.known.remember(key);
    } catch (error) {
      this.#options.log.warn("what the card can do could not be remembered", { error: messageOf(error) });
    }
  }
}

/** Undefined where the card has none. */
async function readCa(jpki: JpkiApplication): Promise<Uint8Array | undefined> {
  const read = await jpki.readCertificate("auth-ca");
  return read.kind === "certificate" ? read.der : undefined;
}
