/**
 * The one door of agent/ for the command line: starts the agent, and passes on what commands need of it.
 *
 * Everything that touches the outside (PC/SC, prompts, state folder, log) is handed in; see lib/node.ts.
 */

import { resolve } from "node:path";
import { faultOf } from "../lib/agent-status.ts";
import type { PssChoice } from "../lib/config.ts";
import type { UseRequest } from "../lib/pin/prompt.ts";
import type { CertificateSource } from "../lib/user-certificates.ts";
import { AgentLock } from "./agent-lock.ts";
import { CardArrival } from "./card-arrival.ts";
import { CardKeyStore } from "./card-key-store.ts";
import { type AgentParts, type Cards, firstReading, openCards } from "./cards.ts";
import { requireFreeSocket, startDaemon } from "./daemon.ts";
import { readDeviceStatus } from "./device-status.ts";
import { GivenPins } from "./given-pin.ts";
import type { AgentService } from "./own-extensions.ts";
import type { LoginLimits } from "./p11/granted-login.ts";
import { P11Cards } from "./p11/p11-cards.ts";
import type { ServedP11 } from "./p11/serve.ts";
import { unrefTimer } from "./pin-memory.ts";
import type { PinCache } from "./remembered-pins.ts";
import type { SignPolicy } from "./sign-guard.ts";

export {
  changeCardPin,
  exportCardKeys,
  pinStatus,
  probeCardsOn,
  readCardAttributes,
  readCardCertificates,
  readCardFace,
  readCardNumber,
  readDevices,
  saveCardPin,
  signCardDocument,
} from "./card-commands.ts";
export type { FaceAndNumber } from "./card-data.ts";
export type { AgentParts } from "./cards.ts";
export type { DocumentRequest, DocumentSignature, SignerCertificates } from "./document-sign.ts";
export { type InheritedSocket, inheritedSocket } from "./inherited-socket.ts";
export { LOGIN_BYTES } from "./login-data.ts";
export type { CardPinStates, CountedPin, PinState } from "./pin-commands.ts";
export type { AgreeToProbe, ProbedCard, ProbeStep } from "./probe-cards.ts";
export type { SignPolicy } from "./sign-guard.ts";

/** The PKCS#11 face. */
export interface Pkcs11Options {
  /** Another one than the SSH face's; relative paths are taken from the working folder. */
  readonly socketPath: string;
  /** Whether the signature key (署名用) is offered too. */
  readonly signatureKey: boolean;
  readonly pss: PssChoice;
  readonly limits: LoginLimits;
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
  /** Absent: no PKCS#11. */
  readonly pkcs11?: Pkcs11Options | undefined;
  /** This program's, for `status`. */
  readonly version?: string | undefined;
}

export interface RunningAgent {
  readonly socketPath: string;
  /** Absolute. */
  readonly pkcs11SocketPath: string | undefined;
  /** Forgets PINs and lets go of the card; the agent goes on. */
  forget(): Promise<void>;
  /** Ends requests, cuts the cards' power, removes the socket. May be called twice. */
  close(): Promise<void>;
}

/**
 * Starts to serve. Does not need PC/SC, a reader or a card: they may come later.
 *
 * @throws SocketError `SOCKET_IN_USE`, `SOCKET_UNSAFE`; ConfigError if the upstream agent is this one.
 */
export async function startAgent(parts: AgentParts, options: AgentOptions): Promise<RunningAgent> {
  const { transport, known, record, log, now } = parts;
  const { pinCache, pkcs11, version = "" } = options;
  const p11 = pkcs11 && p11Cards(parts, pkcs11, pinCache);
  const cards = openCards(parts, pinCache, options.cardHoldMs, p11?.hooks);
  const fault = () => transport.fault();
  const arrival = new CardArrival({ ...cards, waitMs: options.waitCardMs, fault, log });
  const keys = new CardKeyStore({ ...cards, known, arrival, log });
  const lock = new AgentLock({ now });
  let served: ServedP11 | undefined;
  try {
    await requireFreeSockets(options);
    await firstReading(transport, cards.registry, log);
    const { socketPath, inheritedFd, policy, hostsOfKey, certificates, upstream } = options;
    const { constraints } = cards;
    if (pkcs11 !== undefined && p11 !== undefined) {
      const slots = p11.openSlots(cards, { lock, constraints, confirm: policy.confirm === true });
      const { allowSha1 } = policy;
      const { serveP11 } = await import("./p11/serve.ts"); // heavy: it reads certificates attribute by attribute
      served = await serveP11({ slots, socketPath: pkcs11.socketPath, allowSha1, version, log });
    }
    const confirmUse = (request: UseRequest, signal: AbortSignal) => cards.broker.confirm(request, signal);
    const daemon = await startDaemon({
      ...{ socketPath, inheritedFd, keys, policy, log, hostsOfKey, certificates, confirmUse, upstream },
      ...{ record, constraints, lock },
      token: new GivenPins({ ...cards, cacheMode: pinCache.mode }),
      service: serviceOf(parts, options, cards, p11),
    });
    return {
      socketPath: daemon.socketPath,
      pkcs11SocketPath: served?.socketPath,
      forget: () => keys.forget(),
      close: async () => {
        await Promise.all([daemon.close(), served?.close()]);
        await cards.close();
      },
    };
  } catch (error) {
    await served?.close();
    await cards.close();
    throw error;
  }
}

function p11Cards(parts: AgentParts, { pss, signatureKey, limits }: Pkcs11Options, pinCache: PinCache): P11Cards {
  const { known, record, now, log } = parts;
  const clocks = { now, wallNow: () => Date.now(), setTimer: unrefTimer };
  return new P11Cards({ pss, signatureKey, limits, cacheMode: pinCache.mode, known, record, ...clocks, log });
}

/** @throws SocketError. */
async function requireFreeSockets({ socketPath, inheritedFd, pkcs11 }: AgentOptions): Promise<void> {
  if (inheritedFd === undefined) await requireFreeSocket(socketPath);
  if (pkcs11 !== undefined) await requireFreeSocket(pkcs11.socketPath);
}

/** What the running agent tells of itself, and what it can be told to do. */
function serviceOf(parts: AgentParts, options: AgentOptions, cards: Cards, p11: P11Cards | undefined): AgentService {
  const { transport, known, now } = parts;
  const { version = "", pinCache, socketPath, pkcs11 } = options;
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
        ...(pkcs11 && p11 && { pkcs11: { socket: resolve(pkcs11.socketPath), logins: p11.logins.list() } }),
        ...(lastRefusal === undefined ? {} : { promptFault: faultOf(lastRefusal) }),
        devices,
      };
    },
  };
}
