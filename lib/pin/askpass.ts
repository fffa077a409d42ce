/**
 * Asks by an SSH_ASKPASS program, as OpenSSH does (ssh(1), "SSH_ASKPASS"; readpass.c): the question is its one
 * argument, the answer is its standard output, exit 0 is OK and anything else is a cancel.
 */

import { type ChildProcess, type ChildProcessByStdio, spawn } from "node:child_process";
import { kill } from "node:process";
import type { Readable } from "node:stream";
import { utf8 } from "../bytes.ts";
import { messageOf, PinError } from "../errors.ts";
import { pinFromBytes } from "./pin.ts";
import type { Prompt, PromptTexts } from "./prompt.ts";

type Environment = Readonly<Record<string, string | undefined>>;
type Answer = Uint8Array | "no";

export interface AskpassOptions {
  /** A path, or a name looked up in the PATH of `env`. */
  readonly program: string;
  /** The program's whole environment (DISPLAY and the like); SSH_ASKPASS_PROMPT is set or removed for each question. */
  readonly env: Environment;
  readonly texts: PromptTexts;
}

/** As OpenSSH's buffer. Longer answers are no PIN. */
const MAX_ANSWER_BYTES = 1024;
const YES = utf8("yes");
/** From SIGTERM to SIGKILL when the question is taken away, milliseconds. */
const KILL_AFTER_MS = 1000;

/** A {@link Prompt} that runs `program` once for each question. It waits as long as the person does. */
export function createAskpassPrompt({ program, env, texts }: AskpassOptions): Prompt {
  const { SSH_ASKPASS_PROMPT: _, ...plainEnv } = env;
  return {
    name: "askpass",
    async askPin(request, signal) {
      const answer = await run(program, texts.pin(request), plainEnv, signal);
      if (answer === "no") throw new PinError("PIN_CANCELLED", `ask for the PIN by ${program}: cancelled`);
      return pinFromBytes(request.pin, answer);
    },
    async confirm(request, signal) {
      const confirmEnv = { ...plainEnv, SSH_ASKPASS_PROMPT: "confirm" };
      const answer = await run(program, texts.confirm(request), confirmEnv, signal);
      if (answer === "no") return false;
      const yes = isYes(answer);
      answer.fill(0);
      return yes;
    },
  };
}

/**
 * Runs the program until it ends; then nothing of it is left.
 *
 * @returns its output, owned by the caller, or "no" for a non-zero exit status.
 */
async function run(program: string, question: string, env: Environment, signal: AbortSignal): Promise<Answer> {
  signal.throwIfAborted();
  const child = start(program, question, env);
  const typed = new Uint8Array(MAX_ANSWER_BYTES);
  let length = 0;
  const stop = () => stopGroup(child);
  signal.addEventListener("abort", stop, { once: true });
  child.stdout.on("data", (chunk: Buffer) => {
    const fitted = length <= MAX_ANSWER_BYTES;
    if (length + chunk.length <= MAX_ANSWER_BYTES) typed.set(chunk, length);
    else if (fitted) stop();
    length += chunk.length;
    chunk.fill(0);
  });
  try {
    const ended = await end(child);
    signal.throwIfAborted();
    if (length > MAX_ANSWER_BYTES)
      throw new PinError("PIN_FORMAT", `ask by ${program}: the answer is over ${MAX_ANSWER_BYTES} bytes`);
    if (ended instanceof Error) throw noPrompt(program, ended);
    if (typeof ended === "string") throw noPrompt(program, new Error(`it was ended by ${ended}`));
    return ended === 0 ? typed.slice(0, length) : "no";
  } finally {
    signal.removeEventListener("abort", stop);
    typed.fill(0);
  }
}

/**
 * In a process group of its own, so that the window which a wrapper script opens can be taken away with it. What it
 * says on standard error is dropped: it could hold the answer (`sh -x`).
 */
function start(program: string, question: string, env: Environment): ChildProcessByStdio<null, Readable, null> {
  try {
    return spawn(program, [question], { env, stdio: ["ignore", "pipe", "ignore"], detached: true });
  } catch (cause) {
    throw noPrompt(program, cause); // most failures come as an event, but not all (ENOTDIR, ELOOP, E2BIG)
  }
}

/** The exit status, the name of the signal that ended it, or why it could not be started. */
function end(child: ChildProcess): Promise<number | string | Error> {
  return new Promise((resolve) => {
    child.once("error", resolve);
    child.once("close", (status, killedBy) => resolve(status ?? killedBy ?? "an unknown signal"));
  });
}

function noPrompt(program: string, cause: unknown): PinError {
  return new PinError("PIN_NO_PROMPT", `ask by ${program}: ${messageOf(cause)}`, {
    hint: "set SSH_ASKPASS to a program that can show a question, and try it by hand",
    details: { program },
    cause,
  });
}

/** Ends the program and all that it started: politely, then surely. */
function stopGroup(child: ChildProcess): void {
  signalGroup(child, "SIGTERM");
  const timer = setTimeout(() => {
    signalGroup(child, "SIGKILL");
    child.stdout?.destroy(); // what has left the group may hold the pipe open for ever
  }, KILL_AFTER_MS);
  child.once("close", () => clearTimeout(timer));
}

function signalGroup(child: ChildProcess, name: "SIGTERM" | "SIGKILL"): void {
  if (child.pid === undefined) return;
  try {
    kill(-child.pid, name);
  } catch {
    // ESRCH: all of the group ended by themselves just now.
  }
}

/**
 * An empty answer or "yes", as in OpenSSH: a program that knows no confirm box shows an input field, where OK alone is
 * a yes. Compared as bytes: a person may have typed the PIN there.
 */
function isYes(answer: Uint8Array): boolean {
  const line = answer.subarray(0, answer.findLastIndex((byte) => byte !== 0x0a && byte !== 0x0d) + 1);
  return line.length === 0 || (line.length === YES.length && line.every((byte, i) => (byte | 0x20) === YES[i]));
}
