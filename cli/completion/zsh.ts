/**
 * Completion for zsh by its own `_arguments`. Source: zshcompsys(1). The script can be evaluated, or lie as `_jpki-agent`
 * in a folder of `fpath`.
 */

import { assertNever } from "../../lib/errors.ts";
import { shQuoted } from "../shell.ts";
import { type ArgumentNode, allCommands, type CommandNode, type OptionNode, type Values } from "./tree.ts";

/** The script. */
export function zshCompletion(root: CommandNode): string {
  return `#compdef jpki-agent

${allCommands(root)
  .map((command) => commandFunction(command, root))
  .join("\n")}
if [[ "\${funcstack[1]}" == _jpki-agent ]]; then
  _jpki-agent "$@"
else
  (( \${+functions[compdef]} )) || { autoload -Uz compinit && compinit }
  compdef _jpki-agent jpki-agent
fi
`;
}

function commandFunction(command: CommandNode, root: CommandNode): string {
  const options = [...(command === root ? [] : command.options), ...root.options].map(optionSpec);
  const name = functionName(command.path);
  if (command.commands.length === 0)
    return `${name}() {
  _arguments -s -S : ${[...options, ...argumentSpecs(command)].join(" \\\n    ")}
}
`;
  return `${name}() {
  local context state state_descr line
  typeset -A opt_args
  _arguments -s -S -C : ${[...options, "'1: :->command'", "'*:: :->rest'"].join(" \\\n    ")} && return
  case $state in
    command)
      local -a commands=(
${command.commands.map((one) => `        ${shQuoted(`${one.path.at(-1)}:${one.description}`)}`).join("\n")}
      )
      _describe -t commands command commands
      ;;
    rest)
      case $line[1] in
${command.commands.map(({ path }) => `        ${path.at(-1)}) ${functionName(path)} ;;`).join("\n")}
      esac
      ;;
  esac
}
`;
}

function functionName(path: readonly string[]): string {
  return ["_jpki-agent", ...path].join("__");
}

/** `'(-a --socket)'{-a,--socket}'[description]:path:_files'`, or with `*` in front where it may come again. */
function optionSpec({ names, description, values, repeatable }: OptionNode): string {
  const before = repeatable ? "*" : names.length > 1 ? `(${names.join(" ")})` : "";
  const value = values === undefined ? "" : `:value:${action(values)}`;
  const rest = `${shQuoted(`[${description.replaceAll(/[\\[\]:]/g, "\\$&")}]${value}`)}`;
  // `--card=` takes the value as the next word, too.
  const spelt = names.map((name) => (values !== undefined && name.startsWith("--") ? `${name}=` : name));
  return `${before === "" ? "" : shQuoted(before)}${spelt.length > 1 ? `{${spelt.join(",")}}` : spelt[0]}${rest}`;
}

/** `--host a b`: zsh takes `b` for an argument, and completes no options behind one that it does not expect. */
function argumentSpecs({ arguments: places, options }: CommandNode): readonly string[] {
  const specs = places.map(argumentSpec);
  const takesMore = places.some(({ variadic }) => variadic) || !options.some(({ variadic }) => variadic);
  return takesMore ? specs : [...specs, shQuoted("*: :{ : }")];
}

function argumentSpec({ name, values, variadic }: ArgumentNode, i: number): string {
  if (variadic && values.kind === "program") return shQuoted("*:::command:_normal");
  return shQuoted(`${variadic ? "*" : i + 1}:${name}:${action(values)}`);
}

function action(values: Values): string {
  switch (values.kind) {
    case "choices":
      return `(${values.choices.join(" ")})`;
    case "file":
      return "_files";
    case "program":
      return "_command_names -e";
    case "any":
      return " ";
    default:
      return assertNever(values);
  }
}
