/**
 * Asks by an SSH_ASKPASS program, as OpenSSH does (ssh(1), "SSH_ASKPASS"; readpass.c): the question is its one
 * argument, the answer is its standard output, exit 0 is OK and anything else is a cancel.
 */

import { PinError } from "../errors.ts";
import { runForAnswer, takeYes, wholeText } from "./answer-program.ts";
import type { Environment } from "./child-group.ts";
import { pinFromBytes } from "./pin.ts";
import type { Prompt, PromptText, PromptTexts } from "./prompt.ts";

export interface AskpassOptions {
  /** A path, or a name looked up in the PATH of `env`. */
  readonly program: string;
  /** The program's whole environment (DISPLAY and the like); SSH_ASKPASS_PROMPT is set or removed for each question. */
  readonly env: Environment;
  readonly texts: PromptTexts;
}

const HINT = "set SSH_ASKPASS to a program that can show a question, and try it by hand";

/** A {@link Prompt} that runs `program` once for each question. It waits as long as the person does. */
export function createAskpassPrompt({ program, env, texts }: AskpassOptions): Prompt {
  const { SSH_ASKPASS_PROMPT: _, ...plainEnv } = env;
  const ask = (question: PromptText, programEnv: Environment, signal: AbortSignal) =>
    runForAnswer({ program, args: [wholeText(question)], env: programEnv, hint: HINT }, signal);
  return {
    name: "askpass",
    async askPin(request, signal) {
      const answer = await ask(texts.pin(request), plainEnv, signal);
      if (answer === "no") throw new PinError("PIN_CANCELLED", `ask for the PIN by ${program}: cancelled`);
      return pinFromBytes(request.part ?? request.pin, answer);
    },
    async confirm(request, signal) {
      const answer = await ask(texts.confirm(request), { ...plainEnv, SSH_ASKPASS_PROMPT: "confirm" }, signal);
      // As in OpenSSH: a program that knows no confirm box shows an input field, where OK alone is a yes.
      return answer !== "no" && takeYes(answer, "empty is yes");
    },
    async askForCard(request, signal) {
      // As ssh asks for a touch of a security key; there too, a program may end at once, or take something typed.
      const answer = await ask(texts.placeCard(request), { ...plainEnv, SSH_ASKPASS_PROMPT: "none" }, signal);
      if (answer === "no") return "cancelled";
      answer.fill(0);
      return "closed";
    },
  };
}
