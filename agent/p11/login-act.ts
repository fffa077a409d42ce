/**
 * The act of a person that each PKCS#11 login takes, on the card: the PIN where it is asked for, else a yes to the
 * question that names the program. A PIN that the program brings was typed there, for this.
 */

import type { JpkiApplication } from "../../lib/card/jpki.ts";
import { PinError } from "../../lib/errors.ts";
import type { Pin } from "../../lib/pin/pin.ts";
import type { LoginRequest } from "../card-login.ts";
import type { CardRecord } from "../card-registry.ts";
import type { GivenTries } from "../given-tries.ts";
import type { PinBroker } from "../pin-broker.ts";
import { insertedCard } from "../remembered-pins.ts";
import type { LoginPins } from "./login-pins.ts";

/** What is logged in to, and what is done there then. */
export interface LoginAct {
  readonly card: CardRecord;
  readonly pins: LoginPins;
  /** On the card, once it is logged in. */
  readonly job: (jpki: JpkiApplication) => Promise<void>;
  readonly signal: AbortSignal;
}

/** Thrown into a job for which nobody was asked: the card is logged in, or its PIN remembered. Ends inside this file. */
class NobodyAsked extends Error {}

/**
 * @param pin the program's, the caller's to wipe; kept as `--pin-cache` says once the card has taken it.
 * @throws as `P11Token.login`.
 */
export async function actWithPin(pin: Pin, { card, pins, job, signal }: LoginAct, tries: GivenTries): Promise<void> {
  const { login, remembered } = pins;
  const copy = pin.copy();
  const since = remembered.forgets;
  try {
    await login.runWithGiven(card, pin, tries, signal, job);
    const inserted = insertedCard(card);
    if (inserted !== undefined) remembered.keep(inserted, copy, since);
  } finally {
    copy.wipe();
  }
}

/**
 * Where a PIN is remembered a person is asked before the card is; where the session was open, right afterwards.
 *
 * @throws as `P11Token.login`.
 */
export async function actOfPerson(
  request: LoginRequest,
  { card, pins, job, signal }: LoginAct,
  broker: Pick<PinBroker, "confirm">,
): Promise<void> {
  const { login, remembered } = pins;
  const inserted = insertedCard(card);
  const recalled = inserted && (await remembered.recall(inserted));
  recalled?.pin.wipe();
  let asked = false;
  if (recalled !== undefined) {
    await requireYes(request, broker, signal);
    asked = true;
  }
  const jobOfAsked = async (jpki: JpkiApplication) => {
    if (!asked) throw new NobodyAsked();
    await job(jpki);
  };
  const onAnswered = () => {
    asked = true;
  };
  try {
    await login.run(card, request, signal, jobOfAsked, { onAnswered });
  } catch (error) {
    if (!(error instanceof NobodyAsked)) throw error;
    await requireYes(request, broker, signal);
    await login.run(card, request, signal, job);
  }
}

/** @throws PinError `PIN_CANCELLED` for a no. */
async function requireYes(
  request: LoginRequest,
  broker: Pick<PinBroker, "confirm">,
  signal: AbortSignal,
): Promise<void> {
  if (await broker.confirm({ kind: "use", ...request }, signal)) return;
  throw new PinError("PIN_CANCELLED", "ask whether the program may use the card: no");
}
