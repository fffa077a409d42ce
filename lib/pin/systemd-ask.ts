/**
 * Asks by systemd-ask-password(1), which hands the question to the agents of the machine: the console, a boot screen,
 * `systemd-tty-ask-password-agent`. The answer is its standard output; a non-zero exit status is a cancel.
 *
 * Neither its kernel keyring cache (`--keyname`, `--accept-cached`) nor a time limit is used.
 */

import { PinError } from "../errors.ts";
import { runForAnswer, takeYes, wholeText } from "./answer-program.ts";
import type { Environment } from "./child-group.ts";
import { pinFromBytes } from "./pin.ts";
import type { Prompt, PromptText, PromptTexts } from "./prompt.ts";

export interface SystemdAskOptions {
  readonly program: string;
  /** The program's whole environment. */
  readonly env: Environment;
  readonly texts: PromptTexts;
}

const HINT = "run systemd-tty-ask-password-agent on a terminal, or choose another --pin-prompt";

/** A {@link Prompt} that runs `program` once for each question. It waits as long as the person does. */
export function createSystemdAskPrompt({ program, env, texts }: SystemdAskOptions): Prompt {
  const ask = (question: PromptText, more: readonly string[], signal: AbortSignal) => {
    // The question is one line of a file that the agents read: "Message=…".
    const message = wholeText(question).replaceAll("\n", " | ");
    const args = ["--no-tty", "--timeout=0", "--id=jpki-agent:pin", ...more, "--", message];
    return runForAnswer({ program, args, env, hint: HINT }, signal);
  };
  return {
    name: "systemd",
    async askPin(request, signal) {
      const answer = await ask(texts.pin(request), [], signal);
      if (answer === "no") throw new PinError("PIN_CANCELLED", `ask for the PIN by ${program}: cancelled`);
      return pinFromBytes(request.part ?? request.pin, answer);
    },
    async confirm(request, signal) {
      const { warning, text } = texts.confirm(request);
      const answer = await ask({ warning, text: `${text} (yes/no)` }, ["--echo"], signal);
      return answer !== "no" && takeYes(answer, "empty is no");
    },
    askForCard() {
      const text = `show a message by ${program}: it only asks questions`;
      return Promise.reject(new PinError("PIN_NO_PROMPT", text));
    },
  };
}
