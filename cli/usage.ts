/** Mistakes on the command line, all as {@link ConfigError}: `details` says which, so that any language can say it. */

import { type Command, CommanderError } from "commander";
import { MAX_SECONDS } from "../lib/config.ts";
import { ConfigError } from "../lib/errors.ts";

/** A parser that can tell what it takes. */
export interface ChoiceParser<T extends string> {
  (value: string): T;
  readonly choices: readonly T[];
}

/** A parser for an option that takes one of `choices`. @throws ConfigError from the parser. */
export function oneOf<T extends string>(option: string, choices: readonly T[]): ChoiceParser<T> {
  const parse = (value: string): T => {
    const choice = choices.find((known) => known === value);
    if (choice === undefined) throw badValue(option, value, choices.join(", "));
    return choice;
  };
  return Object.assign(parse, { choices });
}

/** A parser for a number of seconds, `min` or more, decimals allowed. @throws ConfigError from the parser. */
export function seconds(option: string, min = 0): (value: string) => number {
  return (value) => {
    const number = Number(value);
    if (!/^\d+(\.\d+)?$/.test(value) || number < min || number > MAX_SECONDS)
      throw badValue(option, value, `${min} - ${MAX_SECONDS}`);
    return number;
  };
}

/** A parser for a number of things, 1 or more. @throws ConfigError from the parser. */
export function count(option: string): (value: string) => number {
  return (value) => {
    if (!/^[1-9]\d{0,8}$/.test(value)) throw badValue(option, value, "1 - 999999999");
    return Number(value);
  };
}

function badValue(option: string, value: string, expected: string): ConfigError {
  return new ConfigError(`${option} does not take "${value}"; it takes ${expected}`, {
    details: { problem: "bad-option-value", subject: option, value, expected },
  });
}

/** `option` has no meaning beside something else that was given. */
export function conflictingOption(option: string): ConfigError {
  return new ConfigError(`the option "${option}" cannot be used with another one that was given`, {
    details: { problem: "conflicting-options", subject: option },
  });
}

/** What a terminal would take for commands: bytes, or text of somebody else. @param subject what would go there. */
export function binaryToTerminal(subject: string): ConfigError {
  return new ConfigError(`${subject} is no text for a terminal`, {
    hint: "write it into a file with -o, or into another program with |",
    details: { problem: "binary-to-terminal", subject },
  });
}

/** Whether `error` only says that help or the version was printed. */
export function isHelpShown(error: unknown): boolean {
  return error instanceof CommanderError && error.exitCode === 0;
}

/** What commander found wrong with `argv`, in our form; anything else as it is. */
export function usageErrorOf(error: unknown, program: Command, argv: readonly string[]): unknown {
  if (!(error instanceof CommanderError)) return error;
  const help = helpCommand(program, argv);
  const [, subject = ""] = /'([^']*)'/.exec(error.message) ?? [];
  const [, suggestion] = /Did you mean (?:one of )?([^?]*)\?/.exec(error.message) ?? [];
  const meant = suggestion === undefined ? "" : ` (did you mean ${suggestion}?)`;
  const usage = (problem: string, message: string) =>
    new ConfigError(`${message}; see: ${help}`, {
      details: { problem, subject, help, ...(suggestion === undefined ? {} : { suggestion }) },
      cause: error,
    });
  switch (error.code) {
    case "commander.unknownOption":
      return usage("unknown-option", `unknown option "${subject}"${meant}`);
    case "commander.unknownCommand":
      return usage("unknown-command", `unknown command "${subject}"${meant}`);
    case "commander.optionMissingArgument":
      return usage("missing-value", `the option "${subject}" needs a value`);
    case "commander.excessArguments":
      return usage("too-many-arguments", `the command "${subject}" takes no more arguments`);
    case "commander.conflictingOption":
      return usage("conflicting-options", `the option "${subject}" cannot be used with another one that was given`);
    case "commander.help":
      return usage("no-command", "no command was given");
    default:
      return usage("other", error.message.replace(/^error: /, ""));
  }
}

function helpCommand(program: Command, argv: readonly string[]): string {
  const command = program.commands.find((known) => argv.includes(known.name()));
  return command === undefined ? "jpki-agent --help" : `jpki-agent ${command.name()} --help`;
}
