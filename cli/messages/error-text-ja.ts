/** How errors are put together in Japanese: the message, its reason in brackets, the names in it. */

import type { ErrorDetails, JpkiError } from "../../lib/errors.ts";
import type { ErrorText } from "./messages.ts";

/** The message and the next step as they are. */
export function text(message: string, hint: string | undefined): ErrorText {
  return { message, hint };
}

/**
 * The message with a reason in brackets.
 *
 * @param reason in Japanese; else the English message is the reason.
 */
export function withReason(
  message: string,
  error: JpkiError,
  hint: string | undefined,
  reason = error.message,
): ErrorText {
  return { message: `${message}（${reason}）`, hint };
}

/** ` NAME ` between Japanese words, or nothing where the error does not say. */
export function named(details: ErrorDetails, key: string): string {
  const name = details[key];
  return typeof name === "string" ? ` ${name} ` : "";
}
