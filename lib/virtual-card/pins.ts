/** The PINs of a virtual card: values, counters and the verified state, which only a loss of power clears. */

import { equalBytes, utf8 } from "../bytes.ts";
import { PIN_FILES, SURFACE_PIN_FILES, TEXT_PIN_FILES } from "../card/files.ts";
import { SW_DONE, SW_SECURITY_STATUS, SW_WRONG_DATA } from "../iso7816/status-word.ts";

/** The keys' PINs, that of the text application, and 照合番号A and B of the text and of the surface application. */
export type VirtualPinName = "auth" | "sign" | "text" | "text-a" | "text-b" | "surface-a" | "surface-b";

export interface PinState {
  /** What VERIFY must bring, ASCII. */
  readonly value: Uint8Array;
  readonly triesLeft: number;
}

export type PinStates = Readonly<Record<VirtualPinName, PinState>>;

/** Where the PINs' state is kept between power cycles; the card's non-volatile memory. */
export interface PinMemory {
  load(): PinStates;
  save(states: PinStates): void;
}

/** What VERIFY answers for a PIN with no tries left: cards differ. */
export type BlockedAnswer = 0x63c0 | 0x6983 | 0x6984;

/** Tries after a right VERIFY. */
const MAX_TRIES: Readonly<Record<VirtualPinName, number>> = {
  auth: PIN_FILES.auth.maxTries,
  sign: PIN_FILES.sign.maxTries,
  text: TEXT_PIN_FILES.text.maxTries,
  "text-a": TEXT_PIN_FILES["code-a"].maxTries,
  "text-b": TEXT_PIN_FILES["code-b"].maxTries,
  "surface-a": SURFACE_PIN_FILES["code-a"].maxTries,
  "surface-b": SURFACE_PIN_FILES["code-b"].maxTries,
};

/** Plus the tries left. */
const SW_TRIES_LEFT = 0x63c0;

/** Forgets when the process ends. */
export function createPinMemory(initial: PinStates): PinMemory {
  let states = initial;
  return {
    load: () => states,
    save: (changed) => {
      states = changed;
    },
  };
}

/** One value for each PIN. */
export function mapPins<T>(of: (name: VirtualPinName) => T): Record<VirtualPinName, T> {
  return {
    auth: of("auth"),
    sign: of("sign"),
    text: of("text"),
    "text-a": of("text-a"),
    "text-b": of("text-b"),
    "surface-a": of("surface-a"),
    "surface-b": of("surface-b"),
  };
}

/** Tries as a new card has them. */
export function freshPins(values: Readonly<Record<VirtualPinName, string>>): PinStates {
  return mapPins((name) => ({ value: utf8(values[name]), triesLeft: MAX_TRIES[name] }));
}

export class CardPins {
  readonly #memory: PinMemory;
  readonly #blockedAnswer: BlockedAnswer;
  readonly #verified = new Set<VirtualPinName>();

  constructor(memory: PinMemory, blockedAnswer: BlockedAnswer) {
    this.#memory = memory;
    this.#blockedAnswer = blockedAnswer;
  }

  triesLeft(name: VirtualPinName): number {
    return this.#memory.load()[name].triesLeft;
  }

  isVerified(name: VirtualPinName): boolean {
    return this.#verified.has(name);
  }

  /** The status word of an empty VERIFY. */
  query(name: VirtualPinName, tellsVerified: boolean): number {
    const { triesLeft } = this.#memory.load()[name];
    if (triesLeft === 0) return this.#blockedAnswer;
    return tellsVerified && this.#verified.has(name) ? SW_DONE : SW_TRIES_LEFT + triesLeft;
  }

  /** The status word of VERIFY. Any body but the right one costs a try; a blocked PIN is not even compared. */
  verify(name: VirtualPinName, body: Uint8Array): number {
    const { value, triesLeft } = this.#memory.load()[name];
    this.#verified.delete(name);
    if (triesLeft === 0) return this.#blockedAnswer;
    if (!equalBytes(value, body)) {
      this.#save(name, { value, triesLeft: triesLeft - 1 });
      return SW_TRIES_LEFT + triesLeft - 1;
    }
    this.#save(name, { value, triesLeft: MAX_TRIES[name] });
    this.#verified.add(name);
    return SW_DONE;
  }

  /** The status word of CHANGE REFERENCE DATA with the new PIN alone. */
  change(name: VirtualPinName, value: Uint8Array): number {
    if (this.triesLeft(name) === 0) return this.#blockedAnswer;
    if (!this.#verified.has(name)) return SW_SECURITY_STATUS;
    if (!isAllowed(name, value)) return SW_WRONG_DATA;
    this.set(name, { value: new Uint8Array(value), triesLeft: MAX_TRIES[name] });
    return SW_DONE;
  }

  /** Changes value or counter without a command, as a municipal office or another program would. */
  set(name: VirtualPinName, change: Partial<PinState>): void {
    this.#save(name, { ...this.#memory.load()[name], ...change });
  }

  /** Power is lost. */
  clearVerified(): void {
    this.#verified.clear();
  }

  #save(name: VirtualPinName, state: PinState): void {
    this.#memory.save({ ...this.#memory.load(), [name]: state });
  }
}

function isAllowed(name: VirtualPinName, value: Uint8Array): boolean {
  const text = Buffer.from(value).toString("latin1");
  if (name === "sign") return /^[A-Z0-9]{6,16}$/.test(text);
  // What is printed on the card cannot be changed.
  return (name === "auth" || name === "text") && /^[0-9]{4}$/.test(text);
}
