/** `verify`: whether a signature over a file is valid; each check on its own line. */

import { createHash, type Hash } from "node:crypto";
import { resolve } from "node:path";
import { Argument, Command, Option } from "commander";
import { assertNever, ConfigError } from "../../lib/errors.ts";
import { printable } from "../../lib/printable.ts";
import type { Certificate } from "../../lib/x509/certificate-fields.ts";
import type { CaCandidate } from "../../lib/x509/chain.ts";
import type { DocumentVerification } from "../../lib/x509/document-signature.ts";
import type { CertificatePurpose } from "../../lib/x509/trust.ts";
import { readCertificateFile, readTrustedCas } from "../certificate-files.ts";
import { checkCertificate, type Verdict, verdictOf } from "../certificate-verdict.ts";
import type { CommandContext } from "../context.ts";
import {
  type Document,
  openDocument,
  pipeOut,
  requireFittingOutput,
  shown,
  unchanged,
  withSource,
} from "../documents.ts";
import { EXIT_NOT_VALID } from "../exit-status.ts";
import { STANDARD_STREAM, writeOutputFile } from "../files.ts";
import { localTime } from "../local-time.ts";
import { openRevocationSources, type RevocationFlags } from "../revocation-sources.ts";
import type { GlobalFlags } from "../settings.ts";
import { MAX_MEMORY_BYTES, openSignatureFile, type SignatureFile } from "../signature-file.ts";
import { binaryToTerminal, conflictingOption, oneOf } from "../usage.ts";

const KEYS = ["auth", "sign"] as const satisfies readonly CertificatePurpose[];
const CONTENT_MODE = 0o666;
const MAX_NAME = 500;

interface VerifyFlags extends GlobalFlags, RevocationFlags {
  readonly key: CertificatePurpose;
  readonly cert?: string | undefined;
  readonly ca?: string | undefined;
  readonly output?: string | undefined;
}

export function verifyCommand(context: CommandContext): Command {
  const { commands, options, signedDocument, signature } = context.messages.help;
  return new Command("verify")
    .description(commands.verify)
    .addArgument(new Argument("<file>", signedDocument))
    .addArgument(new Argument("[signature]", signature))
    .addOption(new Option("--key <key>", options["verify-key"]).argParser(oneOf("--key", KEYS)).default("sign"))
    .option("--cert <file>", options["signer-cert"])
    .option("--ca <file>", options.ca)
    .option("--crl <file|url>", options.crl)
    .option("--ocsp <url>", options.ocsp)
    .option("--stapled <file>", options.stapled)
    .option("-o, --output <file>", options["content-output"])
    .action((file: string, signature: string | undefined, _own, command: Command) =>
      verify(file, signature, command.optsWithGlobals<VerifyFlags>(), context),
    );
}

async function verify(
  path: string,
  signaturePath: string | undefined,
  flags: VerifyFlags,
  context: CommandContext,
): Promise<void> {
  const place = signaturePath ?? path;
  if (path === signaturePath) throw usage("same-file", "the file and its signature are not to be the same", path);
  if (signaturePath !== undefined && flags.output !== undefined) throw conflictingOption("-o, --output");
  if (flags.output === STANDARD_STREAM && flags.json === true) throw conflictingOption("-o, --output");
  if (flags.output === STANDARD_STREAM && context.deps.stdout.isTerminal) throw binaryToTerminal("verify -o -");
  if (flags.output !== undefined && flags.output !== STANDARD_STREAM) await requireFittingOutput(place, flags.output);
  const document = signaturePath === undefined ? undefined : await openDocument(path, context);
  const certificate = flags.cert === undefined ? undefined : await readCertificateFile("--cert", flags.cert);
  const sources = await openRevocationSources(flags, context);
  const named = await readTrustedCas(flags.ca);
  await withSource(place, await openDocument(place, context), MAX_MEMORY_BYTES, async (source) => {
    const opened = await openSignatureFile(source);
    const now = new Date();
    const sha256 = createHash("sha256");
    const content = () => contentOf(opened, { document, place, bytes: source.size }, context);
    const read = flags.output === undefined ? content : () => tapped(content(), sha256);
    const verification = await verifyOpened(opened, read, certificate, now);
    const { signer } = verification;
    const candidates = [...named, ...enclosedCas(opened)];
    const owner = signer && (await checkCertificate(signer, { purpose: flags.key, candidates, sources, now }));
    const checks = [...verification.checks, ...(owner ?? [])];
    const verdict = await verdictOf(checks);
    if (verdict === "not-valid") context.setStatus(EXIT_NOT_VALID);
    else if (flags.output !== undefined)
      await putContent(unchanged(content(), sha256.digest(), place), flags.output, context);
    await report({ ...verification, checks }, verdict, flags, context);
  });
}

