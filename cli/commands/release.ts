/** `release`: the running agent lets go of the card now; remembered PINs stay. */

import { Command } from "commander";
import type { CommandContext } from "../context.ts";
import { releaseCards } from "../find-agent.ts";
import { type GlobalFlags, settingsOf } from "../settings.ts";

export function releaseCommand(context: CommandContext): Command {
  return new Command("release")
    .description(context.messages.help.commands.release)
    .action((_own, command: Command) => release(command.optsWithGlobals<GlobalFlags>(), context));
}

/** Where no agent runs nobody holds the card: that is what was asked for. */
async function release(flags: GlobalFlags, { deps, messages }: CommandContext): Promise<void> {
  const released = await releaseCards(await settingsOf(flags, deps), deps);
  if (flags.json === true) return deps.stdout.write(`${JSON.stringify({ released })}\n`);
  deps.stderr.write(`${released.length > 0 ? messages.status.released : messages.status.nothingToRelease}\n`);
}
