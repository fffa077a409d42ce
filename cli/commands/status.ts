/** `status`: agent, PC/SC, readers, cards, tries left, dates; asks for nothing and costs no try. */

import { Command } from "commander";
import type { CommandContext } from "../context.ts";
import { type GlobalFlags, settingsOf } from "../settings.ts";
import { statusLines } from "../status-lines.ts";
import { collectStatus, exitStatusOfReport, type StatusReport } from "../status-report.ts";

export function statusCommand(context: CommandContext): Command {
  return new Command("status")
    .description(context.messages.help.commands.status)
    .action((_own, command: Command) => status(command.optsWithGlobals<GlobalFlags>(), context));
}

async function status(flags: GlobalFlags, { deps, messages, setStatus }: CommandContext): Promise<void> {
  const report = await collectStatus(await settingsOf(flags, deps), flags.verbose, deps, messages);
  const now = new Date();
  setStatus(exitStatusOfReport(report, now));
  const lines = flags.json === true ? [JSON.stringify(asJson(report))] : statusLines(report, messages, now);
  deps.stdout.write(`${lines.join("\n")}\n`);
}

function asJson({ agent, devices, lastRefusal }: StatusReport): object {
  switch (agent.kind) {
    case "found": {
      const { devices: _told, ...about } = { devices: undefined, ...agent.status };
      return { agent: { ...about, socket: agent.socket }, devices, lastRefusal };
    }
    case "silent": {
      const { code, message } = agent.error;
      return { agent: { kind: "silent", socket: agent.socket, code, message }, devices, lastRefusal };
    }
    case "absent":
      return { agent, devices, lastRefusal };
  }
}
