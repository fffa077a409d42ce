/** The options of every command that may ask for a PIN. */

import { type Command, Option } from "commander";
import { type AgentConfig, PIN_PROMPTS } from "../lib/config.ts";
import type { Messages } from "./messages/messages.ts";
import { oneOf } from "./usage.ts";

export type PromptFlags = Pick<AgentConfig, "pinPrompt" | "pinentry">;

/** Adds `--pin-prompt` and `--pinentry`; their values come as {@link PromptFlags}. */
export function addPromptOptions(command: Command, { help: { options } }: Messages): Command {
  return command
    .addOption(new Option("--pin-prompt <how>", options["pin-prompt"]).argParser(oneOf("--pin-prompt", PIN_PROMPTS)))
    .option("--pinentry <program>", options.pinentry);
}
