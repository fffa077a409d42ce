/** `pin`: tries left, a new PIN, and what is remembered of it. */

import { Argument, Command } from "commander";
import type { Config } from "../../lib/config.ts";
import { JpkiError, messageOf } from "../../lib/errors.ts";
import type { PinVault } from "../../lib/pin/vault.ts";
import type { CommandContext } from "../context.ts";
import { forgetPins } from "../find-agent.ts";
import { type OpenedParts, openAgentParts, openVault } from "../parts.ts";
import { addPromptOptions, type PromptFlags } from "../prompt-options.ts";
import { type GlobalFlags, settingsOf } from "../settings.ts";
import { oneOf } from "../usage.ts";

const PIN_NAMES = ["auth", "sign", "text"] as const;

interface PinFlags extends GlobalFlags, PromptFlags {
  readonly force?: boolean | undefined;
}

export function pinCommand(context: CommandContext): Command {
  const { messages } = context;
  const { commands, options } = messages.help;
  const status = new Command("status")
    .description(commands["pin status"])
    .action((_own, command: Command) => pinStatus(command.optsWithGlobals<PinFlags>(), context));
  const change = addPromptOptions(new Command("change"), messages)
    .description(commands["pin change"])
    .addArgument(new Argument("<pin>", messages.help.pinName).argParser(oneOf("pin change", PIN_NAMES)))
    .option("--force", options.force)
    .action((pin: (typeof PIN_NAMES)[number], _own, command: Command) =>
      pinChange(pin, command.optsWithGlobals<PinFlags>(), context),
    );
  const save = addPromptOptions(new Command("save"), messages)
    .description(commands["pin save"])
    .action((_own, command: Command) => pinSave(command.optsWithGlobals<PinFlags>(), context));
  const forget = new Command("forget")
    .description(commands["pin forget"])
    .action((_own, command: Command) => pinForget(command.optsWithGlobals<PinFlags>(), context));
  return new Command("pin")
    .description(commands.pin)
    .helpCommand(false)
    .addCommand(status)
    .addCommand(change)
    .addCommand(save)
    .addCommand(forget);
}

async function pinStatus(flags: PinFlags, context: CommandContext): Promise<void> {
  const { deps, messages } = context;
  const { pinStatus: read } = await import("../../agent/main.ts");
  const { parts } = await open(flags, context);
  const cards = await read(parts, deps.signal);
  if (flags.json === true) return deps.stdout.write(`${JSON.stringify(cards)}\n`);
  for (const { reader, card, pins } of cards) {
    deps.stdout.write(`${messages.pin.card(card, reader)}\n`);
    for (const pin of pins) deps.stdout.write(`  ${messages.pin.state(pin)}\n`);
  }
}

async function pinChange(pin: (typeof PIN_NAMES)[number], flags: PinFlags, context: CommandContext): Promise<void> {
  const { deps, messages } = context;
  const { changeCardPin } = await import("../../agent/main.ts");
  const { parts, settings } = await open(flags, context);
  const known = parts.known.list().map(({ id }) => id);
  // An agent that waits for the card must not send it the old value as soon as it has the new one.
  if (pin === "auth") await forgetPins(settings, context.deps);
  try {
    await changeCardPin(parts, { pin, force: flags.force === true }, deps.signal);
  } catch (error) {
    // The card may have the new value: a copy of the old one must not be sent.
    if (pin === "auth" && error instanceof JpkiError && error.details["pinState"] === "unknown")
      await eraseCopies(settings, known, context);
    throw error;
  }
  if (pin === "auth") await eraseCopies(settings, known, context);
  deps.stdout.write(flags.json === true ? `${JSON.stringify({ changed: pin })}\n` : `${messages.pin.changed(pin)}\n`);
}

async function pinSave(flags: PinFlags, context: CommandContext): Promise<void> {
  const { deps, messages } = context;
  const { saveCardPin } = await import("../../agent/main.ts");
  const { parts } = await open(flags, context);
  const card = await saveCardPin(parts, await openVault(deps, parts.log), deps.signal);
  deps.stdout.write(flags.json === true ? `${JSON.stringify({ saved: card })}\n` : `${messages.pin.saved(card)}\n`);
}

async function pinForget(flags: PinFlags, context: CommandContext): Promise<void> {
  const { deps, messages } = context;
  const settings = await settingsOf(flags, deps);
  const node = await import("../../lib/node.ts");
  const { openLog } = await import("../parts.ts");
  const log = await openLog({ verbose: flags.verbose, level: "error" }, deps);
  const ids = (await node.openKnownKeys(deps, log)).list().map(({ id }) => id);
  const agents = await forgetPins(settings, context.deps);
  if (flags.json !== true) deps.stdout.write(`${messages.pin.forgotten(agents.length)}\n`);
  const erased = await eraseSaved(await openVault(deps, log), ids);
  deps.stdout.write(
    flags.json === true ? `${JSON.stringify({ agents, erased })}\n` : `${messages.pin.erased(erased)}\n`,
  );
}

/** After a change: what is remembered is the old value. That it cannot be erased is said, and no failure of the change. */
async function eraseCopies(settings: Config, ids: readonly string[], context: CommandContext): Promise<void> {
  const { deps, messages } = context;
  const { openLog } = await import("../parts.ts");
  await forgetPins(settings, context.deps);
  try {
    await eraseSaved(await openVault(deps, await openLog({ verbose: 0, level: "error" }, deps)), ids);
  } catch (error) {
    deps.stderr.write(`jpki-agent: ${messages.pin.notErased(messageOf(error))}\n`);
  }
}

/** @returns how many there were; none where keytar is not installed, for nothing can have been saved. */
async function eraseSaved(vault: PinVault, ids: readonly string[]): Promise<number> {
  let erased = 0;
  try {
    for (const id of ids) if (await vault.erase(id)) erased++;
  } catch (error) {
    if (!(error instanceof JpkiError) || error.details["problem"] !== "no-keytar") throw error;
  }
  return erased;
}

async function open(
  flags: PinFlags,
  { deps, messages }: CommandContext,
): Promise<OpenedParts & { readonly settings: Config }> {
  const settings = await settingsOf(flags, deps);
  const opened = await openAgentParts({ settings, verbose: flags.verbose, level: "error" }, deps, messages);
  return { ...opened, settings };
}
