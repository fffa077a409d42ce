/** The cards' side of the PKCS#11 face, put together: what it reads of each card, its slots, its open logins. */

import type { KnownKeyStore } from "../../lib/card-key.ts";
import type { PssChoice } from "../../lib/config.ts";
import type { Logger } from "../../lib/log.ts";
import type { PinName } from "../../lib/pin/pin.ts";
import type { SignatureRecord } from "../../lib/signature-entry.ts";
import type { CardRecord } from "../card-registry.ts";
import type { CardHooks, Cards } from "../cards.ts";
import type { SetTimer } from "../pin-memory.ts";
import type { PinCache } from "../remembered-pins.ts";
import { CardReadings } from "./card-readings.ts";
import { CardSlots } from "./card-slots.ts";
import type { LoginLimits } from "./granted-login.ts";
import { openLoginPins } from "./login-pins.ts";
import { OpenLogins } from "./open-logins.ts";
import type { PermissionRules } from "./permission.ts";

export interface P11CardsOptions {
  readonly pss: PssChoice;
  /** Whether the signature key (署名用) has slots too. */
  readonly signatureKey: boolean;
  readonly limits: LoginLimits;
  readonly cacheMode: PinCache["mode"];
  readonly known: KnownKeyStore;
  readonly record?: SignatureRecord | undefined;
  /** Monotonic milliseconds. */
  readonly now: () => number;
  /** Milliseconds since 1970. */
  readonly wallNow: () => number;
  readonly setTimer: SetTimer;
  readonly log: Logger;
}

export class P11Cards {
  readonly logins = new OpenLogins();
  readonly #options: P11CardsOptions;
  readonly #readings: CardReadings;

  constructor(options: P11CardsOptions) {
    this.#options = options;
    this.#readings = new CardReadings(options);
  }

  /** For the cards, which are opened with them. */
  get hooks(): CardHooks {
    return {
      readMore: (jpki, insertion, certificate) => this.#readings.readMore(jpki, insertion, certificate),
      onTries: this.#onTries,
      onForget: (keyId) => this.logins.revoke(keyId),
    };
  }

  /** @returns the slots, which follow the cards until they are closed. */
  openSlots({ registry, broker, login, remembered, givenTries }: Cards, rules: PermissionRules): CardSlots {
    const { limits, signatureKey, cacheMode, record, now, wallNow, setTimer, log } = this.#options;
    const shared = cacheMode === "off" ? undefined : { login, remembered };
    const common = { registry, broker, now, setTimer, log };
    return new CardSlots({
      ...{ ...common, givenTries, logins: this.logins, readings: this.#readings, limits, signatureKey, record, rules },
      openPins: (key) =>
        openLoginPins(key, { ...common, shared, ttlMs: limits.ttlMs, wallNow, onTries: this.#onTries }),
    });
  }

  readonly #onTries = (card: CardRecord, pin: PinName, triesLeft: number): void =>
    this.#readings.noteTries(card.slot.insertion, pin, triesLeft);
}
