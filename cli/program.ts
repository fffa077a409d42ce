/** The command line as commander knows it: global options here, one verb per file in commands/. */

import { Command, Option } from "commander";
import { CARD_SOURCES, PCSC_BINDINGS } from "../lib/config.ts";
import packageJson from "../package.json" with { type: "json" };
import { endOptionsAtCommand } from "./command-words.ts";
import { agentCommand } from "./commands/agent.ts";
import { cardCommand } from "./commands/card.ts";
import { certCommand } from "./commands/cert.ts";
import { completionCommand } from "./commands/completion.ts";
import { demoCommand } from "./commands/demo.ts";
import { doctorCommand } from "./commands/doctor.ts";
import { envCommand } from "./commands/env.ts";
import { exportKeyCommand } from "./commands/export-key.ts";
import { logCommand } from "./commands/log.ts";
import { pinCommand } from "./commands/pin.ts";
import { pkcs11Command } from "./commands/pkcs11.ts";
import { releaseCommand } from "./commands/release.ts";
import { serviceCommand } from "./commands/service.ts";
import { signCommand } from "./commands/sign.ts";
import { statusCommand } from "./commands/status.ts";
import { verifyCommand } from "./commands/verify.ts";
import { verifyCertCommand } from "./commands/verify-cert.ts";
import type { CommandContext } from "./context.ts";
import type { Deps } from "./deps.ts";
import { EXIT_DONE, EXIT_FAILED, exitStatusOf } from "./exit-status.ts";
import type { HelpTexts } from "./messages/help-texts.ts";
import { messagesFor } from "./messages/language.ts";
import { renderError } from "./render.ts";
import { isHelpShown, oneOf, usageErrorOf } from "./usage.ts";

/**
 * Runs one command line (without node and the script's name).
 *
 * @returns the exit status; errors have been written to stderr.
 */
export async function run(argv: readonly string[], deps: Deps): Promise<number> {
  const messages = messagesFor(deps.env);
  let status = EXIT_DONE;
  const setStatus = (value: number) => {
    status = value;
  };
  const program = buildProgram({ argv, deps, messages, setStatus });
  const words = endOptionsAtCommand(program, argv);
  try {
    await parsed(program, words);
    await deps.stdout.drained();
    return status;
  } catch (thrown) {
    // Whoever pressed Ctrl-C knows it.
    if (deps.signal.aborted && thrown === deps.signal.reason) return EXIT_FAILED;
    const error = usageErrorOf(thrown, program, argv);
    const { verbose = 0 } = program.opts<{ verbose?: number }>();
    // Looked for by ourselves: commander stops at the first mistake, which may stand before it.
    const json = words.slice(0, endOfOptions(words)).includes("--json");
    renderError(error, deps.stderr, messages, { json, verbose: verbose > 0 });
    return exitStatusOf(error);
  }
}

/** The commands and options, to be run or to be described. */
export function buildProgram(context: CommandContext): Command {
  const { deps, messages } = context;
  const { help } = messages;
  const program = new Command("jpki-agent")
    .description(help.program)
    .version(packageJson.version, "-V, --version", help.options.version)
    .option("--reader <name>", help.options.reader)
    .addOption(new Option("--card <source>", help.options.card).argParser(oneOf("--card", CARD_SOURCES)))
    .addOption(
      new Option("--pcsc-binding <name>", help.options["pcsc-binding"]).argParser(
        oneOf("--pcsc-binding", PCSC_BINDINGS),
      ),
    )
    .option("--config <file>", help.options.config)
    .option("--json", help.options.json)
    .option("-v, --verbose", help.options.verbose, (_value, count: number) => count + 1, 0)
    .helpCommand(false);
  for (const make of [
    agentCommand,
    exportKeyCommand,
    statusCommand,
    doctorCommand,
    pinCommand,
    certCommand,
    verifyCertCommand,
    cardCommand,
    signCommand,
    verifyCommand,
    releaseCommand,
    envCommand,
    serviceCommand,
    pkcs11Command,
    logCommand,
    completionCommand,
    demoCommand,
  ])
    program.addCommand(make(context));
  for (const command of withSubcommands(program))
    command
      .helpOption("-h, --help", help.options.help)
      .configureHelp({
        showGlobalOptions: true,
        styleTitle: (title) => translatedTitle(title, help.titles),
        optionDescription: ({ description }) => description, // it names the default, in the person's language
      })
      // Errors are thrown, translated and written by run(), not by commander.
      .configureOutput({ writeOut: (text) => deps.stdout.write(text), writeErr: () => {} })
      .exitOverride();
  return program;
}

/** Runs the command; help or the version was one, too. */
async function parsed(program: Command, words: readonly string[]): Promise<void> {
  try {
    await program.parseAsync(words, { from: "user" });
  } catch (thrown) {
    if (!isHelpShown(thrown)) throw thrown;
  }
}

function endOfOptions(words: readonly string[]): number {
  const at = words.indexOf("--");
  return at < 0 ? words.length : at;
}

function withSubcommands(command: Command): readonly Command[] {
  return [command, ...command.commands.flatMap(withSubcommands)];
}

function translatedTitle(title: string, titles: HelpTexts["titles"]): string {
  switch (title) {
    case "Usage:":
      return titles.usage;
    case "Arguments:":
      return titles.arguments;
    case "Options:":
      return titles.options;
    case "Global Options:":
      return titles.globalOptions;
    case "Commands:":
      return titles.commands;
    default:
      return title;
  }
}
