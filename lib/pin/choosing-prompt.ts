/** Chooses the way to ask at each question: a display, a terminal or a program may come and go while the agent runs. */

import { PinError } from "../errors.ts";
import type { Logger } from "../log.ts";
import type { Prompt } from "./prompt.ts";
import type { PromptChoice, PromptWay } from "./select-prompt.ts";

export interface ChoosingPromptOptions {
  /** Looks at the surroundings as they are now. */
  readonly choose: () => PromptChoice;
  readonly open: (way: PromptWay) => Promise<Prompt>;
  readonly log: Logger;
}

/**
 * A {@link Prompt} that asks in the first way that can show the question; each is tried once. Fails with
 * `PIN_NO_PROMPT` if none can: the error is that of the first way.
 */
export function createChoosingPrompt({ choose, open, log }: ChoosingPromptOptions): Prompt {
  const ask = async <T>(signal: AbortSignal, question: (prompt: Prompt) => Promise<T>): Promise<T> => {
    signal.throwIfAborted();
    const choice = choose();
    let failure: PinError | undefined;
    for (const way of choice.kind === "ways" ? choice.ways : []) {
      try {
        const prompt = await open(way);
        log.debug("asking a person", { ...way });
        return await question(prompt);
      } catch (error) {
        if (!(error instanceof PinError) || error.code !== "PIN_NO_PROMPT") throw error;
        log.info("this way to ask does not work", { ...way, text: error.message });
        failure ??= error;
      }
    }
    throw failure ?? noWay(choice);
  };
  return {
    name: "auto",
    askPin: (request, signal) => ask(signal, (prompt) => prompt.askPin(request, signal)),
    confirm: (request, signal) => ask(signal, (prompt) => prompt.confirm(request, signal)),
    askForCard: (request, signal) => ask(signal, (prompt) => prompt.askForCard(request, signal)),
  };
}

function noWay(choice: PromptChoice): PinError {
  if (choice.kind === "ways") throw new TypeError("unreachable: a choice without a way");
  const { problem, reason, hint, missing } = choice;
  const details = missing === undefined ? { problem } : { problem, missing };
  return new PinError("PIN_NO_PROMPT", `ask for the PIN: ${reason}`, { hint, details });
}
