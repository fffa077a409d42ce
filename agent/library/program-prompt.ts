/** A program's own way to ask for PINs, as the port that everything else asks through. */

import { orAbort } from "../../lib/card/waiting.ts";
import { PinError } from "../../lib/errors.ts";
import { type Pin, pinFromBytes } from "../../lib/pin/pin.ts";
import type { ConfirmRequest, MessageEnd, PinRequest, Prompt } from "../../lib/pin/prompt.ts";
import type { PinSource } from "./options.ts";

/** Asks through `source`. Whatever it throws is passed on. */
export class ProgramPrompt implements Prompt {
  readonly name = "program";
  readonly #source: PinSource;

  constructor(source: PinSource) {
    this.#source = source;
  }

  async askPin(request: PinRequest, signal: AbortSignal): Promise<Pin> {
    signal.throwIfAborted();
    const answer = this.#source.askPin(request, signal);
    const typed = await orAbort(answer, signal).catch((error: unknown) => {
      // The answer may still come, when nobody wants it any more.
      answer.then((late) => late?.fill(0)).catch(() => {});
      throw error;
    });
    if (typed === undefined) throw new PinError("PIN_CANCELLED", "ask the program for the PIN: it gave none");
    return pinFromBytes(request.pin, typed);
  }

  /** Asked of a program: the last try alone. */
  async confirm(question: ConfirmRequest, signal: AbortSignal): Promise<boolean> {
    signal.throwIfAborted();
    if (question.kind !== "last-try" || this.#source.confirmLastTry === undefined)
      throw new PinError("PIN_PROTECTED", "ask the program for a yes to the last try: it has no way to ask a person", {
        hint: "give it one (confirmLastTry), or use the card in another program once: a right PIN gives back every try",
        details: { triesLeft: 1 },
      });
    return (await orAbort(this.#source.confirmLastTry(question.request, signal), signal)) === true;
  }

  /** The program knows by itself that it needs the card. */
  async askForCard(): Promise<MessageEnd> {
    return "closed";
  }
}
