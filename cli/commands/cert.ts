/** `cert`: one certificate of the card, for people, for programs, or into a file. */

import { resolve } from "node:path";
import { Argument, Command, Option } from "commander";
import { utf8 } from "../../lib/bytes.ts";
import type { CertificateName } from "../../lib/card/files.ts";
import type { CommandContext } from "../context.ts";
import { requireFittingFile, STANDARD_STREAM, writeOutputFile } from "../files.ts";
import { openAgentParts } from "../parts.ts";
import { addPromptOptions, type PromptFlags } from "../prompt-options.ts";
import { type GlobalFlags, settingsOf } from "../settings.ts";
import { binaryToTerminal, oneOf } from "../usage.ts";

const NAMES = ["auth", "sign", "auth-ca", "sign-ca"] as const satisfies readonly CertificateName[];
const FORMATS = ["text", "pem", "der", "json"] as const;
type Format = (typeof FORMATS)[number];

interface CertFlags extends GlobalFlags, PromptFlags {
  readonly format?: Format | undefined;
  readonly output?: string | undefined;
}

/** The holder's name, address, birth date and sex are nobody else's business. */
const PRIVATE_MODE = 0o600;
const PUBLIC_MODE = 0o666;

export function certCommand(context: CommandContext): Command {
  const { help } = context.messages;
  return addPromptOptions(new Command("cert"), context.messages)
    .description(help.commands.cert)
    .addArgument(new Argument("<certificate>", help.certificateName).argParser(oneOf("cert", NAMES)))
    .addOption(new Option("--format <format>", help.options["cert-format"]).argParser(oneOf("--format", FORMATS)))
    .option("-o, --output <file>", help.options.output)
    .action((name: CertificateName, _own, command: Command) =>
      cert(name, command.optsWithGlobals<CertFlags>(), context),
    );
}

async function cert(name: CertificateName, flags: CertFlags, context: CommandContext): Promise<void> {
  const { deps, messages } = context;
  const { format = flags.json === true ? "json" : "text" } = flags;
  const output = flags.output === undefined || flags.output === STANDARD_STREAM ? undefined : resolve(flags.output);
  if (format === "der" && output === undefined && deps.stdout.isTerminal) throw binaryToTerminal("--format der");
  if (output !== undefined) await requireFittingFile(output);
  const settings = await settingsOf(flags, deps);
  if (name === "sign") deps.stderr.write(`${messages.certificate.disclosure}\n`);
  const { readCardCertificates } = await import("../../agent/main.ts");
  const { parts } = await openAgentParts({ settings, verbose: flags.verbose, level: "error" }, deps, messages);
  const [der] = await readCardCertificates(parts, { names: [name], command: `cert ${name}` }, deps.signal);
  if (der === undefined) throw new TypeError("one certificate was asked for");
  const bytes = await encode(der, format, context);
  if (output === undefined) return deps.stdout.writeBytes(bytes);
  await writeOutputFile(output, bytes, name === "sign" ? PRIVATE_MODE : PUBLIC_MODE);
}

async function encode(der: Uint8Array, format: Format, { messages }: CommandContext): Promise<Uint8Array> {
  if (format === "der") return der;
  const { encodePem } = await import("../../lib/x509/pem.ts");
  if (format === "pem") return utf8(encodePem(der, "CERTIFICATE"));
  const { decodeCertificate } = await import("../../lib/x509/certificate-fields.ts");
  const { certificateData, certificateLines } = await import("../certificate-report.ts");
  const certificate = decodeCertificate(der);
  const shown = { now: new Date(), withHolder: true };
  if (format === "json") return utf8(`${JSON.stringify(certificateData(certificate, shown))}\n`);
  return utf8(`${certificateLines(certificate, messages.certificate, shown).join("\n")}\n`);
}
