/** `card`: what is on the card beside keys and certificates. Shown or saved, and kept nowhere. */

import { join, resolve } from "node:path";
import { Command, Option } from "commander";
import type { FaceAndNumber } from "../../agent/main.ts";
import { FileError, PolicyError } from "../../lib/errors.ts";
import type { CommandContext } from "../context.ts";
import {
  ensureFolder,
  STANDARD_STREAM as PIPE,
  requireFittingFile,
  requireFittingFolder,
  writeOutputFile,
} from "../files.ts";
import { openAgentParts } from "../parts.ts";
import { addPromptOptions, type PromptFlags } from "../prompt-options.ts";
import { type GlobalFlags, settingsOf } from "../settings.ts";
import { binaryToTerminal, conflictingOption, oneOf } from "../usage.ts";

const TEXT_WITH = ["pin", "b"] as const;
const FACE_WITH = ["a", "b"] as const;
/** By their names on the command line. */
const ITEMS = { name: "name", address: "address", "security-code": "securityCode", number: "number" } as const;
const ITEM_NAMES = ["name", "address", "security-code", "number"] as const satisfies readonly ItemName[];
type ItemName = keyof typeof ITEMS;

interface TextFlags extends GlobalFlags, PromptFlags {
  readonly with?: (typeof TEXT_WITH)[number] | undefined;
  readonly iMay?: boolean | undefined;
}

interface FaceFlags extends GlobalFlags, PromptFlags {
  readonly with?: (typeof FACE_WITH)[number] | undefined;
  readonly item?: ItemName | undefined;
  readonly iMay?: boolean | undefined;
  readonly png?: boolean | undefined;
  readonly output?: string | undefined;
}

/** Whose face, name and number that is, is nobody else's business. */
const PRIVATE_MODE = 0o600;

export function cardCommand(context: CommandContext): Command {
  const { messages } = context;
  const { commands, options } = messages.help;
  const textWith = new Option("--with <what>", options["attributes-with"]).argParser(oneOf("--with", TEXT_WITH));
  const faceWith = new Option("--with <what>", options["face-with"]).argParser(oneOf("--with", FACE_WITH));
  const attributes = addPromptOptions(new Command("attributes"), messages)
    .description(commands["card attributes"])
    .addOption(textWith)
    .action((_own, command: Command) => cardAttributes(command.optsWithGlobals<TextFlags>(), context));
  const number = addPromptOptions(new Command("number"), messages)
    .description(commands["card number"])
    .option("--i-may", options["i-may"])
    .action((_own, command: Command) => cardNumber(command.optsWithGlobals<TextFlags>(), context));
  const face = addPromptOptions(new Command("face"), messages)
    .description(commands["card face"])
    .addOption(faceWith)
    .addOption(new Option("--item <image>", options.item).argParser(oneOf("--item", ITEM_NAMES)))
    .option("--i-may", options["i-may-image"])
    .option("-o, --output <path>", options["face-output"])
    .action((_own, command: Command) => cardFace(command.optsWithGlobals<FaceFlags>(), context));
  const photo = addPromptOptions(new Command("photo"), messages)
    .description(commands["card photo"])
    .addOption(faceWith)
    .option("--png", options.png)
    .option("-o, --output <file>", options["photo-output"])
    .action((_own, command: Command) => cardPhoto(command.optsWithGlobals<FaceFlags>(), context));
  return new Command("card")
    .description(commands.card)
    .helpCommand(false)
    .addCommand(attributes)
    .addCommand(number)
    .addCommand(face)
    .addCommand(photo);
}

async function cardAttributes(flags: TextFlags, context: CommandContext): Promise<void> {
  const { deps, messages } = context;
  const { readCardAttributes } = await import("../../agent/main.ts");
  const pin = flags.with === "b" ? "code-b" : "text";
  const found = await readCardAttributes(await open(flags, context), { pin, command: "card attributes" }, deps.signal);
  if (flags.json === true) return deps.stdout.write(`${JSON.stringify(found)}\n`);
  const { cardLines } = await import("../card-report.ts");
  for (const line of cardLines(messages.cardData, found)) deps.stdout.write(`${line}\n`);
}

async function cardNumber(flags: TextFlags, context: CommandContext): Promise<void> {
  const { deps, messages } = context;
  requireLeave(flags, "card number --i-may");
  deps.stderr.write(`${messages.cardData.numberLaw}\n`);
  const { readCardNumber } = await import("../../agent/main.ts");
  const parts = await open(flags, context);
  const number = await readCardNumber(parts, { pin: "text", command: "card number" }, deps.signal);
  deps.stdout.write(flags.json === true ? `${JSON.stringify({ number })}\n` : `${number}\n`);
}

async function cardFace(flags: FaceFlags, context: CommandContext): Promise<void> {
  const { deps, messages } = context;
  const { item, output } = flags;
  const withNumber = item === "number" || flags.iMay === true;
  if (withNumber) requireLeave(flags, "card face --with a --i-may");
  // 照合番号B does not open the number: told before anybody is asked for it.
  if (withNumber && flags.with === "b") throw conflictingOption("--with");
  const toFolder = item === undefined;
  if (output !== undefined && (toFolder ? output === PIPE : flags.json === true))
    throw conflictingOption("-o, --output");
  if (item !== undefined && flags.json !== true) requireNoTerminal(output, "--item", context);
  if (output !== undefined && output !== PIPE)
    await (toFolder ? requireFittingFolder : requireFittingFile)(resolve(output));
  if (withNumber) deps.stderr.write(`${messages.cardData.numberLaw}\n`);
  const face = await readFace({ ...flags, with: withNumber ? "a" : flags.with }, "card face", withNumber, context);
  if (item !== undefined && flags.json !== true) {
    const image = face[ITEMS[item]];
    if (image === undefined) throw absent(item);
    return put(image, output, context);
  }
  const images = ITEM_NAMES.filter((name) => item === undefined || name === item).flatMap((name) => {
    const bytes = face[ITEMS[name]];
    return bytes === undefined ? [] : [{ name, bytes }];
  });
  const files = output === undefined ? undefined : await putAll(images, output);
  await report(face, images, files, flags, context);
}

