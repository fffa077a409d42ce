/** One key of one card in one insertion as a PKCS#11 token, and the logins with it. */

import type { JpkiApplication } from "../../lib/card/jpki.ts";
import { JpkiError, KeyError, messageOf, PcscError } from "../../lib/errors.ts";
import type { Pkcs11Key, RsaPublicKey } from "../../lib/keys.ts";
import type { Pin } from "../../lib/pin/pin.ts";
import { encodeRsaBlob, keyFingerprint } from "../../lib/ssh/public-key.ts";
import { rsaPublicKeyOfCertificate } from "../../lib/x509/certificate.ts";
import type { CardRecord, CardRegistry } from "../card-registry.ts";
import { presentCertificate } from "../cert-read.ts";
import type { GivenTries } from "../given-tries.ts";
import { insertedCard } from "../remembered-pins.ts";
import type { CardReadings } from "./card-readings.ts";
import { GrantedLogin, type GrantedLoginParts } from "./granted-login.ts";
import { actOfPerson, actWithPin } from "./login-act.ts";
import type { LoginPins } from "./login-pins.ts";
import { type PermissionRules, requirePermitted } from "./permission.ts";
import type { P11Login, P11Program, P11Token, P11Tries } from "./token.ts";

/** What is the same for every token. */
export interface CardTokenParts extends GrantedLoginParts {
  readonly registry: CardRegistry;
  readonly givenTries: GivenTries;
  readonly readings: CardReadings;
  readonly rules: PermissionRules;
  readonly openPins: (key: Pkcs11Key) => LoginPins;
}

/** The signature certificate and its CA's: the holder's name and address are in the first. */
interface Disclosed {
  readonly certificate: Uint8Array;
  readonly caCertificate: Uint8Array | undefined;
}

/** `My Number phone 01234567`, and what follows for the signature key: 32 bytes at most. */
const SIGN_LABEL = " (sign)";
const SERIAL_CHARACTERS = 15;

export class CardToken implements P11Token {
  readonly #parts: CardTokenParts;
  readonly #card: CardRecord;
  readonly #key: Pkcs11Key;
  readonly #gone = new AbortController();
  /** Kept while a login with the signature key holds. */
  #disclosed: Disclosed | undefined;
  #logins = 0;

  constructor(parts: CardTokenParts, card: CardRecord, key: Pkcs11Key) {
    this.#parts = parts;
    this.#card = card;
    this.#key = key;
  }

  get label(): string {
    return `${this.#comment || "My Number phone"}${this.#key === "sign" ? SIGN_LABEL : ""}`;
  }

  /** The certificate's fingerprint, as in the label, and which key. */
  get serial(): string {
    return `${this.#keyId?.slice(0, SERIAL_CHARACTERS) ?? "phone"}${this.#key === "sign" ? "S" : "A"}`;
  }

  get asksEachTime(): boolean {
    return this.#key === "sign";
  }

  certificate(): Uint8Array | undefined {
    return this.#key === "auth" ? this.#parts.readings.certificate(this.#insertion) : this.#disclosed?.certificate;
  }

  caCertificate(): Uint8Array | undefined {
    return this.#key === "auth" ? this.#parts.readings.caCertificate(this.#insertion) : this.#disclosed?.caCertificate;
  }

  pss(): boolean {
    return this.#parts.readings.pss(this.#insertion, this.#keyId);
  }

  tries(): P11Tries {
    return this.#parts.readings.tries(this.#insertion, this.#key);
  }

