/**
 * PINs that programs brought (`ssh-add -s`, C_Login) and that were wrong. A program that goes by its configuration
 * repeats itself for ever, and a hostile one goes through the numbers: the same PIN is not sent again while the card lies
 * there, and another one not for a moment. Whoever wants to change that takes the card out.
 */

import { PinError } from "../lib/errors.ts";
import { isSamePin, type Pin, type PinName } from "../lib/pin/pin.ts";
import { HeldRefusals } from "./held-refusals.ts";
import { pinWords } from "./pin-login.ts";

/** A person who types another one takes about as long. */
const HOLD_MS = 5000;

interface WrongPin {
  readonly insertion: number;
  readonly pin: Pin;
}

export interface GivenTriesOptions {
  /** Monotonic milliseconds. */
  readonly now: () => number;
}

export class GivenTries {
  readonly #held: HeldRefusals<"wrong">;
  /** The last one of each kind in each insertion: the tries end before there is a third. */
  readonly #wrong = new Map<string, WrongPin>();

  constructor({ now }: GivenTriesOptions) {
    this.#held = new HeldRefusals({ now, holdMs: HOLD_MS });
  }

  /**
   * To be called right before a PIN is sent.
   *
   * @throws PinError `PIN_WRONG` for one that was wrong before, `PIN_PROTECTED` if another was wrong a moment ago.
   */
  requireSendable(insertion: number, name: PinName, pin: Pin): void {
    const key = keyOf(insertion, name);
    const wrong = this.#wrong.get(key);
    if (wrong !== undefined && isSamePin(wrong.pin, pin))
      throw new PinError("PIN_WRONG", `use ${pinWords(name)}: not tried again; it was wrong before`, {
        hint: "correct the PIN in the program's settings; if it is right by now, take the card out and put it back",
        details: { pin: name },
      });
    const held = this.#held.of(key);
    if (held !== undefined)
      throw new PinError(
        "PIN_PROTECTED",
        `use ${pinWords(name)}: not tried; another was wrong a moment ago; tried in ${held.leftMs} ms at the earliest`,
        { hint: "let the agent ask for the PIN, or wait", details: { pin: name } },
      );
  }

  /** The card has refused it. Keeps a copy. */
  noteWrong(insertion: number, name: PinName, pin: Pin): void {
    const key = keyOf(insertion, name);
    this.#wrong.get(key)?.pin.wipe();
    this.#wrong.set(key, { insertion, pin: pin.copy() });
    this.#held.hold(key, "wrong");
  }

  /** Wipes the PINs; that there was a wrong one is still known for a moment. */
  forget(): void {
    this.forgetInsertionsExcept(new Set());
  }

  /** Wipes what was wrong for cards that have left. */
  forgetInsertionsExcept(current: ReadonlySet<number>): void {
    for (const [key, { insertion, pin }] of this.#wrong) {
      if (current.has(insertion)) continue;
      pin.wipe();
      this.#wrong.delete(key);
    }
  }
}

function keyOf(insertion: number, name: PinName): string {
  return `${insertion} ${name}`;
}
