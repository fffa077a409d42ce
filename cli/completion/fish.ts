/**
 * Completion for fish: one `complete` line for each command, option and argument, on the condition of the command that
 * stands before the cursor. Source: complete(1) and commandline(1) of fish.
 */

import { assertNever } from "../../lib/errors.ts";
import { fishQuoted } from "../shell.ts";
import { allCommands, type CommandNode, type OptionNode, type Values } from "./tree.ts";

/** The script, to be sourced; as `~/.config/fish/completions/jpki-agent.fish` it is loaded when it is needed. */
export function fishCompletion(root: CommandNode): string {
  const commands = allCommands(root);
  const withValue = commands.flatMap(({ path, options }) =>
    options
      .filter(({ values }) => values !== undefined)
      .flatMap(({ names }) => names.map((name) => fishQuoted(`${path.length === 0 ? "*" : path.join(" ")}:${name}`))),
  );
  return `# The command before the cursor, and for each argument behind it " +".
function __jpki_agent_place
    set -l words (commandline -opc)
    set -e words[1]
    set -l place ''
    set -l skip 0
    for word in $words
        if test $skip = 1
            set skip 0
            continue
        end
        switch "$place:$word"
            case ${withValue.join(" ")}
                set skip 1
            case '*:-*'
            case ${commands
              .filter(({ path }) => path.length > 0)
              .map(({ path }) => fishQuoted(`${path.slice(0, -1).join(" ")}:${path.at(-1)}`))
              .join(" ")}
                set place (string trim -- "$place $word")
            case '*'
                set place "$place +"
        end
    end
    echo -- "$place"
end

function __jpki_agent_at
    test (__jpki_agent_place) = "$argv[1]"
end

function __jpki_agent_within
    string match -q -r -- "^$argv[1]( \\\\+)*\\$" (__jpki_agent_place)
end

complete -c jpki-agent -e
complete -c jpki-agent -f
${commands.flatMap((command) => [...command.commands.map(commandLine), ...command.options.map((option) => optionLine(command, option)), ...argumentLines(command)]).join("\n")}
`;
}

function commandLine({ path, description }: CommandNode): string {
  const above = path.slice(0, -1).join(" ");
  return `complete -c jpki-agent -n ${fishQuoted(`__jpki_agent_at "${above}"`)} -a ${path.at(-1)} -d ${fishQuoted(description)}`;
}

/** The program's own options count after any command. */
function optionLine({ path }: CommandNode, { names, description, values }: OptionNode): string {
  const condition = path.length === 0 ? "" : ` -n ${fishQuoted(`__jpki_agent_within "${path.join(" ")}"`)}`;
  const spelt = names.map((name) => (name.startsWith("--") ? `-l ${name.slice(2)}` : `-s ${name.slice(1)}`));
  const value = values === undefined ? "" : ` ${valueFlags(values)}`;
  return `complete -c jpki-agent${condition} ${spelt.join(" ")}${value} -d ${fishQuoted(description)}`;
}

function argumentLines({ path, arguments: places }: CommandNode): string[] {
  return places.flatMap(({ values, variadic }, i) => {
    const before = `${path.join(" ")}${" +".repeat(i)}`;
    const at = `complete -c jpki-agent -n ${fishQuoted(`${variadic ? "__jpki_agent_within" : "__jpki_agent_at"} "${before}"`)}`;
    switch (values.kind) {
      case "choices":
        return [`${at} -a ${fishQuoted(values.choices.join(" "))}`];
      case "file":
        return [`${at} -F`];
      case "program":
        return [`${at} -F -a '(__fish_complete_command)'`];
      case "any":
        return [];
      default:
        return assertNever(values);
    }
  });
}

function valueFlags(values: Values): string {
  switch (values.kind) {
    case "choices":
      return `-x -a ${fishQuoted(values.choices.join(" "))}`;
    case "file":
      return "-r -F";
    case "program":
      return "-x -a '(__fish_complete_command)'";
    case "any":
      return "-x";
    default:
      return assertNever(values);
  }
}
