/** What each command is made with. */

import type { Deps } from "./deps.ts";
import type { Messages } from "./messages/messages.ts";

export interface CommandContext {
  /** The whole command line, without node and the script. */
  readonly argv: readonly string[];
  readonly deps: Deps;
  readonly messages: Messages;
  /** For a command that ends with another status than 0 without an error of its own. */
  readonly setStatus: (status: number) => void;
}
