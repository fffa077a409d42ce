/** Programs that ask one question and print the answer: askpass, systemd-ask-password. */

import { utf8, wipeableCopy, wipeRead } from "../bytes.ts";
import { messageOf, PinError } from "../errors.ts";
import { type ChildGroup, type Environment, startGroup } from "./child-group.ts";
import type { PromptText } from "./prompt.ts";

export interface AnswerProgram {
  readonly program: string;
  /** Never the PIN: everybody on the machine can read them. */
  readonly args: readonly string[];
  readonly env: Environment;
  /** For the person where the program cannot be run. */
  readonly hint: string;
}

/** As OpenSSH's buffer. Longer answers are no PIN. */
const MAX_ANSWER_BYTES = 1024;
const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const YES = [utf8("yes"), utf8("はい")];

/**
 * Runs the program until it ends; then nothing of it is left. It waits as long as the person does.
 *
 * @returns its output, owned by the caller, or "no" for a non-zero exit status.
 * @throws PinError `PIN_NO_PROMPT`, `PIN_FORMAT` (too long); the signal's reason.
 */
export async function runForAnswer(asked: AnswerProgram, signal: AbortSignal): Promise<Uint8Array | "no"> {
  signal.throwIfAborted();
  const { program } = asked;
  const child = start(asked);
  const typed = new Uint8Array(MAX_ANSWER_BYTES);
  let length = 0;
  signal.addEventListener("abort", child.stop, { once: true });
  child.stdin.end();
  child.stdout.on("data", (chunk: Buffer) => {
    const fitted = length <= MAX_ANSWER_BYTES;
    if (length + chunk.length <= MAX_ANSWER_BYTES) typed.set(chunk, length);
    else if (fitted) child.stop();
    length += chunk.length;
    wipeRead(chunk);
  });
  try {
    const ended = await child.ended;
    signal.throwIfAborted();
    if (length > MAX_ANSWER_BYTES)
      throw new PinError("PIN_FORMAT", `ask by ${program}: the answer is over ${MAX_ANSWER_BYTES} bytes`);
    if (ended instanceof Error) throw noPrompt(asked, ended);
    if (typeof ended === "string") throw noPrompt(asked, new Error(`it was ended by ${ended}`));
    return ended === 0 ? wipeableCopy(typed.subarray(0, length)) : "no";
  } finally {
    signal.removeEventListener("abort", child.stop);
    typed.fill(0);
  }
}

/** "yes" or "はい" in one line; wipes `answer`. Compared as bytes: a person may have typed the PIN there. */
export function takeYes(answer: Uint8Array, empty: "empty is yes" | "empty is no"): boolean {
  const line = answer.subarray(0, answer.findLastIndex((byte) => byte !== LINE_FEED && byte !== CARRIAGE_RETURN) + 1);
  const yes =
    line.length === 0
      ? empty === "empty is yes"
      : YES.some((word) => word.length === line.length && word.every((byte, i) => byte === lowerCase(line[i])));
  answer.fill(0);
  return yes;
}

/** The whole question as one text, for programs that show it all alike. */
export function wholeText({ warning, text }: PromptText): string {
  return warning === "" ? text : `${warning}\n${text}`;
}

function start(asked: AnswerProgram): ChildGroup {
  try {
    return startGroup(asked.program, asked.args, asked.env);
  } catch (cause) {
    throw noPrompt(asked, cause);
  }
}

function lowerCase(byte = 0): number {
  return byte >= 0x41 && byte <= 0x5a ? byte | 0x20 : byte;
}

function noPrompt({ program, hint }: AnswerProgram, cause: unknown): PinError {
  return new PinError("PIN_NO_PROMPT", `ask by ${program}: ${messageOf(cause)}`, { hint, details: { program }, cause });
}
