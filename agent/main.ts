/**
 * The one door of agent/ for the command line: starts the agent, and passes on what commands need of it.
 *
 * Everything that touches the outside (PC/SC, prompts, state folder, log) is handed in; see lib/node.ts.
 */

import { resolve } from "node:path";
import { faultOf } from "../lib/agent-status.ts";
import type { UseRequest } from "../lib/pin/prompt.ts";
import type { CertificateSource } from "../lib/user-certificates.ts";
import { CardArrival } from "./card-arrival.ts";
import { CardKeyStore } from "./card-key-store.ts";
import { type AgentParts, type Cards, firstReading, openCards } from "./cards.ts";
import { requireFreeSocket, startDaemon } from "./daemon.ts";
import { readDeviceStatus } from "./device-status.ts";
import { GivenPins } from "./given-pin.ts";
import type { AgentService } from "./own-extensions.ts";
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
export type { DocumentRequest, DocumentSignature } from "./document-sign.ts";
export { askAgentToForget, type ForgetOutcome } from "./forget-client.ts";
export { type InheritedSocket, inheritedSocket } from "./inherited-socket.ts";
export { LOGIN_BYTES } from "./login-data.ts";
export type { CardPinStates, PinState } from "./pin-commands.ts";
export type { AgreeToProbe, ProbedCard, ProbeStep } from "./probe-cards.ts";
export type { SignPolicy } from "./sign-guard.ts";

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
