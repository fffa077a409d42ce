/**
 * The virtual card: power, resets, its protocol, and a record of every command; its applications are applet.ts.
 *
 * As on the real card (card.md, "How it behaves"), a verified PIN survives a warm reset and a SELECT, and is gone only
 * when the power is.
 */

import { utf8 } from "../bytes.ts";
import { MalformedError } from "../errors.ts";
import { type DecodedCommand, decodeCommand, describeCommand } from "../iso7816/command.ts";
import { encodeResponse, type ResponseApdu } from "../iso7816/response.ts";
import { SW_UNSPECIFIED, SW_WRONG_LENGTH } from "../iso7816/status-word.ts";
import { status } from "./answer.ts";
import { JpkiApplet } from "./applet.ts";
import { cardApplications, type VirtualKeyName } from "./files.ts";
import { codesOf, FICTIONAL_HOLDER, type VirtualHolder } from "./holder.ts";
import {
  type BlockedAnswer,
  CardPins,
  createPinMemory,
  freshPins,
  type PinMemory,
  type PinStates,
  type VirtualPinName,
} from "./pins.ts";
import type { VirtualPki } from "./pki.ts";
import { type CardProfile, PROFILES, type ProfileName } from "./profiles.ts";
import { T0Exchange } from "./t0.ts";

/** What a reader, virtual or vpcd's, needs of a card. Synchronous: whoever carries the bytes adds the time. */
export interface EmulatedCard {
  /** Empty for a card that does not answer its power-up. */
  readonly atr: Uint8Array;
  readonly protocol: "T=0" | "T=1";
  /** A card that has power already is reset only, and forgets nothing. */
  powerOn(): void;
  powerOff(): void;
  warmReset(): void;
  /** One command APDU and its response, a fresh array. @throws Error without power. */
  transmit(command: Uint8Array): Uint8Array;
}

export interface VirtualCardOptions {
  readonly pki: VirtualPki;
  /** Default `card`. */
  readonly profile?: ProfileName | undefined;
  /** Differences from the profile. */
  readonly changes?: Partial<CardProfile> | undefined;
  /** Default `1234`; text is for a virtual card only, which guards nothing. */
  readonly authPin?: string | undefined;
  /** Default `TEST1234`. */
  readonly signPassword?: string | undefined;
  /** Default `2345`. */
  readonly textPin?: string | undefined;
  /** Whose card it is; default {@link FICTIONAL_HOLDER}. */
  readonly holder?: VirtualHolder | undefined;
  /** Keeps PINs and counters; in place of `authPin`, `signPassword`, `textPin` and the holder's 照合番号. */
  readonly pinMemory?: PinMemory | undefined;
  /** Default 6984. */
  readonly blockedAnswer?: BlockedAnswer | undefined;
}

/** One command as the card saw it. */
export interface CardLogEntry {
  /** Hexadecimal with the bodies of PIN commands hidden: `00 20 00 98 Lc=04 [hidden]`. */
  readonly command: string;
  readonly sw: number;
  /** 1 after the first power-up. */
  readonly powerCycle: number;
}

export const DEFAULT_AUTH_PIN = "1234";
export const DEFAULT_SIGN_PASSWORD = "TEST1234";
export const DEFAULT_TEXT_PIN = "2345";
const DEFAULT_BLOCKED_ANSWER = 0x6984;

export class VirtualCard implements EmulatedCard {
  readonly #profile: CardProfile;
  readonly #pins: CardPins;
  readonly #applet: JpkiApplet;
  readonly #t0: T0Exchange;
  readonly #log: CardLogEntry[] = [];
  readonly #signatures = { auth: 0, sign: 0 };
  #pinAttempts = 0;
  #powered = false;
  #powerCycle = 0;
  #fresh = false;

