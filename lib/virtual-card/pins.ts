/** The PINs of a virtual card: values, counters and the verified state, which only a loss of power clears. */

import { equalBytes } from "../bytes.ts";
import { PIN_FILES, TEXT_PIN_FILE } from "../card/files.ts";
import { SW_DONE, SW_SECURITY_STATUS, SW_WRONG_DATA } from "../iso7816/status-word.ts";
import type { VirtualPinName } from "./files.ts";

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
  text: TEXT_PIN_FILE.maxTries,
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

/** Tries as a new card has them. */
export function freshPins(auth: Uint8Array, sign: Uint8Array, text: Uint8Array): PinStates {
  return {
    auth: { value: new Uint8Array(auth), triesLeft: MAX_TRIES.auth },
    sign: { value: new Uint8Array(sign), triesLeft: MAX_TRIES.sign },
    text: { value: new Uint8Array(text), triesLeft: MAX_TRIES.text },
  };
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
  return name === "sign" ? /^[A-Z0-9]{6,16}$/.test(text) : /^[0-9]{4}$/.test(text);
}
