/** Where a command line ends being ours: `agent ssh -v host` gives `-v` to ssh, as ssh-agent(1) does. */

import type { Command, Option } from "commander";

/**
 * Puts `--` before the first word of a command that another one of ours is to run, so that commander leaves its options
 * alone. Any other command line stays as it is.
 */
export function endOptionsAtCommand(program: Command, argv: readonly string[]): readonly string[] {
  let command: Command | undefined;
  for (let at = 0; at < argv.length; at++) {
    const word = argv[at] ?? "";
    if (word === "--") return argv;
    if (word.startsWith("-")) {
      const option = [...program.options, ...(command?.options ?? [])].find(
        ({ long, short }) => word === long || word === short,
      );
      at += valuesOf(option, argv.slice(at + 1));
    } else if (command === undefined) {
      command = program.commands.find((known) => known.name() === word);
      if (command?.registeredArguments.some(({ variadic }) => variadic) !== true) return argv;
    } else return [...argv.slice(0, at), "--", ...argv.slice(at)];
  }
  return argv;
}

/** How many of the words that follow an option are its values. `--option=value` is no option's name, and has none. */
function valuesOf(option: Option | undefined, following: readonly string[]): number {
  if (option?.optional === true) return following[0]?.startsWith("-") === false ? 1 : 0;
  if (option?.required !== true) return 0;
  if (!option.variadic) return 1;
  const end = following.findIndex((word) => word.startsWith("-"));
  return end < 0 ? following.length : end;
}