  constructor(options: VirtualCardOptions) {
    const { holder = FICTIONAL_HOLDER } = options;
    this.#profile = { ...PROFILES[options.profile ?? "card"], ...options.changes };
    this.#pins = new CardPins(
      options.pinMemory ?? createPinMemory(newPins(holder, options)),
      options.blockedAnswer ?? DEFAULT_BLOCKED_ANSWER,
    );
    this.#applet = new JpkiApplet({
      profile: this.#profile,
      applications: cardApplications(options.pki, this.#profile, holder),
      pins: this.#pins,
      onPinAttempt: () => {
        this.#pinAttempts++;
      },
      onSignature: (name) => {
        this.#signatures[name]++;
      },
    });
    this.#t0 = new T0Exchange((command) => this.#applet.execute(command));
  }

  get atr(): Uint8Array {
    return this.#profile.atr;
  }

  get protocol(): "T=0" | "T=1" {
    return this.#profile.protocol;
  }

  get powered(): boolean {
    return this.#powered;
  }

  /** Every command since the card was made. */
  get log(): readonly CardLogEntry[] {
    return this.#log;
  }

  /** VERIFY commands that brought a PIN, right or wrong. */
  get pinAttempts(): number {
    return this.#pinAttempts;
  }

  /** Of the PINs that a holder chooses. */
  get triesLeft(): Readonly<Record<"auth" | "sign" | "text", number>> {
    const pins = this.#pins;
    return { auth: pins.triesLeft("auth"), sign: pins.triesLeft("sign"), text: pins.triesLeft("text") };
  }

  /** Of any PIN. */
  triesLeftOf(name: VirtualPinName): number {
    return this.#pins.triesLeft(name);
  }

  /** Signatures made with each key. */
  get signatures(): Readonly<Record<VirtualKeyName, number>> {
    return { ...this.#signatures };
  }

  /** Whether anybody who reaches the card now may use that PIN's rights. */
  isVerified(name: VirtualPinName): boolean {
    return this.#pins.isVerified(name);
  }

  setTries(name: VirtualPinName, triesLeft: number): void {
    this.#pins.set(name, { triesLeft });
  }

  /** Another program or the municipal office gives the PIN another value. */
  setPin(name: VirtualPinName, value: string): void {
    this.#pins.set(name, { value: utf8(value) });
  }

  powerOn(): void {
    if (this.#powered) {
      this.warmReset();
      return;
    }
    this.#powered = true;
    this.#powerCycle++;
    this.#fresh = true;
  }

  powerOff(): void {
    this.#powered = false;
    this.#pins.clearVerified();
    this.#forgetSelection();
  }

  warmReset(): void {
    this.#forgetSelection();
  }

  transmit(command: Uint8Array): Uint8Array {
    if (!this.#powered) throw new Error("transmit: the virtual card has no power");
    const response = this.#answer(command);
    this.#log.push({ command: describeCommand(command), sw: response.sw, powerCycle: this.#powerCycle });
    return encodeResponse(response);
  }

  #answer(bytes: Uint8Array): ResponseApdu {
    const first = this.#fresh;
    this.#fresh = false;
    if (first && this.#profile.firstCommandFails) return status(SW_UNSPECIFIED);
    const decoded = decodeOrUndefined(bytes);
    if (decoded === undefined) return status(SW_WRONG_LENGTH);
    if (this.#profile.protocol === "T=0") return this.#t0.transmit(decoded);
    if (decoded.extended && !this.#profile.extendedLengths) return status(SW_WRONG_LENGTH);
    return this.#applet.execute(decoded.command);
  }

  #forgetSelection(): void {
    this.#applet.reset();
    this.#t0.reset();
  }
}

/** As a new card has them. */
export function newPins(
  holder: VirtualHolder,
  { authPin, signPassword, textPin }: Pick<VirtualCardOptions, "authPin" | "signPassword" | "textPin">,
): PinStates {
  const { a, b } = codesOf(holder);
  return freshPins({
    auth: authPin ?? DEFAULT_AUTH_PIN,
    sign: signPassword ?? DEFAULT_SIGN_PASSWORD,
    text: textPin ?? DEFAULT_TEXT_PIN,
    ...{ "text-a": a, "text-b": b, "surface-a": a, "surface-b": b },
  });
}

function decodeOrUndefined(bytes: Uint8Array): DecodedCommand | undefined {
  try {
    return decodeCommand(bytes);
  } catch (error) {
    // A card answers malformed bytes with a status word.
    if (error instanceof MalformedError) return undefined;
    throw error;
  }
}
