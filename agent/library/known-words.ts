/** The words that options take, for programs in JavaScript: no compiler tells them of a misspelt one. */

import { ConfigError } from "../../lib/errors.ts";

/** @throws ConfigError `CONFIG_INVALID` for another word: it must not count as the default. */
export function requireKnown(option: string, value: string, known: readonly string[]): void {
  if (known.includes(value)) return;
  const expected = known.join(", ");
  throw new ConfigError(`${option} does not take "${value}"; it takes ${expected}`, {
    details: { problem: "bad-option-value", subject: option, value, expected },
  });
}
