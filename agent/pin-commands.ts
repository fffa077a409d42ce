/** What `jpki-agent pin` does with the cards on the readers: tries left, a new PIN, a PIN for the keychain. */

import { TextApplication } from "../lib/card/attributes.ts";
import type { CardPin } from "../lib/card/card-pin.ts";
import type { JpkiApplication } from "../lib/card/jpki.ts";
import { SurfaceApplication } from "../lib/card/surface.ts";
import { CardStatusError, KeyError } from "../lib/errors.ts";
import { SW_FILE_NOT_FOUND } from "../lib/iso7816/status-word.ts";
import type { ChosenPinName, Pin } from "../lib/pin/pin.ts";
import type { PinVault } from "../lib/pin/vault.ts";
import type { CardLogin } from "./card-login.ts";
import type { CardRecord, CardRegistry } from "./card-registry.ts";
import { nothingRemembered } from "./nothing-remembered.ts";
import { oneCard, usableCards } from "./one-card.ts";
import type { PinKeeper } from "./remembered-pins.ts";

/** Every PIN that has a counter of its own: the two 照合番号 once in the text and once in the surface application. */
export type CountedPin = ChosenPinName | "text-a" | "text-b" | "surface-a" | "surface-b";

export interface PinState {
  readonly pin: CountedPin;
  /** `unknown`: the card does not tell. */
  readonly state: "usable" | "blocked" | "unknown";
  readonly triesLeft?: number | undefined;
  readonly maxTries: number;
}

export interface CardPinStates {
  readonly reader: string;
  /** The comment of the card's key; empty for a phone, which tells it only after its PIN. */
  readonly card: string;
  /** Of the PINs that the card has. */
  readonly pins: readonly PinState[];
}

/** @throws PcscError `CARD_ABSENT`, `CARD_BUSY`; CardStatusError. Costs no try. */
export async function readPinStates(registry: CardRegistry, signal: AbortSignal): Promise<readonly CardPinStates[]> {
  const states: CardPinStates[] = [];
  for (const card of await usableCards(registry)) {
    const { reader } = card.slot;
    states.push({ reader, card: commentOf(card), pins: await readCard(card, signal) });
  }
  return states;
}

/** Someone may have left a PIN verified, so that its tries are not told: without power they are. */
async function readCard(card: CardRecord, signal: AbortSignal): Promise<readonly PinState[]> {
  const read = () => card.session.run("read the tries left", readPins, { signal });
  const pins = await read();
  return pins.some(({ state }) => state === "unknown") ? read() : pins;
}

async function readPins(jpki: JpkiApplication): Promise<readonly PinState[]> {
  const states = [await readPin("auth", jpki.pin("auth")), await readPin("sign", jpki.pin("sign"))];
  const text = await TextApplication.open(jpki);
  states.push(await readPin("text", text?.pin("text")));
  states.push(await readPin("text-a", text?.pin("code-a")));
  states.push(await readPin("text-b", text?.pin("code-b")));
  const surface = await SurfaceApplication.open(jpki);
  states.push(await readPin("surface-a", surface?.pin("code-a")));
  states.push(await readPin("surface-b", surface?.pin("code-b")));
  return states.flatMap((state) => state ?? []);
}

async function readPin(pin: CountedPin, card: CardPin | undefined): Promise<PinState | undefined> {
  if (card === undefined) return undefined;
  const { maxTries } = card.file;
  try {
    const tries = await card.triesLeft();
    if (tries.kind === "blocked") return { pin, state: "blocked", triesLeft: 0, maxTries };
    if (tries.kind === "verified") return { pin, state: "unknown", maxTries };
    return { pin, state: "usable", triesLeft: tries.triesLeft, maxTries };
  } catch (error) {
    if (!(error instanceof CardStatusError)) throw error;
    // A child's card has no signature password.
    return error.statusWord === SW_FILE_NOT_FOUND ? undefined : { pin, state: "unknown", maxTries };
  }
}

export interface SavePinParts {
  readonly registry: CardRegistry;
  readonly vault: PinVault;
  readonly newLogin: (remembered: PinKeeper) => CardLogin;
}

/**
 * Asks for the authentication PIN, checks it against the only card, saves it in the keychain.
 *
 * @returns the comment of the card's key.
 * @throws as `oneCard` and {@link CardLogin.run}; PinError `KEYCHAIN_UNAVAILABLE` before anybody is asked;
 * KeyError `KEY_UNKNOWN` for a phone.
 */
export async function savePin({ registry, vault, newLogin }: SavePinParts, signal: AbortSignal): Promise<string> {
  const card = await oneCard(registry);
  if (card.identity.kind !== "known")
    throw new KeyError("KEY_UNKNOWN", "save a phone's PIN: it shows its certificate only after its PIN", {
      hint: "a saved PIN is sent only to the card that it belongs to, which a phone cannot show beforehand",
    });
  const { key } = card.identity;
  (await vault.read(key.id))?.wipe();
  let typed: Pin | undefined;
  const keeper: PinKeeper = {
    ...nothingRemembered,
    keep: (_, pin) => {
      typed = pin.copy();
    },
  };
  try {
    const request = { card: key.comment, purpose: { kind: "command", command: "pin save" } } as const;
    await newLogin(keeper).run(card, request, signal, async () => undefined);
    if (typed === undefined) throw new TypeError("a login without a held session verifies a typed PIN");
    await vault.save(key.id, typed);
    return key.comment;
  } finally {
    typed?.wipe();
  }
}

export function commentOf({ identity }: CardRecord): string {
  return identity.kind === "known" ? identity.key.comment : "";
}
