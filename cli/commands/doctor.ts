/** `doctor`: what stands in the way of a login, and what to do about it. Costs no try of a PIN. */

import { Command } from "commander";
import type { CommandContext } from "../context.ts";
import { examine } from "../doctor/examine.ts";
import type { Finding } from "../doctor/finding.ts";
import { makeReport, reportLines } from "../doctor/report.ts";
import { parseServer, type ServerName } from "../doctor/server.ts";
import { realSystem } from "../doctor/system.ts";
import { EXIT_FAILED } from "../exit-status.ts";
import type { Messages } from "../messages/messages.ts";
import { addPromptOptions, type PromptFlags } from "../prompt-options.ts";
import { type GlobalFlags, settingsOf } from "../settings.ts";
import { conflictingOption } from "../usage.ts";

interface DoctorFlags extends GlobalFlags, PromptFlags {
  readonly server?: ServerName | undefined;
  readonly showPrompt?: boolean | undefined;
  readonly report?: boolean | undefined;
}

export function doctorCommand(context: CommandContext): Command {
  const { options, commands } = context.messages.help;
  return addPromptOptions(new Command("doctor"), context.messages)
    .description(commands.doctor)
    .option("--server <host>", options.server, parseServer)
    .option("--show-prompt", options["show-prompt"])
    .option("--report", options.report)
    .action((_own, command: Command) => {
      const flags = command.optsWithGlobals<DoctorFlags>();
      return flags.report === true ? report(flags, context) : doctor(flags, context);
    });
}

async function report(flags: DoctorFlags, { deps, messages }: CommandContext): Promise<void> {
  if (flags.server !== undefined) throw conflictingOption("--server");
  if (flags.showPrompt === true) throw conflictingOption("--show-prompt");
  const made = await makeReport(await settingsOf(flags, deps), flags.verbose, deps, messages);
  const lines = flags.json === true ? [JSON.stringify(made)] : reportLines(made, messages);
  deps.stdout.write(`${lines.join("\n")}\n`);
}

async function doctor(flags: DoctorFlags, { deps, messages, setStatus }: CommandContext): Promise<void> {
  const findings = await examine(
    {
      settings: await settingsOf(flags, deps),
      verbose: flags.verbose,
      system: realSystem(deps.env, process.platform),
      nodeVersion: process.versions.node,
      server: flags.server,
      showPrompt: flags.showPrompt === true,
    },
    deps,
    messages,
  );
  if (findings.some(({ level }) => level === "fail")) setStatus(EXIT_FAILED);
  deps.stdout.write(flags.json === true ? inJson(findings, messages) : inWords(findings, messages));
}

function inJson(findings: readonly Finding[], { doctor: { findings: texts } }: Messages): string {
  const plain = findings.map(({ id, level, facts, say }) => {
    const { text, mend } = say(texts);
    return { id, level, text, mend, facts };
  });
  return `${JSON.stringify({ findings: plain })}\n`;
}

function inWords(findings: readonly Finding[], { doctor: texts, hintLabel }: Messages): string {
  const lines = findings.flatMap(({ level, say }) => {
    const { text, mend } = say(texts.findings);
    const mends = mend === undefined ? [] : `${hintLabel}${mend}`.split("\n");
    return [`${texts.levels[level]}  ${text}`, ...mends.map((line) => `${texts.indent}${line}`)];
  });
  const count = (level: Finding["level"]) => findings.filter((one) => one.level === level).length;
  return `${[...lines, texts.summary(count("fail"), count("warn"))].join("\n")}\n`;
}
