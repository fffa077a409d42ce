/**
 * Completion for bash, 3.2 (macOS) and later; bash-completion is not needed. Source: bash(1), "Programmable Completion".
 *
 * One function goes through the words before the cursor: it follows the commands, and knows whether the last option still
 * waits for its value. Bash takes `=` for a word of its own.
 */

import { assertNever } from "../../lib/errors.ts";
import { shQuoted } from "../shell.ts";
import { allCommands, type CommandNode, type OptionNode, type Values } from "./tree.ts";

/** The script, to be evaluated. */
export function bashCompletion(root: CommandNode): string {
  const commands = allCommands(root);
  return `_jpki_agent_values() { # COMMAND OPTION: what the option takes; fails for a flag
  many=
  case "$1:$2" in
${commands.flatMap((command) => command.options.flatMap((option) => valueCase(command, option))).join("\n")}
    *) return 1 ;;
  esac
}

_jpki_agent() {
  local cur=\${COMP_WORDS[COMP_CWORD]} command='' wants='' many='' word i place=0 IFS=$' \\t\\n'
  COMPREPLY=()
  for ((i = 1; i < COMP_CWORD; i++)); do
    word=\${COMP_WORDS[i]}
    case $word in
      =) continue ;;
      -*)
        wants=''
        _jpki_agent_values "$command" "$word"
        continue
        ;;
    esac
    if [[ -n $wants ]]; then
      [[ -n $many ]] || wants=''
      continue
    fi
    case "$command:$word" in
${commands
  .filter(({ path }) => path.length > 0)
  .map(
    ({ path }) =>
      `      ${shQuoted(`${path.slice(0, -1).join(" ")}:${path.at(-1)}`)}) command=${shQuoted(path.join(" "))} ;;`,
  )
  .join("\n")}
      *) ((place += 1)) ;;
    esac
  done
  [[ $cur == = ]] && cur=''
  if [[ (-z $wants || -n $many) && $cur == -* ]]; then
    wants=${shQuoted(`=${optionNames(root)}`)}
    case $command in
${commands
  .filter(({ path, options }) => path.length > 0 && options.length > 0)
  .map((command) => `      ${shQuoted(command.path.join(" "))}) wants+=${shQuoted(` ${optionNames(command)}`)} ;;`)
  .join("\n")}
    esac
  elif [[ -z $wants ]]; then
    case "$command:$place" in
${commands.flatMap(placeCases).join("\n")}
    esac
  fi
  [[ $wants == file ]] && return # bash itself completes names of files
  type compopt > /dev/null 2>&1 && compopt +o default
  case $wants in
    =*) COMPREPLY=($(compgen -W "\${wants#=}" -- "$cur")) ;;
    program) COMPREPLY=($(compgen -c -- "$cur")) ;;
  esac
}

complete -o default -F _jpki_agent jpki-agent
`;
}

/** The program's own options count after any command. */
function valueCase({ path }: CommandNode, { names, values, variadic }: OptionNode): string[] {
  if (values === undefined) return [];
  const patterns = names.map((name) => (path.length === 0 ? `*:${name}` : shQuoted(`${path.join(" ")}:${name}`)));
  return [`    ${patterns.join(" | ")}) wants=${wanted(values)}${variadic ? " many=1" : ""} ;;`];
}

/** What stands in each place behind a command. */
function placeCases({ path, commands, arguments: places }: CommandNode): string[] {
  const at = (place: string) => `      ${shQuoted(`${path.join(" ")}:`)}${place})`;
  if (commands.length > 0)
    return [`${at("0")} wants=${shQuoted(`=${commands.map((one) => one.path.at(-1)).join(" ")}`)} ;;`];
  return places.flatMap(({ values, variadic }, i) => {
    // A command of somebody else's has arguments that only it knows: files, most likely.
    if (variadic && values.kind === "program") return [`${at(`${i}`)} wants=program ;;`, `${at("*")} wants=file ;;`];
    return [`${at(variadic ? "*" : `${i}`)} wants=${wanted(values)} ;;`];
  });
}

function wanted(values: Values): string {
  switch (values.kind) {
    case "choices":
      return shQuoted(`=${values.choices.join(" ")}`);
    case "file":
    case "program":
    case "any":
      return values.kind;
    default:
      return assertNever(values);
  }
}

function optionNames({ options }: CommandNode): string {
  return options.flatMap(({ names }) => names).join(" ");
}