interface NamedImage {
  readonly name: ItemName;
  readonly bytes: Uint8Array;
}

/** To stdout what is no image, and where the images are. */
async function report(
  { birthDate, sex, expires }: FaceAndNumber,
  images: readonly NamedImage[],
  files: readonly string[] | undefined,
  flags: FaceFlags,
  { deps, messages }: CommandContext,
): Promise<void> {
  const { base64, cardLines } = await import("../card-report.ts");
  if (flags.json === true) {
    const shown = images.map(({ name, bytes }, i) => [ITEMS[name], files?.[i] ?? base64(bytes)]);
    const where = { [files === undefined ? "images" : "files"]: Object.fromEntries(shown) };
    return deps.stdout.write(`${JSON.stringify({ birthDate, sex, expires, ...where })}\n`);
  }
  const { cardData } = messages;
  for (const line of cardLines(cardData, { birthDate, sex, expires })) deps.stdout.write(`${line}\n`);
  for (const [i, { name, bytes }] of images.entries())
    deps.stdout.write(`${cardData.labels[ITEMS[name]]}: ${files?.[i] ?? cardData.image(bytes.length)}\n`);
}

async function cardPhoto(flags: FaceFlags, context: CommandContext): Promise<void> {
  const { output, json, png } = flags;
  if (json !== true) requireNoTerminal(output, "card photo", context);
  if (json === true && output !== undefined) throw conflictingOption("-o, --output");
  if (output !== undefined && output !== PIPE) await requireFittingFile(resolve(output));
  const { photo } = await readFace(flags, "card photo", false, context);
  if (photo === undefined) throw absent("photo");
  const bytes = png === true ? await (await import("../../lib/photo-png.ts")).photoToPng(photo) : photo;
  if (json !== true) return put(bytes, output, context);
  const { base64 } = await import("../card-report.ts");
  const format = png === true ? "png" : "jpeg2000";
  context.deps.stdout.write(`${JSON.stringify({ format, data: base64(bytes) })}\n`);
}

/** With a line on stderr that tells how far it has come, where a person looks at it. */
async function readFace(
  flags: FaceFlags,
  command: string,
  withNumber: boolean,
  context: CommandContext,
): Promise<FaceAndNumber> {
  const { deps, messages } = context;
  const { readCardFace } = await import("../../agent/main.ts");
  const { startProgress } = await import("../progress.ts");
  const pin = flags.with === "a" ? "code-a" : "code-b";
  const parts = await open(flags, context);
  let progress: ReturnType<typeof startProgress> | undefined;
  let read = 0;
  const onProgress = (bytesRead: number, total: number) => {
    progress ??= startProgress({ output: deps.stderr, label: messages.cardData.reading, total });
    progress.advance(bytesRead - read);
    read = bytesRead;
  };
  try {
    return await readCardFace(parts, { pin, withNumber, command, onProgress }, deps.signal);
  } finally {
    progress?.end();
  }
}

/** Reading one's own number is free; that it is one's own only the person knows. */
function requireLeave({ iMay }: Pick<TextFlags, "iMay">, command: string): void {
  if (iMay === true) return;
  throw new PolicyError("read the individual number: not without --i-may", {
    hint:
      "the law restricts collecting other people's individual numbers; if the card is your own, or the law allows " +
      `you to: jpki-agent ${command}`,
    details: { problem: "number-unasked" },
  });
}

/** Before anybody is asked for anything. */
function requireNoTerminal(output: string | undefined, subject: string, { deps }: CommandContext): void {
  if ((output !== undefined && output !== PIPE) || !deps.stdout.isTerminal) return;
  throw binaryToTerminal(subject);
}

async function put(bytes: Uint8Array, output: string | undefined, { deps }: CommandContext): Promise<void> {
  if (output === undefined || output === PIPE) return deps.stdout.writeBytes(bytes);
  await writeOutputFile(resolve(output), bytes, PRIVATE_MODE);
}

/** One file for each; @returns their paths. */
async function putAll(images: readonly NamedImage[], folder: string): Promise<readonly string[]> {
  await ensureFolder(resolve(folder));
  const paths: string[] = [];
  for (const { name, bytes } of images) {
    const path = join(folder, `${name}.png`);
    await writeOutputFile(resolve(path), bytes, PRIVATE_MODE);
    paths.push(path);
  }
  return paths;
}

function absent(item: string): FileError {
  return new FileError(`read the card: it holds no ${item}`, { details: { problem: "no-image", item } });
}

async function open(flags: TextFlags | FaceFlags, { deps, messages }: CommandContext) {
  const settings = await settingsOf(flags, deps);
  return (await openAgentParts({ settings, verbose: flags.verbose, level: "error" }, deps, messages)).parts;
}
