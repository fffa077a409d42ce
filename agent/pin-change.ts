/**
 * `pin change`: everything is asked and checked before the card is touched with a PIN; then VERIFY and CHANGE REFERENCE
 * DATA in one session. Every failure says which value the card has now.
 */

import type { CardPin } from "../lib/card/card-pin.ts";
import type { JpkiApplication } from "../lib/card/jpki.ts";
import { CardStatusError, JpkiError, PinError } from "../lib/errors.ts";
import { type ChosenPinName, isGoodNewPin, isSamePin, type Pin } from "../lib/pin/pin.ts";
import type { PinRequest } from "../lib/pin/prompt.ts";
import type { CardRecord } from "./card-registry.ts";
import type { PinBroker } from "./pin-broker.ts";
import { commentOf } from "./pin-commands.ts";
import { MIN_TRIES_UNASKED, pinWords, protectedPin, verifyWith, wrongPin } from "./pin-login.ts";

export interface ChangePinOptions {
  readonly card: CardRecord;
  readonly pin: ChosenPinName;
  /** Also with one try left; then a person must say yes to that, too. */
  readonly force: boolean;
  readonly broker: PinBroker;
  /** @throws PcscError `CARD_RESET` if it is no longer the card on its reader. */
  readonly requireCurrent: (card: CardRecord) => void;
}

/**
 * @throws PinError `PIN_WRONG`, `PIN_BLOCKED`, `PIN_PROTECTED`, `PIN_FORMAT`, `PIN_CANCELLED`, `PIN_NO_PROMPT`;
 * PcscError; CardStatusError. `details.pinState` is `old` or `unknown` (the answer to the change was lost).
 */
export async function changePin(options: ChangePinOptions, signal: AbortSignal): Promise<void> {
  const { card, pin, force, broker } = options;
  const progress: Progress = { state: "old" };
  const given: Pin[] = [];
  try {
    const triesLeft = await readTries(options, signal);
    if (!force && (triesLeft === undefined || triesLeft < MIN_TRIES_UNASKED))
      throw protectedPin(pin, triesLeft, "a wrong old PIN could block it; to try all the same, add --force");
    const request: PinRequest = {
      ...{ pin, card: commentOf(card), reader: card.slot.reader, triesLeft },
      purpose: { kind: "command", command: `pin change ${pin}` },
    };
    const ask = async (role: "old" | "new" | "repeat"): Promise<Pin> => {
      const tries = role === "old" ? triesLeft : undefined;
      const typed = await broker.ask({ ...request, role, triesLeft: tries }, signal);
      given.push(typed);
      return typed;
    };
    const old = await ask("old");
    const fresh = await ask("new");
    requireNew(pin, old, fresh);
    if (!isSamePin(fresh, await ask("repeat"))) throw unusable(pin, "entries-differ");
    const job = (target: CardPin) => exchange(options, target, { old, fresh, triesLeft }, progress);
    // Not to be ended between the two commands: it takes a moment, and then the state is known.
    await onPin(card, pin, undefined, job);
  } catch (error) {
    throw withState(error, pin, progress.state);
  } finally {
    for (const typed of given) typed.wipe();
  }
}

/** Which value the card has, as far as is known. */
interface Progress {
  state: "old" | "unknown";
}

interface Change {
  readonly old: Pin;
  readonly fresh: Pin;
  /** What the person was shown. */
  readonly triesLeft: number | undefined;
}

async function exchange(
  { card, pin, requireCurrent }: ChangePinOptions,
  target: CardPin,
  { old, fresh, triesLeft }: Change,
  progress: Progress,
): Promise<void> {
  const outcome = await verifyWith(target, { kind: "typed", pin: old, triesLeft }, () => requireCurrent(card));
  if (outcome.kind === "wrong") throw wrongPin(pin, outcome.triesLeft);
  if (outcome.kind === "need-pin")
    throw protectedPin(pin, outcome.triesLeft, "tries were lost meanwhile; run the command again");
  progress.state = "unknown";
  const changed = await target.change(fresh);
  if (changed.kind === "changed") return;
  progress.state = "old";
  throw new CardStatusError(`change ${pinWords(pin)}`, changed.sw);
}

/** Someone may have left the PIN verified, so that its tries are not told: without power they are. */
async function readTries({ card, pin }: ChangePinOptions, signal: AbortSignal): Promise<number | undefined> {
  const read = () => onPin(card, pin, signal, (target) => target.triesLeft());
  let tries = await read();
  if (tries.kind === "verified") tries = await read();
  if (tries.kind === "blocked")
    throw new PinError("PIN_BLOCKED", `change ${pinWords(pin)}: the card has blocked it`, {
      hint: "only your municipal office can set a new PIN",
      details: { pin },
    });
  return tries.kind === "left" ? tries.triesLeft : undefined;
}

/** A session of its own with that PIN, without power afterwards. */
function onPin<T>(
  card: CardRecord,
  pin: ChosenPinName,
  signal: AbortSignal | undefined,
  job: (target: CardPin) => Promise<T>,
): Promise<T> {
  const onCard = async (jpki: JpkiApplication): Promise<T> => {
    const target = pin === "text" ? await jpki.leaveForTextPin() : jpki.pin(pin);
    if (target !== undefined) return job(target);
    throw unusable(pin, "no-such-pin");
  };
  return card.session.run("change a PIN", onCard, { signal });
}

function requireNew(pin: ChosenPinName, old: Pin, fresh: Pin): void {
  if (!isGoodNewPin(pin, fresh)) throw unusable(pin, "not-mixed");
  if (isSamePin(old, fresh)) throw unusable(pin, "not-new");
}

const PROBLEMS = {
  "no-such-pin": "this card has none",
  "not-mixed": "a new password must have letters and digits",
  "not-new": "the new one is the old one",
  "entries-differ": "the two entries of the new one differ",
} as const;

function unusable(pin: ChosenPinName, problem: keyof typeof PROBLEMS): PinError {
  return new PinError("PIN_FORMAT", `change ${pinWords(pin)}: ${PROBLEMS[problem]}`, {
    hint: "no PIN was sent to the card, so no try was used",
    details: { pin, problem },
  });
}

/** The same error, and in which state the PIN is. */
function withState(error: unknown, pin: ChosenPinName, state: Progress["state"]): unknown {
  if (!(error instanceof JpkiError)) return error;
  const told =
    state === "old"
      ? "the PIN is still the old one"
      : "the PIN is either the old or the new one; look at the tries left (pin status), then try the new one first";
  return new PinError(error.code, `${error.message}; ${told}`, {
    hint: error.hint,
    details: { ...error.details, pin, pinState: state },
    cause: error,
  });
}
