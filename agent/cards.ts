/**
 * The cards on the readers with all that a login needs: registry, PIN broker, remembered PINs, key constraints. Made of
 * what the outside hands in (lib/node.ts), closed as a whole.
 */

import type { CardTransport } from "../lib/card/transport.ts";
import type { KnownKeyStore } from "../lib/card-key.ts";
import { messageOf } from "../lib/errors.ts";
import type { Logger } from "../lib/log.ts";
import type { Prompt } from "../lib/pin/prompt.ts";
import type { PinVault } from "../lib/pin/vault.ts";
import type { SignatureRecord } from "../lib/signature-entry.ts";
import { CardLogin, type CardLoginOptions } from "./card-login.ts";
import { CardRegistry, type CardRegistryOptions } from "./card-registry.ts";
import { GivenTries } from "./given-tries.ts";
import { KeyConstraints } from "./key-constraints.ts";
import { PinBroker } from "./pin-broker.ts";
import { readerFilter } from "./reader-filter.ts";
import { insertedCard, type PinCache, RememberedPins, type RememberedPinsOptions } from "./remembered-pins.ts";
import { rememberCard } from "./renewal.ts";

/** The outside, ready to use. Closed by what is built on it. */
export interface AgentParts {
  readonly transport: CardTransport;
  readonly prompt: Prompt;
  readonly known: KnownKeyStore;
  /** Is told of each signature. */
  readonly record?: SignatureRecord | undefined;
  readonly log: Logger;
  /** `--reader`: a reader's name or a part of it. */
  readonly reader?: string | undefined;
  /** Monotonic milliseconds. */
  readonly now: () => number;
  /** The OS keychain, for `--pin-cache keychain` and `pin`. */
  readonly vault?: PinVault | undefined;
}

/** What a face beside SSH wants to be told, and to read of each card. */
export interface CardHooks {
  readonly readMore?: CardRegistryOptions["readMore"];
  readonly onTries?: CardLoginOptions["onTries"];
  readonly onForget?: RememberedPinsOptions["onForget"];
}

export interface Cards {
  readonly registry: CardRegistry;
  readonly broker: PinBroker;
  readonly remembered: RememberedPins;
  readonly login: CardLogin;
  readonly givenTries: GivenTries;
  readonly constraints: KeyConstraints;
  close(): Promise<void>;
}

/** Watches nothing yet: start the registry. */
export function openCards(parts: AgentParts, cache: PinCache, holdMs: number, hooks: CardHooks = {}): Cards {
  const { transport, prompt, known, vault, log, reader, now } = parts;
  const constraints = new KeyConstraints({ now, unixSeconds: () => Date.now() / 1000 });
  const broker = new PinBroker({ prompt, now, log });
  const givenTries = new GivenTries({ now });
  const remembered = new RememberedPins({
    ...{ cache, vault, now, log },
    wallNow: () => Date.now(),
    onForget: (cardId) => {
      givenTries.forget();
      hooks.onForget?.(cardId);
    },
    onSuspend: () => void registry.release(),
    onExpired: () => void registry.release(),
  });
  const registry = new CardRegistry({
    transport,
    holdMs,
    wantsReader: readerFilter(reader),
    readMore: hooks.readMore,
    onChange: (insertions) => {
      remembered.forgetInsertionsExcept(insertions);
      givenTries.forgetInsertionsExcept(insertions);
    },
    onKey: (key) => {
      constraints.restore(key.id);
      const present = new Set(registry.cards().flatMap((card) => insertedCard(card)?.key.id ?? []));
      return rememberCard(key, { known, present, log });
    },
    log,
  });
  // A held session would let the next request sign without the PIN that "off" promises to ask for.
  const hold = holdMs > 0 && cache.mode !== "off";
  const login = new CardLogin({ registry, broker, remembered, hold, onTries: hooks.onTries, log });
  const close = async () => {
    broker.close();
    remembered.close();
    givenTries.forget();
    await registry.close();
    await transport.close();
  };
  return { registry, broker, remembered, login, givenTries, constraints, close };
}

/** How long a start waits for the cards on the readers to be read, so that the first listing has them. */
const FIRST_READING_MS = 3000;

/** Starts to watch, and waits a while for the cards on the readers to be read. Never rejects. */
export async function firstReading(transport: CardTransport, registry: CardRegistry, log: Logger): Promise<void> {
  registry.start();
  const limit = AbortSignal.timeout(FIRST_READING_MS);
  const late = new Promise<void>((resolve) => limit.addEventListener("abort", () => resolve(), { once: true }));
  try {
    await transport.ready(limit);
    await Promise.race([registry.settled(), late]);
  } catch (error) {
    // Not fatal: the transport keeps trying, and keys once seen are listed all the same.
    log.warn("no card can be read yet", { error: messageOf(error) });
  }
}
