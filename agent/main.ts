/**
 * The one door of agent/ for the command line: puts registry, PIN broker, key store and daemon together.
 *
 * Everything that touches the outside (PC/SC, prompts, state folder, log) is handed in; see lib/node.ts.
 */

import { resolve } from "node:path";
import { type DeviceStatus, faultOf } from "../lib/agent-status.ts";
import type { CertificateName } from "../lib/card/files.ts";
import type { JpkiPinName } from "../lib/card/jpki.ts";
import type { CardTransport } from "../lib/card/transport.ts";
import type { CardKey, KnownKeyStore } from "../lib/card-key.ts";
import { messageOf } from "../lib/errors.ts";
import type { Logger } from "../lib/log.ts";
import type { PinName } from "../lib/pin/pin.ts";
import type { Prompt, UseRequest } from "../lib/pin/prompt.ts";
import type { PinVault } from "../lib/pin/vault.ts";
import type { SignatureRecord } from "../lib/signature-entry.ts";
import type { CertificateSource } from "../lib/user-certificates.ts";
import { CardArrival } from "./card-arrival.ts";
import { CardKeyStore } from "./card-key-store.ts";
import { CardLogin, type PinKeeper } from "./card-login.ts";
import { type CardRecord, CardRegistry } from "./card-registry.ts";
import { readCertificates } from "./cert-read.ts";
import { requireFreeSocket, startDaemon } from "./daemon.ts";
import { readDeviceStatus } from "./device-status.ts";
import { exportKeys, requireReader, requireUsableCard } from "./export-key.ts";
import { GivenPins } from "./given-pin.ts";
import { KeyConstraints } from "./key-constraints.ts";
import { oneCard } from "./one-card.ts";
import type { AgentService } from "./own-extensions.ts";
import { PinBroker } from "./pin-broker.ts";
import { changePin } from "./pin-change.ts";
import { type CardPinStates, readPinStates, savePin } from "./pin-commands.ts";
import { type AgreeToProbe, type ProbedCard, probeCards } from "./probe-cards.ts";
import { readerFilter } from "./reader-filter.ts";
import { type PinCache, RememberedPins } from "./remembered-pins.ts";
import type { SignPolicy } from "./sign-guard.ts";