  async login(pin: Pin | undefined, who: P11Program, signal: AbortSignal): Promise<P11Login> {
    const { openPins, logins, log } = this.#parts;
    const pins = openPins(this.#key);
    let program: string | undefined;
    try {
      return await logins.attempt(this.#keyId, async (revoked) => {
        const either = AbortSignal.any([signal, this.#gone.signal, revoked]);
        either.throwIfAborted();
        program = await who.program();
        this.#requirePermitted();
        await this.#act(pin, pins, program, either);
        either.throwIfAborted();
        this.#requirePermitted(); // a phone has shown only now which key it has
        return this.#begin(pins, program);
      });
    } catch (error) {
      pins.close();
      this.#forgetDisclosed();
      if (error instanceof JpkiError || signal.aborted)
        log.warn("no login", {
          ...{ event: "login", face: "pkcs11", key: this.#comment, program, result: "failed" },
          reason: error instanceof JpkiError ? error.code : undefined,
          text: messageOf(error),
        });
      throw this.#asAbsent(error);
    } finally {
      pin?.wipe();
    }
  }

  /** The card has left. */
  leave(): void {
    const { reader } = this.#card.slot;
    this.#gone.abort(
      new PcscError("CARD_ABSENT", `use the card in ${reader}: it was taken out`, { details: { reader } }),
    );
  }

  get #insertion(): number {
    return this.#card.slot.insertion;
  }

  get #keyId(): string | undefined {
    return insertedCard(this.#card)?.key.id;
  }

  /** Empty for a phone that has not shown its key. */
  get #comment(): string {
    const { identity } = this.#card;
    return identity.kind === "known" ? identity.key.comment : "";
  }

  #requirePermitted(): boolean {
    return requirePermitted(this.#parts.rules, this.#keyId);
  }

  async #act(pin: Pin | undefined, pins: LoginPins, program: string | undefined, signal: AbortSignal): Promise<void> {
    const { broker, givenTries, limits } = this.#parts;
    const act = { card: this.#card, pins, signal, job: (jpki: JpkiApplication) => this.#readHidden(jpki) };
    if (pin !== undefined) return actWithPin(pin, act, givenTries);
    const { ttlMs, maxSignatures } = limits;
    const purpose = { kind: "pkcs11-login", key: this.#key, maxSignatures, seconds: ttlMs / 1000 } as const;
    return actOfPerson({ card: this.#comment, purpose, program }, act, broker);
  }

  /** What the card shows only after its PIN. */
  async #readHidden(jpki: JpkiApplication): Promise<void> {
    const { registry, readings } = this.#parts;
    // Also where an SSH login has had the phone show its key: that one keeps no certificate.
    if (readings.certificate(this.#insertion) === undefined)
      await registry.reveal(this.#card, await readings.readPhone(jpki, this.#card));
    if (this.#key === "auth") return;
    const certificate = presentCertificate(await jpki.readCertificate("sign"), "sign");
    const ca = await jpki.readCertificate("sign-ca");
    this.#disclosed = { certificate, caCertificate: ca.kind === "certificate" ? ca.der : undefined };
  }

  #begin(pins: LoginPins, program: string | undefined): P11Login {
    const { readings, log } = this.#parts;
    const { identity } = this.#card;
    const publicKey = this.#publicKey();
    if (identity.kind !== "known" || publicKey === undefined)
      throw new KeyError("KEY_UNKNOWN", "log in: the card does not show its certificate");
    const fingerprint = keyFingerprint(encodeRsaBlob(publicKey));
    this.#logins++;
    log.info("a program has logged in", { event: "login", face: "pkcs11", key: fingerprint, program, result: "done" });
    return new GrantedLogin(this.#parts, {
      ...{
        card: this.#card,
        key: this.#key,
        keyId: identity.key.id,
        comment: this.#comment,
        fingerprint,
        program,
        pins,
      },
      gone: this.#gone.signal,
      requirePermitted: () => this.#requirePermitted(),
      onNoPss: () => readings.unlearnPss(this.#insertion, identity.key),
      onEnd: () => {
        this.#logins--;
        this.#forgetDisclosed();
      },
    });
  }

  #publicKey(): RsaPublicKey | undefined {
    const certificate = this.certificate();
    return certificate && rsaPublicKeyOfCertificate(certificate);
  }

  #forgetDisclosed(): void {
    if (this.#logins === 0) this.#disclosed = undefined;
  }

  /** A card that was taken out in the middle of a command is told as a reset. */
  #asAbsent(error: unknown): unknown {
    const reset = error instanceof JpkiError && error.code === "CARD_RESET";
    return reset && this.#gone.signal.aborted ? this.#gone.signal.reason : error;
  }
}
