/** `verify-cert`: whether a certificate of the card, or one in a file, is valid; each check on its own line. */

import { Argument, Command } from "commander";
import type { CaCandidate } from "../../lib/x509/chain.ts";
import type { CertificatePurpose } from "../../lib/x509/trust.ts";
import { readCertificateFile, readTrustedCas } from "../certificate-files.ts";
import { checkCertificate, verdictOf } from "../certificate-verdict.ts";
import type { CommandContext } from "../context.ts";
import { EXIT_NOT_VALID } from "../exit-status.ts";
import { openAgentParts } from "../parts.ts";
import { addPromptOptions, type PromptFlags } from "../prompt-options.ts";
import { openRevocationSources, type RevocationFlags } from "../revocation-sources.ts";
import { type GlobalFlags, settingsOf } from "../settings.ts";
import { oneOf } from "../usage.ts";

const PURPOSES = ["auth", "sign"] as const satisfies readonly CertificatePurpose[];

interface VerifyFlags extends GlobalFlags, PromptFlags, RevocationFlags {
  readonly cert?: string | undefined;
  readonly ca?: string | undefined;
}

export function verifyCertCommand(context: CommandContext): Command {
  const { commands, options, certificatePurpose } = context.messages.help;
  return addPromptOptions(new Command("verify-cert"), context.messages)
    .description(commands["verify-cert"])
    .addArgument(new Argument("<certificate>", certificatePurpose).argParser(oneOf("verify-cert", PURPOSES)))
    .option("--cert <file>", options.cert)
    .option("--ca <file>", options.ca)
    .option("--crl <file|url>", options.crl)
    .option("--ocsp <url>", options.ocsp)
    .option("--stapled <file>", options.stapled)
    .action((purpose: CertificatePurpose, _own, command: Command) =>
      verifyCert(purpose, command.optsWithGlobals<VerifyFlags>(), context),
    );
}

async function verifyCert(purpose: CertificatePurpose, flags: VerifyFlags, context: CommandContext): Promise<void> {
  const { deps, messages, setStatus } = context;
  const { certificateData } = await import("../certificate-report.ts");
  const sources = await openRevocationSources(flags, context);
  const named = await readTrustedCas(flags.ca);
  const { certificate, fromCard } = await readSubject(purpose, flags, context);
  const now = new Date();
  const checks = await checkCertificate(certificate, { purpose, candidates: [...named, ...fromCard], sources, now });
  const verdict = await verdictOf(checks);
  if (verdict === "not-valid") setStatus(EXIT_NOT_VALID);
  if (flags.json === true) {
    const data = certificateData(certificate, { now, withHolder: false });
    return deps.stdout.write(`${JSON.stringify({ valid: verdict !== "not-valid", checks, certificate: data })}\n`);
  }
  const { certificate: texts } = messages;
  for (const check of checks) deps.stdout.write(`${texts.check(check)}\n`);
  deps.stdout.write(`${texts.verdicts[verdict]}\n`);
}

/** From a file, else from the card with its CA, which must be pinned to count. */
async function readSubject(purpose: CertificatePurpose, flags: VerifyFlags, { deps, messages }: CommandContext) {
  if (flags.cert !== undefined) return { certificate: await readCertificateFile("--cert", flags.cert), fromCard: [] };
  const { decodeCertificate } = await import("../../lib/x509/certificate-fields.ts");
  const settings = await settingsOf(flags, deps);
  if (purpose === "sign") deps.stderr.write(`${messages.certificate.disclosureToVerify}\n`);
  const { readCardCertificates } = await import("../../agent/main.ts");
  const { parts } = await openAgentParts({ settings, verbose: flags.verbose, level: "error" }, deps, messages);
  const options = { names: [purpose, `${purpose}-ca`] as const, command: `verify-cert ${purpose}` };
  const [der, ca] = await readCardCertificates(parts, options, deps.signal);
  if (der === undefined || ca === undefined) throw new TypeError("two certificates were asked for");
  const fromCard: readonly CaCandidate[] = [{ certificate: decodeCertificate(ca), trusted: false }];
  return { certificate: decodeCertificate(der), fromCard };
}
