/**
 * How the PIN of one PKCS#11 login is asked for and kept. The authentication PIN as `--pin-cache` says, shared with SSH;
 * with `off` for this login alone, so that a TLS login asks once. The signature password is never kept.
 */

import type { Logger } from "../../lib/log.ts";
import type { PinName } from "../../lib/pin/pin.ts";
import { CardLogin } from "../card-login.ts";
import type { CardRecord, CardRegistry } from "../card-registry.ts";
import { nothingRemembered } from "../nothing-remembered.ts";
import type { PinBroker } from "../pin-broker.ts";
import type { SetTimer } from "../pin-memory.ts";
import { type PinKeeper, RememberedPins } from "../remembered-pins.ts";

export interface LoginPinsOptions {
  readonly registry: CardRegistry;
  readonly broker: PinBroker;
  /** Those of the agent; undefined with `--pin-cache off`. */
  readonly shared: { readonly login: CardLogin; readonly remembered: PinKeeper } | undefined;
  /** How long a login lasts, milliseconds. */
  readonly ttlMs: number;
  /** Monotonic milliseconds. */
  readonly now: () => number;
  /** Milliseconds since 1970. */
  readonly wallNow: () => number;
  readonly setTimer: SetTimer;
  /** As in {@link CardLogin}. */
  readonly onTries: (card: CardRecord, pin: PinName, triesLeft: number) => void;
  readonly log: Logger;
}

export interface LoginPins {
  readonly login: CardLogin;
  readonly remembered: PinKeeper;
  /** Wipes what is this login's alone. May be called twice. */
  close(): void;
}

/** For one login with the key; closed when it ends. */
export function openLoginPins(key: "auth" | "sign", options: LoginPinsOptions): LoginPins {
  const { registry, broker, shared, ttlMs, now, wallNow, setTimer, onTries, log } = options;
  if (key === "auth" && shared !== undefined) return { ...shared, close: () => {} };
  const common = { registry, broker, onTries, log, pin: key, hold: false };
  if (key === "sign")
    return {
      login: new CardLogin({ ...common, remembered: nothingRemembered }),
      remembered: nothingRemembered,
      close: () => {},
    };
  const cache = { mode: "session", ttlMs, maxTtlMs: ttlMs } as const;
  const remembered = new RememberedPins({ cache, now, wallNow, setTimer, log });
  return { login: new CardLogin({ ...common, remembered }), remembered, close: () => remembered.close() };
}
