/** `ssh-add -s jpki` and `-e`: a PIN that comes from any terminal, and is taken back. */

import { cardKeyOf } from "../lib/card-key.ts";
import { KeyError, PolicyError } from "../lib/errors.ts";
import type { Pin } from "../lib/pin/pin.ts";
import type { CardLogin } from "./card-login.ts";
import type { CardRegistry } from "./card-registry.ts";
import type { GivenTries } from "./given-tries.ts";
import { oneCard } from "./one-card.ts";
import { phoneCertificate } from "./phone-certificate.ts";
import { insertedCard, type PinCache, type RememberedPins } from "./remembered-pins.ts";

export interface GivenPinsOptions {
  readonly registry: CardRegistry;
  readonly login: CardLogin;
  readonly remembered: RememberedPins;
  readonly givenTries: GivenTries;
  readonly cacheMode: PinCache["mode"];
}

export class GivenPins {
  readonly #options: GivenPinsOptions;

  constructor(options: GivenPinsOptions) {
    this.#options = options;
  }

  /**
   * Checks a PIN against the only card at once, then remembers it: for `lifetimeMs`, else as `--pin-cache` says. Wipes
   * `pin` in every case.
   *
   * @returns the id of the card's key.
   * @throws PolicyError with `--pin-cache off` and no lifetime: nothing is sent; as `oneCard` and
   * {@link CardLogin.runWithGiven}.
   */
  async give(pin: Pin, lifetimeMs: number | undefined, signal: AbortSignal): Promise<string> {
    const { registry, login, remembered, givenTries, cacheMode } = this.#options;
    const copy = pin.copy();
    const since = remembered.forgets;
    try {
      if (lifetimeMs === undefined && cacheMode === "off")
        throw new PolicyError("take a PIN: --pin-cache off remembers none", {
          hint: "give it for a time: ssh-add -t SECONDS -s jpki",
        });
      const card = await oneCard(registry);
      signal.throwIfAborted();
      const revealed = await login.runWithGiven(card, pin, givenTries, signal, async (jpki) =>
        card.identity.kind === "hidden"
          ? cardKeyOf(phoneCertificate(card, await jpki.readCertificate("auth")), "phone")
          : undefined,
      );
      if (revealed !== undefined) await registry.reveal(card, revealed);
      const inserted = insertedCard(card);
      if (inserted === undefined) throw new KeyError("KEY_UNKNOWN", "take a PIN: the card left");
      remembered.keepGiven(inserted, copy, lifetimeMs, since);
      return inserted.key.id;
    } finally {
      copy.wipe();
      pin.wipe();
    }
  }

  /** Wipes what was given or typed, and lets go of the card. */
  async takeBack(): Promise<void> {
    this.#options.remembered.forget();
    await this.#options.registry.release();
  }
}
