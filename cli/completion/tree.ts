/** The commands and options as a shell has to know them: taken from the command line itself, so that the two agree. */

import type { Argument, Command, Option } from "commander";
import type { ChoiceParser } from "../usage.ts";

/** What may stand in a place: `any` is what a shell cannot know. */
export type Values =
  | { readonly kind: "choices"; readonly choices: readonly string[] }
  | { readonly kind: "file" }
  | { readonly kind: "program" }
  | { readonly kind: "any" };

export interface OptionNode {
  /** `-a`, `--socket`; at least one. */
  readonly names: readonly string[];
  /** In the person's language, one line. */
  readonly description: string;
  /** Undefined for a flag. */
  readonly values: Values | undefined;
  /** Whether one name takes several values: `--host a b`. */
  readonly variadic: boolean;
  /** Whether it may be given again. */
  readonly repeatable: boolean;
}

export interface ArgumentNode {
  readonly name: string;
  readonly values: Values;
  readonly variadic: boolean;
}

export interface CommandNode {
  /** From the program's name on, without it: `["pin", "change"]`; empty for the program. */
  readonly path: readonly string[];
  readonly description: string;
  readonly options: readonly OptionNode[];
  readonly arguments: readonly ArgumentNode[];
  readonly commands: readonly CommandNode[];
}

/** The options of the root stand before or after any command; `--help` is one of them, `--version` is not. */
export function commandTree(program: Command, path: readonly string[] = []): CommandNode {
  return {
    path,
    description: program.description(),
    options: [...program.options, ...(path.length === 0 ? helpOption(program) : [])].map(optionNode),
    arguments: program.registeredArguments.map(argumentNode),
    commands: program.commands.map((command) => commandTree(command, [...path, command.name()])),
  };
}

/** A command, and all below it. */
export function allCommands(node: CommandNode): readonly CommandNode[] {
  return [node, ...node.commands.flatMap(allCommands)];
}

function helpOption(program: Command): Option[] {
  return program
    .createHelp()
    .visibleOptions(program)
    .filter(({ long }) => long === "--help");
}

function optionNode(option: Option): OptionNode {
  const takesValue = option.required || option.optional;
  return {
    names: [option.short, option.long].flatMap((name) => name ?? []),
    description: option.description,
    values: takesValue ? valuesOf(option.parseArg, placeholder(option.flags)) : undefined,
    variadic: option.variadic,
    // A flag that counts has a parser too.
    repeatable: option.variadic || (!takesValue && option.parseArg !== undefined),
  };
}

function argumentNode(argument: Argument): ArgumentNode {
  return {
    name: argument.name(),
    values: valuesOf(argument.parseArg, argument.name()),
    variadic: argument.variadic,
  };
}

const FILES = ["file", "file|url", "path", "socket", "signature"];
const PROGRAMS = ["command", "program"];

function valuesOf(parser: unknown, name: string): Values {
  if (isChoiceParser(parser)) return { kind: "choices", choices: parser.choices };
  if (FILES.includes(name)) return { kind: "file" };
  return PROGRAMS.includes(name) ? { kind: "program" } : { kind: "any" };
}

/** `file` of `-o, --output <file...>`. */
function placeholder(flags: string): string {
  return /[<[]([^\].>]*)/.exec(flags)?.[1] ?? "";
}

function isChoiceParser(parser: unknown): parser is ChoiceParser<string> {
  return typeof parser === "function" && "choices" in parser;
}
