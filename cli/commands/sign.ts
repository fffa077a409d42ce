/** `sign`: a signature over a file, made by the card: CMS (PKCS #7), detached or around the file, or a raw one. */

import { createHash } from "node:crypto";
import { resolve } from "node:path";
import { Argument, Command, Option } from "commander";
import type { DocumentSignature } from "../../agent/main.ts";
import type { KeyName } from "../../lib/card/files.ts";
import { ConfigError } from "../../lib/errors.ts";
import type { PreparedSignedData } from "../../lib/x509/cms-encode.ts";
import type { CommandContext } from "../context.ts";
import { type Document, openDocument, readAll, requireOtherFile, shown, unchanged } from "../documents.ts";
import { openAgentParts } from "../parts.ts";
import { addPromptOptions, type PromptFlags } from "../prompt-options.ts";
import { type GlobalFlags, settingsOf } from "../settings.ts";
import { conflictingOption, oneOf } from "../usage.ts";

const KEYS = ["auth", "sign"] as const satisfies readonly KeyName[];
const FORMATS = ["raw", "cms"] as const;

interface SignFlags extends GlobalFlags, PromptFlags {
  readonly key: KeyName;
  readonly format: (typeof FORMATS)[number];
  readonly attached?: boolean | undefined;
  readonly output?: string | undefined;
}

/** What is piped in is read once, but its length stands before it in the signature: it is kept in memory. */
const MAX_PIPED_BYTES = 64 << 20;
const SECOND_MS = 1000;
/** With the signature certificate, the holder's name, address, birth date and sex are in it. */
const PRIVATE_MODE = 0o600;
const PUBLIC_MODE = 0o666;

export function signCommand(context: CommandContext): Command {
  const { commands, options, documentToSign } = context.messages.help;
  return addPromptOptions(new Command("sign"), context.messages)
    .description(commands.sign)
    .addArgument(new Argument("<file>", documentToSign))
    .addOption(new Option("--key <key>", options.key).argParser(oneOf("--key", KEYS)).default("sign"))
    .addOption(
      new Option("--format <format>", options["signature-format"]).argParser(oneOf("--format", FORMATS)).default("cms"),
    )
    .option("--attached", options.attached)
    .option("-o, --output <file>", options["signature-output"])
    .action((file: string, _own, command: Command) => sign(file, command.optsWithGlobals<SignFlags>(), context));
}

async function sign(path: string, flags: SignFlags, context: CommandContext): Promise<void> {
  const { deps, messages } = context;
  const { key, format, output } = flags;
  requireFittingOptions(flags, context);
  if (output !== undefined) await requireOtherFile(path, output);
  const document = await rereadable(await openDocument(path, context), flags);
  const { sha256, bytes, head } = await hashed(document, context);
  const { document: texts } = messages;
  if (key === "sign") deps.stderr.write(`${format === "cms" ? texts.disclosure : texts.disclosureRaw}\n`);
  else if (format === "raw") deps.stderr.write(`${texts.rawAuthWarning}\n`);
  const settings = await settingsOf(flags, deps);
  const { signCardDocument } = await import("../../agent/main.ts");
  const { prepareSignedData } = await import("../../lib/x509/cms-encode.ts");
  const { parts } = await openAgentParts({ settings, verbose: flags.verbose, level: "error" }, deps, messages);
  const signingTime = new Date(Math.floor(Date.now() / SECOND_MS) * SECOND_MS); // as CMS writes it
  const contentBytes = flags.attached === true ? bytes : undefined;
  let prepared: PreparedSignedData | undefined;
  const how =
    format === "raw"
      ? ({ format, digest: sha256, head } as const)
      : ({
          format,
          digestFor: (certificates: NonNullable<DocumentSignature["certificates"]>) => {
            prepared = prepareSignedData({ contentDigest: sha256, contentBytes, signingTime, ...certificates });
            return prepared.digest;
          },
        } as const);
  const made = await signCardDocument(parts, { key, command: `sign ${document.name}`, ...how }, deps.signal);
  const { before, after } = prepared?.finish(made.signature) ?? { before: made.signature, after: new Uint8Array() };
  const content = () =>
    shown(
      unchanged(document.read(), sha256, document.name),
      { label: texts.writing(document.name), total: bytes },
      context,
    );
  const whole = async function* () {
    yield before;
    if (contentBytes !== undefined) yield* content();
    yield after;
  };
  const mode = key === "sign" && format === "cms" ? PRIVATE_MODE : PUBLIC_MODE;
  await write(whole(), mode, flags, context);
  if (flags.json === true) {
    const { certificate } = made.certificates ?? {};
    const facts = {
      key,
      format,
      sha256: sha256.toString("hex"),
      signingTime: format === "cms" ? signingTime.toISOString() : undefined,
      certificateSha256: certificate && createHash("sha256").update(certificate).digest("hex"),
    };
    deps.stdout.write(`${JSON.stringify({ ...facts, output })}\n`);
  }
}

/** @throws ConfigError */
function requireFittingOptions({ format, attached, output, json }: SignFlags, { deps }: CommandContext): void {
  if (format === "raw" && attached === true) throw conflictingOption("--attached");
  if (output !== undefined) return;
  if (json === true) throw conflictingOption("--json");
  if (deps.stdout.isTerminal)
    throw new ConfigError("a signature is no text for a terminal", {
      hint: "write it into a file with -o, or into another program with |",
      details: { problem: "binary-to-terminal", subject: `--format ${format}` },
    });
}

/** What goes into the signature is read twice: first to be hashed. @throws TOO_LARGE */
async function rereadable(document: Document, { attached }: SignFlags): Promise<Document> {
  if (attached !== true || document.size !== undefined) return document;
  const bytes = await readAll(document, MAX_PIPED_BYTES);
  return {
    ...document,
    size: bytes.length,
    read: async function* () {
      yield bytes;
    },
  };
}

async function hashed(document: Document, context: CommandContext) {
  const { LOGIN_BYTES } = await import("../../agent/main.ts");
  const hash = createHash("sha256");
  const label = context.messages.document.hashing(document.name);
  let head = new Uint8Array();
  let bytes = 0;
  for await (const chunk of shown(document.read(), { label, total: document.size }, context)) {
    hash.update(chunk);
    bytes += chunk.length;
    if (head.length < LOGIN_BYTES) head = new Uint8Array(Buffer.concat([head, chunk]).subarray(0, LOGIN_BYTES));
  }
  return { sha256: hash.digest(), bytes, head };
}

async function write(
  whole: AsyncIterable<Uint8Array>,
  mode: number,
  { output }: SignFlags,
  { deps }: CommandContext,
): Promise<void> {
  if (output !== undefined) {
    const { writeOutputFile } = await import("../files.ts");
    return writeOutputFile(resolve(output), whole, mode);
  }
  for await (const chunk of whole) {
    deps.stdout.writeBytes(chunk);
    await deps.stdout.drained();
  }
}
