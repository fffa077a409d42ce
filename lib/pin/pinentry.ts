/**
 * Asks by pinentry, whatever its flavour (gnome3, gtk, qt, curses, tty, mac). Source: the Pinentry manual, "Assuan
 * Protocol".
 *
 * One process for each question. It never gets the option `allow-external-password-cache`: a PIN that a person did not
 * type now could be spent again and again.
 */

import { PinError } from "../errors.ts";
import { wholeText } from "./answer-program.ts";
import { errorNumber, fitsInLine } from "./assuan.ts";
import { AssuanClient, type AssuanOutcome, noPrompt } from "./assuan-client.ts";
import type { Environment } from "./child-group.ts";
import { fitLines } from "./fit-lines.ts";
import { pinFromBytes } from "./pin.ts";
import type { Prompt, PromptText, PromptTexts } from "./prompt.ts";

export interface PinentryOptions {
  /** A path, or a name looked up in the PATH of `env`. */
  readonly program: string;
  /** The program's whole environment. */
  readonly env: Environment;
  /** The terminal for the flavours that draw on one; undefined if there is none. */
  readonly tty: string | undefined;
  /** Counts a flavour that would draw on a terminal as no way to ask. */
  readonly windowOnly: boolean;
  readonly texts: PromptTexts;
}

/** libgpg-error, err-codes.h.in: GPG_ERR_TIMEOUT, GPG_ERR_CANCELED, GPG_ERR_NOT_CONFIRMED, GPG_ERR_FULLY_CANCELED. */
const NO: ReadonlySet<number> = new Set([62, 99, 114, 198]);
/** `gnome3:curses` is a graphical one that found no display. */
const DRAWS_ON_TERMINAL = /(?:^|:)(?:curses|tty)$/;

/** A {@link Prompt} by pinentry. It waits as long as the person does. */
export function createPinentryPrompt(options: PinentryOptions): Prompt {
  const { program, texts } = options;
  return {
    name: "pinentry",
    async askPin(request, signal) {
      const labels = { prompt: texts.pinLabel(request), yes: texts.buttons.ok, no: texts.buttons.cancel };
      const outcome = await ask(options, texts.pin(request), labels, "GETPIN", signal);
      if (outcome.kind === "error") throw new PinError("PIN_CANCELLED", `ask for the PIN by ${program}: cancelled`);
      return pinFromBytes(request.part ?? request.pin, outcome.data);
    },
    async confirm(request, signal) {
      const labels = { yes: texts.buttons.yes, no: texts.buttons.no };
      // Not every flavour shows SETERROR beside a yes-or-no question (observed: pinentry-curses 1.2.1 does not).
      const question = { warning: "", text: wholeText(texts.confirm(request)) };
      const outcome = await ask(options, question, labels, "CONFIRM", signal);
      if (outcome.kind === "ok") outcome.data.fill(0);
      return outcome.kind === "ok";
    },
    async askForCard(request, signal) {
      const question = { warning: "", text: wholeText(texts.placeCard(request)) };
      // Its one button says "Cancel", so that every end is a person's no.
      const labels = { yes: texts.buttons.cancel, no: texts.buttons.cancel };
      const outcome = await ask(options, question, labels, "MESSAGE", signal);
      if (outcome.kind === "ok") outcome.data.fill(0);
      return "cancelled";
    },
  };
}

interface Labels {
  readonly prompt?: string | undefined;
  readonly yes: string;
  readonly no: string;
}

/** @returns what the question ended with; an error is always a person's no. */
async function ask(
  options: PinentryOptions,
  { warning, text }: PromptText,
  { prompt, yes, no }: Labels,
  question: "GETPIN" | "CONFIRM" | "MESSAGE",
  signal: AbortSignal,
): Promise<AssuanOutcome> {
  const { program, env, texts } = options;
  const client = await AssuanClient.start({ program, env, signal });
  try {
    for (const option of terminalOptions(options)) await client.send("OPTION", option);
    await requireScreen(client, options);
    // What a pinentry does not know of these harms nothing.
    // Left alone, it gives up after a minute (observed: pinentry-curses 1.2.1), which would count as a person's no.
    await client.send("SETTIMEOUT", "0");
    await client.send("SETKEYINFO", "--clear");
    await client.send("SETTITLE", texts.title);
    await client.send("SETOK", yes);
    await client.send("SETCANCEL", no);
    if (prompt !== undefined) await client.send("SETPROMPT", `${prompt}:`);
    await mustSend(client, program, "SETDESC", text);
    if (warning !== "") await mustSend(client, program, "SETERROR", warning);
    return answerOf(program, await client.send(question));
  } finally {
    await client.close();
  }
}

function terminalOptions({ env, tty }: PinentryOptions): readonly string[] {
  const ctype = env["LC_ALL"] || env["LC_CTYPE"] || env["LANG"];
  const messages = env["LC_ALL"] || env["LC_MESSAGES"] || env["LANG"];
  return [
    ...(tty === undefined ? [] : [`ttyname=${tty}`, `ttytype=${env["TERM"] || "vt100"}`]),
    ...(ctype ? [`lc-ctype=${ctype}`] : []),
    ...(messages ? [`lc-messages=${messages}`] : []),
    ...(env["DISPLAY"] ? [`display=${env["DISPLAY"]}`] : []),
  ];
}

/** @throws PIN_NO_PROMPT if the question would not be seen where it is wanted. */
async function requireScreen(client: AssuanClient, { program, tty, windowOnly }: PinentryOptions): Promise<void> {
  const flavour = await client.send("GETINFO", "flavor");
  if (flavour.kind === "error" || !DRAWS_ON_TERMINAL.test(new TextDecoder().decode(flavour.data))) return;
  if (windowOnly) throw noPrompt(program, new Error("it has no window, it would draw on a terminal"));
  if (tty === undefined) throw noPrompt(program, new Error("it draws on a terminal, and there is none (GPG_TTY)"));
}

/** Without these words a person would answer blindly. */
async function mustSend(client: AssuanClient, program: string, verb: string, text: string): Promise<void> {
  const outcome = await client.send(
    verb,
    fitLines(text, (fitted) => fitsInLine(verb, fitted)),
  );
  if (outcome.kind === "error") throw noPrompt(program, failure(verb, outcome));
}

function answerOf(program: string, outcome: AssuanOutcome): AssuanOutcome {
  if (outcome.kind === "error") {
    if (NO.has(errorNumber(outcome.code))) return outcome;
    throw noPrompt(program, failure("the question", outcome));
  }
  if (!outcome.statuses.includes("PASSWORD_FROM_CACHE")) return outcome;
  outcome.data.fill(0);
  throw noPrompt(program, new Error("it answered from a store of its own, not by a person"));
}

function failure(what: string, { code, text }: { readonly code: number; readonly text: string }): Error {
  return new Error(`${what}: error ${code} (${errorNumber(code)}): ${text}`);
}
