/** What `status` reports, from the running agent or, without one, read by the command itself. */

import type { CardStatus, DeviceStatus, RunningAgentStatus } from "../lib/agent-status.ts";
import { errorOf } from "../lib/agent-status.ts";
import type { Config } from "../lib/config.ts";
import { JpkiError } from "../lib/errors.ts";
import type { DatedSignatureEntry } from "../lib/signature-entry.ts";
import { type ValidityState, validityState } from "../lib/x509/validity.ts";
import type { Deps } from "./deps.ts";
import {
  EXIT_DONE,
  EXIT_FAILED,
  EXIT_NO_CARD,
  EXIT_NO_READER,
  EXIT_NOT_VALID,
  EXIT_PIN,
  EXIT_PIN_BLOCKED,
  EXIT_REFUSED,
  exitStatusOf,
} from "./exit-status.ts";
import { type FoundAgent, findAgent } from "./find-agent.ts";
import type { Messages } from "./messages/messages.ts";
import { openAgentParts } from "./parts.ts";

export interface StatusReport {
  readonly agent: FoundAgent;
  /** Undefined while the agent is locked: it tells nothing else then. */
  readonly devices: DeviceStatus | undefined;
  /** The last signature that was not made for want of a card, a PIN or a right. */
  readonly lastRefusal: DatedSignatureEntry | undefined;
}

/** @throws the reason of `deps.signal`. */
export async function collectStatus(
  settings: Config,
  verbose: number,
  deps: Deps,
  messages: Messages,
): Promise<StatusReport> {
  const agent = await findAgent(settings, deps);
  if (agent.kind === "found" && agent.status.kind === "locked")
    return { agent, devices: undefined, lastRefusal: undefined };
  const devices = runningOf(agent)?.devices ?? (await readDevicesHere(settings, verbose, deps, messages));
  return { agent, devices, lastRefusal: await readLastRefusal(deps) };
}

/** What the agent told, if one runs and is not locked. */
export function runningOf(agent: FoundAgent): RunningAgentStatus | undefined {
  return agent.kind === "found" && agent.status.kind === "running" ? agent.status : undefined;
}

/** Where the certificate of a card stands; undefined where its dates are not known. */
export function certificateState({ notBefore, notAfter }: CardStatus, now: Date): ValidityState | undefined {
  if (notBefore === undefined || notAfter === undefined) return undefined;
  return validityState({ notBefore: new Date(notBefore), notAfter: new Date(notAfter) }, now);
}

/** 0 if a login can begin now, else the status of what stands in its way, nearest to the card first. */
export function exitStatusOfReport({ agent, devices }: StatusReport, now: Date): number {
  if (devices === undefined) return EXIT_REFUSED;
  if (devices.fault !== undefined) return exitStatusOf(errorOf(devices.fault));
  if (devices.readers.length === 0) return EXIT_NO_READER;
  const ofCards = devices.cards.filter(({ state }) => state !== "away").map((card) => exitStatusOfCard(card, now));
  const ofCard = ofCards.includes(EXIT_DONE) ? EXIT_DONE : (ofCards[0] ?? EXIT_NO_CARD);
  if (ofCard !== EXIT_DONE) return ofCard;
  if (agent.kind !== "found") return EXIT_FAILED;
  return runningOf(agent)?.promptFault === undefined ? EXIT_DONE : EXIT_PIN;
}

function exitStatusOfCard(card: CardStatus, now: Date): number {
  if (card.state === "not-jpki") return EXIT_NO_CARD;
  if (card.state === "unreadable") return card.fault === undefined ? EXIT_FAILED : exitStatusOf(errorOf(card.fault));
  if (card.triesLeft?.auth === 0) return EXIT_PIN_BLOCKED;
  return certificateState(card, now)?.kind === "expired" ? EXIT_NOT_VALID : EXIT_DONE;
}

async function readDevicesHere(
  settings: Config,
  verbose: number,
  deps: Deps,
  messages: Messages,
): Promise<DeviceStatus> {
  const { readDevices } = await import("../agent/main.ts");
  const { parts } = await openAgentParts({ settings, verbose, level: "error" }, deps, messages);
  return readDevices(parts, deps.signal);
}

async function readLastRefusal(deps: Deps): Promise<DatedSignatureEntry | undefined> {
  const { readSignatures } = await import("../lib/node.ts");
  try {
    return (await readSignatures(deps)).findLast(({ result }) => result === "refused" || result === "failed");
  } catch (error) {
    // A record that cannot be read is `log`'s and `doctor`'s concern; the rest of the status is not.
    if (error instanceof JpkiError) return undefined;
    throw error;
  }
}
