/** `completion`: what makes a shell complete our commands, options and their values with TAB. */

import { Argument, Command } from "commander";
import { assertNever } from "../../lib/errors.ts";
import type { CommandContext } from "../context.ts";
import { LOGIN_SHELLS, type LoginShell } from "../set-up/shell-lines.ts";
import type { GlobalFlags } from "../settings.ts";
import { oneOf } from "../usage.ts";

export function completionCommand({ deps, messages }: CommandContext): Command {
  const { commands, shellName } = messages.help;
  return new Command("completion")
    .description(commands.completion)
    .addArgument(new Argument("<shell>", shellName).argParser(oneOf("completion", LOGIN_SHELLS)))
    .action(async (shell: LoginShell, _own, command: Command) => {
      const text = await script(shell, command);
      const { json } = command.optsWithGlobals<GlobalFlags>();
      deps.stdout.write(json === true ? `${JSON.stringify({ shell, script: text })}\n` : text);
    });
}

async function script(shell: LoginShell, command: Command): Promise<string> {
  const { commandTree } = await import("../completion/tree.ts");
  const root = commandTree(programOf(command));
  switch (shell) {
    case "bash":
      return (await import("../completion/bash.ts")).bashCompletion(root);
    case "zsh":
      return (await import("../completion/zsh.ts")).zshCompletion(root);
    case "fish":
      return (await import("../completion/fish.ts")).fishCompletion(root);
    default:
      return assertNever(shell);
  }
}

function programOf(command: Command): Command {
  return command.parent === null ? command : programOf(command.parent);
}
