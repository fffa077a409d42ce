/**
 * The one door of agent/ for the command line: puts registry, PIN broker, key store and daemon together.
 *
 * Everything that touches the outside (PC/SC, prompts, state folder, log) is handed in; see lib/node.ts.
 */

import type { CardTransport } from "../lib/card/transport.ts";
import type { CardKey, KnownKeyStore } from "../lib/card-key.ts";
import { messageOf } from "../lib/errors.ts";
import type { Logger } from "../lib/log.ts";
import type { Prompt, UseRequest } from "../lib/pin/prompt.ts";
import type { PinVault } from "../lib/pin/vault.ts";
import type { SignatureRecord } from "../lib/signature-entry.ts";
import type { CertificateSource } from "../lib/user-certificates.ts";
import { CardKeyStore } from "./card-key-store.ts";
import { CardLogin } from "./card-login.ts";
import { CardRegistry } from "./card-registry.ts";
import { startDaemon } from "./daemon.ts";
import { exportKeys } from "./export-key.ts";
import { GivenPins } from "./given-pin.ts";
import { KeyConstraints } from "./key-constraints.ts";
import { PinBroker } from "./pin-broker.ts";
import { readerFilter } from "./reader-filter.ts";
import { type PinCache, RememberedPins } from "./remembered-pins.ts";
import type { SignPolicy } from "./sign-guard.ts";

export type { SignPolicy } from "./sign-guard.ts";

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

export interface AgentOptions {
  readonly socketPath: string;
  readonly pinCache: PinCache;
  readonly cardHoldMs: number;
  readonly policy: SignPolicy;
  /** Host names of a host key, from known_hosts. */
  readonly hostsOfKey?: ((hostKeyBlob: Uint8Array) => readonly string[]) | undefined;
  /** Certificates to offer after their keys. */
  readonly certificates?: CertificateSource | undefined;
  /** Another agent's socket, absolute: its keys are offered after ours. */
  readonly upstream?: string | undefined;
}

export interface RunningAgent {
  readonly socketPath: string;
  /** Forgets PINs and lets go of the card; the agent goes on. */
  forget(): Promise<void>;
  /** Ends requests, cuts the cards' power, removes the socket. May be called twice. */
  close(): Promise<void>;
}

/** How long a start waits for the cards on the readers to be read, so that the first listing has them. */
const FIRST_READING_MS = 3000;

/**
 * Starts to serve. Does not need PC/SC, a reader or a card: they may come later.
 *
 * @throws SocketError `SOCKET_IN_USE`, `SOCKET_UNSAFE`; ConfigError if the upstream agent is this one.
 */
export async function startAgent(parts: AgentParts, options: AgentOptions): Promise<RunningAgent> {
  const { transport, known, log } = parts;
  const cards = openCards(parts, options.pinCache, options.cardHoldMs);
  const keys = new CardKeyStore({ ...cards, known, fault: () => transport.fault() });
  try {
    cards.registry.start();
    await firstReading(transport, cards.registry, log);
    const { socketPath, policy, hostsOfKey, certificates, upstream } = options;
    const confirmUse = (request: UseRequest, signal: AbortSignal) => cards.broker.confirm(request, signal);
    const daemon = await startDaemon({
      ...{ socketPath, keys, policy, log, hostsOfKey, certificates, confirmUse, upstream },
      record: parts.record,
      constraints: cards.constraints,
      token: new GivenPins({ ...cards, cacheMode: options.pinCache.mode }),
    });
    return {
      socketPath: daemon.socketPath,
      forget: () => keys.forget(),
      close: async () => {
        await daemon.close();
        await cards.close();
      },
    };
  } catch (error) {
    await cards.close();
    throw error;
  }
}

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

interface Cards {
  readonly registry: CardRegistry;
  readonly broker: PinBroker;
  readonly remembered: RememberedPins;
  readonly login: CardLogin;
  readonly constraints: KeyConstraints;
  close(): Promise<void>;
}

function openCards(parts: AgentParts, cache: PinCache, holdMs: number): Cards {
  const { transport, prompt, known, vault, log, reader, now } = parts;
  const constraints = new KeyConstraints({ now, unixSeconds: () => Date.now() / 1000 });
  const broker = new PinBroker({ prompt, now, log });
  const remembered = new RememberedPins({
    ...{ cache, vault, now, log },
    wallNow: () => Date.now(),
    onSuspend: () => void registry.release(),
  });
  const registry = new CardRegistry({
    transport,
    holdMs,
    wantsReader: readerFilter(reader),
    onChange: (insertions) => remembered.forgetInsertionsExcept(insertions),
    onKey: (key) => {
      constraints.restore(key.id);
      return known.remember(key);
    },
    log,
  });
  // A held session would let the next request sign without the PIN that "off" promises to ask for.
  const hold = holdMs > 0 && cache.mode !== "off";
  const login = new CardLogin({ registry, broker, remembered, hold, log });
  const close = async () => {
    broker.close();
    remembered.close();
    await registry.close();
    await transport.close();
  };
  return { registry, broker, remembered, login, constraints, close };
}

async function firstReading(transport: CardTransport, registry: CardRegistry, log: Logger): Promise<void> {
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
