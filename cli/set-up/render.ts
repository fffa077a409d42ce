/** How changes to a person's files are told. */

import type { Deps } from "../deps.ts";
import type { Messages } from "../messages/messages.ts";
import type { FileChange } from "./write.ts";

/** One line each on stdout; a sentence on stderr where there is nothing, and where something was left as it is. */
export function renderChanges(
  changes: readonly FileChange[],
  { stdout, stderr }: Pick<Deps, "stdout" | "stderr">,
  { setUp }: Pick<Messages, "setUp">,
  json: boolean,
): void {
  if (json) {
    stdout.write(`${JSON.stringify(changes)}\n`);
    return;
  }
  for (const { path, result } of changes) stdout.write(`${setUp.change[result](path)}\n`);
  if (changes.length === 0) stderr.write(`${setUp.nothing}\n`);
}
