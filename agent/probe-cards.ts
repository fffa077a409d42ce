/**
 * `doctor --report`: tries out on each card what this program believes of cards. Without the holder's yes, nothing that
 * needs a PIN; each card begins and ends without power.
 */

import { type CardProbe, probeAfterPowerCut, probeCard, probeVerified } from "../lib/card/probe.ts";
import { BELIEFS, type Observation } from "../lib/card/probe-notes.ts";
import type { CardConnection, CardSlot, CardTransport } from "../lib/card/transport.ts";
import { PinError } from "../lib/errors.ts";
import type { CardLogin } from "./card-login.ts";
import type { CardRecord, CardRegistry } from "./card-registry.ts";
import { usableCards } from "./one-card.ts";

/** `verify`: one VERIFY with the right PIN. `sign`: a few signatures over zeros, thrown away. */
export type ProbeStep = "verify" | "sign";

/** Asks the holder. */
export type AgreeToProbe = (step: ProbeStep, card: string) => Promise<boolean>;

export interface ProbeCardsParts {
  readonly transport: CardTransport;
  /** Started. */
  readonly registry: CardRegistry;
  readonly login: CardLogin;
  readonly agree: AgreeToProbe;
  /** Monotonic milliseconds. */
  readonly now: () => number;
}

export interface ProbedCard extends CardProbe {
  readonly reader: string;
}

/** @throws PcscError; PinError `PIN_WRONG`, `PIN_BLOCKED`; the signal's reason. */
export async function probeCards(parts: ProbeCardsParts, signal: AbortSignal): Promise<readonly ProbedCard[]> {
  const probed: ProbedCard[] = [];
  for (const card of await usableCards(parts.registry)) probed.push(await probeOne(card, parts, signal));
  return probed;
}

async function probeOne(card: CardRecord, parts: ProbeCardsParts, signal: AbortSignal): Promise<ProbedCard> {
  const { transport, now } = parts;
  // Whatever another program has left verified is gone with the power.
  await withConnection(transport, card.slot, signal, async () => {});
  const { cold, slot } = await withConnection(transport, card.slot, signal, async (connection) => ({
    cold: await probeCard(connection, now),
    slot: connection.slot,
  }));
  const warm = await probeWithPin(card, parts, signal);
  const observations = [...cold.observations, ...(warm?.observations ?? [])];
  const tried = new Set(observations.map(({ belief }) => belief));
  const untried = BELIEFS.filter((belief) => !tried.has(belief)).map(
    (belief): Observation => ({ belief, verdict: "not-tried", seen: "" }),
  );
  return {
    ...cold,
    reader: slot.reader,
    observations: [...observations, ...untried],
    commands: [...cold.commands, ...(warm?.commands ?? [])],
  };
}

/** @returns undefined if the holder does not agree, or cannot be asked. */
async function probeWithPin(
  card: CardRecord,
  { transport, login, agree, now }: ProbeCardsParts,
  signal: AbortSignal,
): Promise<Pick<CardProbe, "observations" | "commands"> | undefined> {
  const comment = card.identity.kind === "known" ? card.identity.key.comment : "";
  try {
    if (!(await agree("verify", comment))) return undefined;
    const signs = await agree("sign", comment);
    const request = { card: comment, purpose: { kind: "command", command: "doctor --report" } } as const;
    const warm = await login.run(card, request, signal, (jpki) => probeVerified(jpki.channel, signs, now));
    const cut = await withConnection(transport, card.slot, signal, (connection) => probeAfterPowerCut(connection, now));
    return { ...warm, observations: [...warm.observations, ...cut] };
  } catch (error) {
    // A no, in any form, is an answer.
    if (error instanceof PinError && (error.code === "PIN_CANCELLED" || error.code === "PIN_NO_PROMPT"))
      return undefined;
    throw error;
  }
}

async function withConnection<T>(
  transport: CardTransport,
  slot: CardSlot,
  signal: AbortSignal,
  job: (connection: CardConnection) => Promise<T>,
): Promise<T> {
  const connection = await transport.connect(slot, { signal });
  try {
    return await job(connection);
  } finally {
    await connection.end();
  }
}