export { askAgentToForget, type ForgetOutcome } from "./forget-client.ts";
export { type InheritedSocket, inheritedSocket } from "./inherited-socket.ts";
export type { CardPinStates, PinState } from "./pin-commands.ts";
export type { AgreeToProbe, ProbedCard, ProbeStep } from "./probe-cards.ts";
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
  /** As {@link inheritedSocket} gives it, with its path as `socketPath`. */
  readonly inheritedFd?: number | undefined;
  readonly pinCache: PinCache;
  readonly cardHoldMs: number;
  /** How long a signature waits for its card, milliseconds; 0: it fails at once. */
  readonly waitCardMs: number;
  readonly policy: SignPolicy;
  /** Host names of a host key, from known_hosts. */
  readonly hostsOfKey?: ((hostKeyBlob: Uint8Array) => readonly string[]) | undefined;
  /** Certificates to offer after their keys. */
  readonly certificates?: CertificateSource | undefined;
  /** Another agent's socket, absolute: its keys are offered after ours. */
  readonly upstream?: string | undefined;
  /** This program's, for `status`. */
  readonly version?: string | undefined;
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
  const fault = () => transport.fault();
  const arrival = new CardArrival({ ...cards, waitMs: options.waitCardMs, fault, log });
  const keys = new CardKeyStore({ ...cards, known, arrival, log });
  try {
    if (options.inheritedFd === undefined) await requireFreeSocket(options.socketPath);
    cards.registry.start();
    await firstReading(transport, cards.registry, log);
    const { socketPath, inheritedFd, policy, hostsOfKey, certificates, upstream } = options;
    const confirmUse = (request: UseRequest, signal: AbortSignal) => cards.broker.confirm(request, signal);
    const daemon = await startDaemon({
      ...{ socketPath, inheritedFd, keys, policy, log, hostsOfKey, certificates, confirmUse, upstream },
      record: parts.record,
      constraints: cards.constraints,
      token: new GivenPins({ ...cards, cacheMode: options.pinCache.mode }),
      service: serviceOf(parts, options, cards),
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

/** The tries left of every PIN of every card on a reader; closes `parts`. @throws as {@link readPinStates}. */
export function pinStatus(parts: AgentParts, signal: AbortSignal): Promise<readonly CardPinStates[]> {
  return withCards(parts, signal, ({ registry }) => readPinStates(registry, signal));
}

/** Gives a PIN of the only card a new value; closes `parts`. @throws as {@link changePin} in pin-change.ts. */
export function changeCardPin(
  parts: AgentParts,
  { pin, force }: { readonly pin: PinName; readonly force: boolean },
  signal: AbortSignal,
): Promise<void> {
  return withCards(parts, signal, async ({ registry, broker }) => {
    const card = await oneCard(registry);
    const requireCurrent = (current: CardRecord) => registry.requireCurrent(current);
    await changePin({ card, pin, force, broker, requireCurrent }, signal);
  });
}

/** Asks for the PIN of the only card and saves it in the keychain; closes `parts`. @throws as {@link savePin}. */
export function saveCardPin(parts: AgentParts, vault: PinVault, signal: AbortSignal): Promise<string> {
  return withCards(parts, signal, ({ registry, broker }) => {
    const newLogin = (remembered: PinKeeper) =>
      new CardLogin({ registry, broker, remembered, hold: false, log: parts.log });
    return savePin({ registry, vault, newLogin }, signal);
  });
}

/** Tries out what is believed of the cards, for `doctor --report`; closes `parts`. @throws as in probe-cards.ts. */
export function probeCardsOn(
  parts: AgentParts,
  agree: AgreeToProbe,
  signal: AbortSignal,
): Promise<readonly ProbedCard[]> {
  const { transport, now } = parts;
  return withCards(parts, signal, ({ registry, login }) =>
    probeCards({ transport, registry, login, agree, now }, signal),
  );
}

/**
 * Certificates of the only card, asking for its PIN where it wants one; closes `parts`.
 *
 * @returns DER, owned by the caller, in the order of the names.
 * @throws as {@link readCertificates}.
 */
export function readCardCertificates(
  parts: AgentParts,
  options: { readonly names: readonly CertificateName[]; readonly command: string },
  signal: AbortSignal,
): Promise<readonly Uint8Array[]> {
  return withCards(parts, signal, ({ registry, broker, remembered }) => {
    const newLogin = (pin: JpkiPinName) =>
      new CardLogin({ registry, broker, remembered, pin, hold: false, log: parts.log });
    return readCertificates({ registry, newLogin }, options, signal);
  });
}

/** For a command: nothing is remembered, no session is held. */
async function withCards<T>(parts: AgentParts, signal: AbortSignal, job: (cards: Cards) => Promise<T>): Promise<T> {
  const { transport, reader } = parts;
  const cards = openCards(parts, { mode: "off", ttlMs: 0 }, 0);
  try {
    await requireReader({ transport, reader, wantsReader: readerFilter(reader) }, signal);
    cards.registry.start();
    await cards.registry.settled();
    signal.throwIfAborted();
    requireUsableCard(transport, cards.registry, readerFilter(reader));
    return await job(cards);
  } finally {
    await cards.close();
  }
}

/**
 * PC/SC, readers and cards, where no agent runs that could be asked; closes `parts`. Asks for nothing, costs no try.
 *
 * @throws the signal's reason.
 */
export async function readDevices(parts: AgentParts, signal: AbortSignal): Promise<DeviceStatus> {
  const { transport, known, log } = parts;
  const cards = openCards(parts, { mode: "off", ttlMs: 0 }, 0);
  try {
    cards.registry.start();
    await firstReading(transport, cards.registry, log);
    return await readDeviceStatus({ transport, known, ...cards }, signal);
  } finally {
    await cards.close();
  }
}

/** What the running agent tells of itself, and what it can be told to do. */
function serviceOf(parts: AgentParts, options: AgentOptions, cards: Cards): AgentService {
  const { transport, known, now } = parts;
  const { version = "", pinCache, socketPath } = options;
  const startedMs = now();
  return {
    release: () => cards.registry.release(),
    status: async (signal) => {
      const devices = await readDeviceStatus({ transport, known, ...cards }, signal);
      const { lastRefusal } = cards.broker;
      return {
        kind: "running",
        pid: process.pid,
        version,
        uptimeSeconds: Math.floor((now() - startedMs) / 1000),
        socket: resolve(socketPath),
        pinCache: pinCache.mode,
        ...(lastRefusal === undefined ? {} : { promptFault: faultOf(lastRefusal) }),
        devices,
      };
    },
  };
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
    onExpired: () => void registry.release(),
  });
  const registry = new CardRegistry({
    transport,
    holdMs,
    wantsReader: readerFilter(reader),
    onChange: (insertions) => remembered.forgetInsertionsExcept(insertions),
    onKey: (key) => {
      constraints.restore(key.id);
      tellNewKey(known.list(), key, log);
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

/** Whether a card is new or renewed it does not tell: the names on it are not ours to keep. No key is dropped. */
function tellNewKey(known: readonly CardKey[], { id, comment }: CardKey, log: Logger): void {
  if (known.length === 0 || known.some((key) => key.id === id)) return;
  log.info("a card with a key never seen before; if it replaces another, run: jpki-agent export-key", {
    event: "new-key",
    key: id,
    card: comment,
  });
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
