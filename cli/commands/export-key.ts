/** `export-key`: the authentication public key of each card on a reader, in the form another program wants. */

import { Command, Option } from "commander";
import type { CardKey } from "../../lib/card-key.ts";
import { ConfigError } from "../../lib/errors.ts";
import { formatPublicKey, KEY_FORMATS, type KeyFormat } from "../../lib/key-format.ts";
import { encodeRsaBlob, keyFingerprint } from "../../lib/ssh/public-key.ts";
import type { CommandContext } from "../context.ts";
import { openAgentParts } from "../parts.ts";
import { addPromptOptions, type PromptFlags } from "../prompt-options.ts";
import { type GlobalFlags, settingsOf } from "../settings.ts";
import { oneOf } from "../usage.ts";

interface ExportKeyFlags extends GlobalFlags, PromptFlags {
  readonly format?: KeyFormat | undefined;
  readonly comment?: string | undefined;
  readonly options?: string | undefined;
}

/** The forms that have a place for it. */
const WITH_COMMENT: readonly KeyFormat[] = ["openssh", "rfc4716"];
const WITH_OPTIONS: readonly KeyFormat[] = ["openssh"];

export function exportKeyCommand(context: CommandContext): Command {
  const { options, commands } = context.messages.help;
  return addPromptOptions(new Command("export-key"), context.messages)
    .description(commands["export-key"])
    .addOption(new Option("--format <format>", options.format).argParser(oneOf("--format", KEY_FORMATS)))
    .option("--comment <text>", options.comment)
    .option("--options <text>", options.options)
    .action((_own, command: Command) => exportKey(command.optsWithGlobals<ExportKeyFlags>(), context));
}

async function exportKey(flags: ExportKeyFlags, { deps, messages }: CommandContext): Promise<void> {
  const { format = "openssh", comment, options } = flags;
  if (comment !== undefined) requireFormat("--comment", format, WITH_COMMENT);
  if (options !== undefined) requireFormat("--options", format, WITH_OPTIONS);
  const settings = await settingsOf(flags, deps);
  const { exportCardKeys } = await import("../../agent/main.ts");
  const { parts } = await openAgentParts({ settings, verbose: flags.verbose, level: "error" }, deps, messages);
  const keys = await exportCardKeys(parts, deps.signal);
  const texts = await Promise.all(
    keys.map((key) => formatPublicKey(key.publicKey, { format, comment: comment ?? key.comment, options })),
  );
  if (flags.json !== true) return deps.stdout.write(texts.join(""));
  deps.stdout.write(`${JSON.stringify(keys.map((key, i) => describe(key, format, texts[i])))}\n`);
}

function describe(key: CardKey, format: KeyFormat, text: string | undefined): object {
  const fingerprint = keyFingerprint(encodeRsaBlob(key.publicKey));
  return { kind: key.kind, comment: key.comment, fingerprint, format, key: text };
}

function requireFormat(option: string, format: KeyFormat, formats: readonly KeyFormat[]): void {
  if (formats.includes(format)) return;
  const expected = `--format ${formats.join(", ")}`;
  throw new ConfigError(`${option} has no place in --format ${format}; it goes with ${expected}`, {
    details: { problem: "option-without-place", subject: option, value: `--format ${format}`, expected },
  });
}