async function putContent(content: AsyncIterable<Uint8Array>, output: string, context: CommandContext): Promise<void> {
  if (output === STANDARD_STREAM) return pipeOut(content, context);
  await writeOutputFile(resolve(output), content, CONTENT_MODE);
}

interface Places {
  /** The signed file, if it is named. */
  readonly document: Document | undefined;
  /** Of the signature. */
  readonly place: string;
  /** Of the signature, which may hold the content. */
  readonly bytes: number;
}

/** What was signed, from where it is. @throws ConfigError if it is named and not wanted, or the other way round. */
function contentOf(opened: SignatureFile, { document, place, bytes }: Places, context: CommandContext) {
  const { hashing } = context.messages.document;
  if (opened.kind === "cms" && opened.content !== undefined) {
    if (document !== undefined)
      throw usage("content-inside", `the signature ${place} holds its content: name no other file`, place);
    return shown(opened.content(), { label: hashing(printable(place)), total: bytes }, context);
  }
  if (document === undefined)
    throw usage(
      "content-elsewhere",
      `the signature ${place} does not hold what was signed: name that file first`,
      place,
    );
  return shown(document.read(), { label: hashing(document.name), total: document.size }, context);
}

async function verifyOpened(
  opened: SignatureFile,
  content: () => AsyncIterable<Uint8Array>,
  certificate: Certificate | undefined,
  now: Date,
): Promise<DocumentVerification> {
  const { verifyRawSignature, verifySignedData } = await import("../../lib/x509/document-signature.ts");
  const { checkOf, finding } = await import("../../lib/x509/checks.ts");
  switch (opened.kind) {
    case "malformed": {
      const { error } = opened;
      return { checks: [checkOf("form", finding("malformed", { error }))], signer: undefined, signingTime: undefined };
    }
    case "raw":
      if (certificate === undefined)
        throw usage("raw-needs-cert", "a raw signature holds no certificate: name the signer's with --cert", "--cert");
      return verifyRawSignature(opened.signature, content(), certificate);
    case "cms":
      return verifySignedData(opened.signed, { content: content(), certificate, now });
    default:
      return assertNever(opened);
  }
}

/** The CAs that the signature brings with it count only if they are pinned. */
function enclosedCas(opened: SignatureFile): readonly CaCandidate[] {
  if (opened.kind !== "cms") return [];
  const cas = opened.signed.certificates.filter(({ isCa }) => isCa);
  return cas.map((certificate) => ({ certificate, trusted: false }));
}

async function* tapped(chunks: AsyncIterable<Uint8Array>, hash: Hash): AsyncIterable<Uint8Array> {
  for await (const chunk of chunks) {
    hash.update(chunk);
    yield chunk;
  }
}

async function report(
  { checks, signer, signingTime }: DocumentVerification,
  verdict: Verdict,
  { json, output }: VerifyFlags,
  { deps, messages }: CommandContext,
): Promise<void> {
  const { certificateData } = await import("../certificate-report.ts");
  const { holderOf } = await import("../../lib/x509/holder.ts");
  const { nameText } = await import("../../lib/x509/names.ts");
  const name = signer && holderOf(signer)?.name;
  if (json === true) {
    const certificate = signer && certificateData(signer, { now: new Date(), withHolder: false });
    const valid = verdict !== "not-valid";
    return deps.stdout.write(`${JSON.stringify({ valid, checks, signingTime, signerName: name, certificate })}\n`);
  }
  const { document: texts, certificate } = messages;
  const { write } = output === STANDARD_STREAM ? deps.stderr : deps.stdout;
  const line = (label: string, text: string) => write(`${label}: ${printable(text, MAX_NAME)}\n`);
  for (const check of checks) write(`${certificate.check(check)}\n`);
  if (signer !== undefined) line(texts.signer, nameText(signer.subject));
  if (name !== undefined) line(texts.signerName, name);
  if (signingTime !== undefined) line(texts.signingTime, localTime(signingTime));
  write(`${texts.verdicts[verdict]}\n`);
}

function usage(problem: string, message: string, value: string): ConfigError {
  return new ConfigError(`verify: ${message}`, { details: { problem, value } });
}
