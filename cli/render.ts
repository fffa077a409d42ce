/** How an error looks to a person and to a script: the same facts, on stderr. */

import { JpkiError, messageOf } from "../lib/errors.ts";
import { printable } from "../lib/printable.ts";
import type { TextOutput } from "./deps.ts";
import type { Messages } from "./messages/messages.ts";

export interface RenderOptions {
  /** One JSON object in one line instead of text. */
  readonly json: boolean;
  /** Adds the stack and the causes' stacks to the text. */
  readonly verbose: boolean;
}

/** Writes `error`; one that is not a {@link JpkiError} is a defect of ours and has the code `INTERNAL`. */
export function renderError(error: unknown, stderr: TextOutput, messages: Messages, options: RenderOptions): void {
  const { message, hint } = error instanceof JpkiError ? messages.error(error) : { message: messageOf(error) };
  if (options.json) {
    const code = error instanceof JpkiError ? error.code : "INTERNAL";
    const details = error instanceof JpkiError ? error.details : {};
    stderr.write(`${JSON.stringify({ code, message, hint, details })}\n`);
    return;
  }
  stderr.write(`jpki-agent: ${shown(message)}\n`);
  if (hint !== undefined) stderr.write(`  ${messages.hintLabel}${shown(hint)}\n`);
  if (options.verbose) stderr.write(stackOf(error));
}

/** Names of files and what servers say stand in it; some errors have several lines. */
function shown(text: string): string {
  return text
    .split("\n")
    .map((line) => printable(line, line.length))
    .join("\n");
}

function stackOf(error: unknown): string {
  if (!(error instanceof Error)) return "";
  const own = `${error.stack ?? error.message}\n`;
  return error.cause === undefined ? own : `${own}caused by: ${stackOf(error.cause) || `${messageOf(error.cause)}\n`}`;
}
