/** `sign`: a signature over a file, made by the card: CMS (PKCS #7), detached or around the file, or a raw one. */

import { createHash } from "node:crypto";
import { resolve } from "node:path";
import { Argument, Command, Option } from "commander";
import type { SignerCertificates } from "../../agent/main.ts";
import type { KeyName } from "../../lib/card/files.ts";
import type { PreparedSignedData } from "../../lib/x509/cms-encode.ts";
import type { CommandContext } from "../context.ts";
import { type Document, openDocument, pipeOut, readAll, requireFittingOutput, shown, unchanged } from "../documents.ts";
import { STANDARD_STREAM, writeOutputFile } from "../files.ts";
import { openAgentParts } from "../parts.ts";
import { addPromptOptions, type PromptFlags } from "../prompt-options.ts";
import { type GlobalFlags, settingsOf } from "../settings.ts";
import { binaryToTerminal, conflictingOption, oneOf } from "../usage.ts";

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

async function sign(path: string, given: SignFlags, context: CommandContext): Promise<void> {
  const flags = { ...given, output: given.output === STANDARD_STREAM ? undefined : given.output };
  requireFittingOptions(flags, context);
  if (flags.output !== undefined) await requireFittingOutput(path, flags.output);
  const document = await rereadable(await openDocument(path, context), flags);
  const hashed = await hash(document, context);
  const signed = await signOnCard(document, hashed, flags, context);
  const whole = async function* () {
    yield signed.before;
    if (flags.attached === true) {
      const label = context.messages.document.writing(document.name);
      yield* shown(unchanged(document.read(), hashed.sha256, document.name), { label, total: hashed.bytes }, context);
    }
    yield signed.after;
  };
  if (flags.output === undefined) return pipeOut(whole(), context);
  const mode = flags.key === "sign" && flags.format === "cms" ? PRIVATE_MODE : PUBLIC_MODE;
  await writeOutputFile(resolve(flags.output), whole(), mode);
  if (flags.json === true) context.deps.stdout.write(`${JSON.stringify(factsOf(hashed, signed, flags))}\n`);
}

interface Signed {
  /** What stands around the content, or all of it. */
  readonly before: Uint8Array;
  readonly after: Uint8Array;
  /** Undefined for a raw one, as is the certificate (DER). */
  readonly signingTime: Date | undefined;
  readonly certificate: Uint8Array | undefined;
}

/** Says what the signature discloses, then lets the card make it. */
async function signOnCard(
  document: Document,
  { sha256, bytes, head }: Hashed,
  flags: SignFlags,
  { deps, messages }: CommandContext,
): Promise<Signed> {
  const { key, format } = flags;
  const { disclosure, disclosureRaw, rawAuthWarning } = messages.document;
  if (key === "sign") deps.stderr.write(`${format === "cms" ? disclosure : disclosureRaw}\n`);
  else if (format === "raw") deps.stderr.write(`${rawAuthWarning}\n`);
  const settings = await settingsOf(flags, deps);
  const { signCardDocument } = await import("../../agent/main.ts");
  const { prepareSignedData } = await import("../../lib/x509/cms-encode.ts");
  const { parts } = await openAgentParts({ settings, verbose: flags.verbose, level: "error" }, deps, messages);
  const request = { key, command: `sign ${document.name}` };
  if (format === "raw") {
    const { signature } = await signCardDocument(parts, { ...request, format, digest: sha256, head }, deps.signal);
    return { before: signature, after: new Uint8Array(), signingTime: undefined, certificate: undefined };
  }
  const signingTime = new Date(Math.floor(Date.now() / SECOND_MS) * SECOND_MS); // as CMS writes it
  const contentBytes = flags.attached === true ? bytes : undefined;
  let prepared: PreparedSignedData | undefined;
  const digestFor = (certificates: SignerCertificates) => {
    prepared = prepareSignedData({ contentDigest: sha256, contentBytes, signingTime, ...certificates });
    return prepared.digest;
  };
  const { signature, certificates } = await signCardDocument(parts, { ...request, format, digestFor }, deps.signal);
  if (prepared === undefined) throw new TypeError("the card has signed what nobody prepared");
  return { ...prepared.finish(signature), signingTime, certificate: certificates?.certificate };
}

function factsOf({ sha256 }: Hashed, { signingTime, certificate }: Signed, { key, format, output }: SignFlags): object {
  const certificateSha256 = certificate && createHash("sha256").update(certificate).digest("hex");
  return { key, format, sha256: sha256.toString("hex"), signingTime, certificateSha256, output };
}

/** @throws ConfigError */
function requireFittingOptions({ format, attached, output, json }: SignFlags, { deps }: CommandContext): void {
  if (format === "raw" && attached === true) throw conflictingOption("--attached");
  if (output !== undefined) return;
  if (json === true) throw conflictingOption("--json");
  if (deps.stdout.isTerminal) throw binaryToTerminal(`sign --format ${format}`);
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

interface Hashed {
  readonly sha256: Buffer;
  readonly bytes: number;
  /** The file's beginning. */
  readonly head: Uint8Array;
}

async function hash(document: Document, context: CommandContext): Promise<Hashed> {
  const { LOGIN_BYTES } = await import("../../agent/main.ts");
  const sha256 = createHash("sha256");
  const label = context.messages.document.hashing(document.name);
  let head = new Uint8Array();
  let bytes = 0;
  for await (const chunk of shown(document.read(), { label, total: document.size }, context)) {
    sha256.update(chunk);
    bytes += chunk.length;
    if (head.length < LOGIN_BYTES) head = new Uint8Array(Buffer.concat([head, chunk]).subarray(0, LOGIN_BYTES));
  }
  return { sha256: sha256.digest(), bytes, head };
}
