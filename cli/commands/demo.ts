/** `demo`: a whole login with a virtual card, each step told; nothing of the person's own is read or left behind. */

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Command } from "commander";
import type { CommandContext } from "../context.ts";
import { EXIT_FAILED } from "../exit-status.ts";
import { openLog } from "../parts.ts";
import type { GlobalFlags } from "../settings.ts";

export function demoCommand(context: CommandContext): Command {
  return new Command("demo")
    .description(context.messages.help.commands.demo)
    .action((_own, command: Command) => demo(command.optsWithGlobals<GlobalFlags>(), context));
}

async function demo({ verbose, json }: GlobalFlags, { deps, messages, setStatus }: CommandContext): Promise<void> {
  const texts = messages.demo;
  const { runDemo } = await import("../demo.ts");
  const log = await openLog({ verbose, level: "error" }, deps);
  const folder = await mkdtemp(join(tmpdir(), "jpki-demo-"));
  try {
    const output = json === true ? deps.stderr : deps.stdout;
    const reason = await runDemo({ folder, deps, output, texts, log });
    if (json === true) deps.stdout.write(`${JSON.stringify({ loggedIn: reason === undefined, reason })}\n`);
    if (reason === undefined) return;
    deps.stderr.write(`jpki-agent: ${texts.failed(reason)}\n`);
    setStatus(EXIT_FAILED);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
