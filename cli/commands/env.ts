/** `env`: what shells, ssh and git need to use the agent, printed, or written into their files and taken out again. */

import { Command, Option } from "commander";
import { KeyError } from "../../lib/errors.ts";
import type { CommandContext } from "../context.ts";
import { ownSocket } from "../find-agent.ts";
import { openLog } from "../parts.ts";
import type { SetUpPlan } from "../set-up/plan.ts";
import { renderChanges } from "../set-up/render.ts";
import { LOGIN_SHELLS, type LoginShell, loginShell } from "../set-up/shell-lines.ts";
import { type GlobalFlags, settingsOf } from "../settings.ts";
import { oneOf } from "../usage.ts";

interface EnvFlags extends GlobalFlags {
  readonly shell?: LoginShell | undefined;
  readonly host?: readonly string[] | undefined;
  readonly write?: boolean | undefined;
  readonly remove?: boolean | undefined;
}

export function envCommand(context: CommandContext): Command {
  const { options, commands } = context.messages.help;
  return new Command("env")
    .description(commands.env)
    .addOption(new Option("--shell <shell>", options.shell).argParser(oneOf("--shell", LOGIN_SHELLS)))
    .option("--host <pattern...>", options.host)
    .option("--write", options.write)
    .addOption(new Option("--remove", options.remove).conflicts(["write", "shell", "host"]))
    .action((_own, command: Command) => env(command.optsWithGlobals<EnvFlags>(), context));
}

async function env(flags: EnvFlags, { deps, messages }: CommandContext): Promise<void> {
  const { removeSetUp, writePlan } = await import("../set-up/write.ts");
  const json = flags.json === true;
  if (flags.remove === true) return renderChanges(await removeSetUp(deps), deps, messages, json);
  const { planSetUp } = await import("../set-up/plan.ts");
  const { openKnownKeys } = await import("../../lib/node.ts");
  const settings = await settingsOf(flags, deps);
  const known = await openKnownKeys(deps, await openLog({ verbose: flags.verbose, level: "error" }, deps));
  const keys = known.list();
  if (flags.write === true && keys.length === 0)
    throw new KeyError("KEY_UNKNOWN", "write what ssh needs: no card's key is known yet", {
      hint: "put the card on the reader and run: jpki-agent export-key",
      details: { problem: "no-known-key" },
    });
  const { shell = loginShell(deps.env), host: hosts } = flags;
  const plan = await planSetUp({ shell, socket: ownSocket(settings, deps), keys, hosts }, deps);
  if (flags.write === true) return renderChanges(await writePlan(plan, deps), deps, messages, json);
  deps.stdout.write(json ? `${JSON.stringify(plan)}\n` : printed(plan));
  if (keys.length === 0) deps.stderr.write(`${messages.setUp.noKey}\n`);
}

/** The shell's lines as they are, so that it can evaluate all of it; the rest as comments. */
function printed({ shell, ssh, keyFiles, git }: SetUpPlan): string {
  const commands = Object.entries(git?.values ?? {}).map(
    ([name, value]) => `git config --global ${name} '${value.replaceAll("'", "'\\''")}'\n`,
  );
  const files = [ssh, ...keyFiles, ...(git === undefined ? [] : [git.signers])];
  return [
    `# ${shell.path}\n${shell.text}`,
    ...files.map(({ path, text }) => `\n# ${path}:\n${commented(text)}`),
    ...(commands.length > 0 ? [`\n# git:\n${commented(commands.join(""))}`] : []),
  ].join("");
}

function commented(text: string): string {
  return text.replace(/^(?=.)/gm, "#   ");
}
