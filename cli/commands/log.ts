/** `log`: what was asked of the card's key, by whom and for which host; the newest last. */

import { Command } from "commander";
import type { CommandContext } from "../context.ts";
import { localTime } from "../local-time.ts";
import type { GlobalFlags } from "../settings.ts";
import { count } from "../usage.ts";

interface LogFlags extends GlobalFlags {
  readonly n?: number | undefined;
}

const DEFAULT_COUNT = 20;

export function logCommand(context: CommandContext): Command {
  const { options, commands } = context.messages.help;
  return new Command("log")
    .description(commands.log)
    .option("-n <count>", options.n, count("-n"))
    .action((_own, command: Command) => log(command.optsWithGlobals<LogFlags>(), context));
}

async function log({ n = DEFAULT_COUNT, json }: LogFlags, { deps, messages }: CommandContext): Promise<void> {
  const { readSignatures } = await import("../../lib/node.ts");
  const entries = (await readSignatures(deps)).slice(-n);
  if (json === true) return deps.stdout.write(`${JSON.stringify(entries)}\n`);
  if (entries.length === 0) return deps.stderr.write(`${messages.signatures.none}\n`);
  deps.stdout.write(
    entries.map((entry) => `${localTime(new Date(entry.time))}  ${messages.signatures.entry(entry)}\n`).join(""),
  );
}
