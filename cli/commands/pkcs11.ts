/** `pkcs11`: what programs need to use the card by PKCS#11, and what lets it in at a server. */

import { resolve } from "node:path";
import { Argument, Command, Option } from "commander";
import { assertNever, ConfigError } from "../../lib/errors.ts";
import { defaultPkcs11Socket } from "../../lib/paths.ts";
import type { CommandContext } from "../context.ts";
import { openAgentParts, openLog } from "../parts.ts";
import { addPromptOptions, type PromptFlags } from "../prompt-options.ts";
import { PKCS11_PROGRAMS, type Pkcs11Plan } from "../set-up/pkcs11-plan.ts";
import type { FileLines } from "../set-up/plan.ts";
import { renderChanges } from "../set-up/render.ts";
import { type CardCertificates, SERVERS, type Server } from "../set-up/server-config.ts";
import { LOGIN_SHELLS, type LoginShell, loginShell } from "../set-up/shell-lines.ts";
import { type GlobalFlags, settingsOf } from "../settings.ts";
import { oneOf } from "../usage.ts";

interface EnvFlags extends GlobalFlags {
  readonly pkcs11Socket?: string | undefined;
  readonly shell?: LoginShell | undefined;
  readonly write?: boolean | undefined;
  readonly remove?: boolean | undefined;
}

interface ServerFlags extends GlobalFlags, PromptFlags {
  readonly cert?: string | undefined;
}

export function pkcs11Command(context: CommandContext): Command {
  const { commands, options, server } = context.messages.help;
  const env = new Command("env")
    .description(commands["pkcs11 env"])
    .option("--pkcs11-socket <path>", options["pkcs11-socket-env"])
    .addOption(new Option("--shell <shell>", options.shell).argParser(oneOf("--shell", LOGIN_SHELLS)))
    .option("--write", options["write-module"])
    .addOption(new Option("--remove", options["remove-module"]).conflicts(["write", "shell", "pkcs11Socket"]))
    .action((_own, command: Command) => printEnv(command.optsWithGlobals<EnvFlags>(), context));
  const serverConfig = addPromptOptions(new Command("server-config"), context.messages)
    .description(commands["pkcs11 server-config"])
    .addArgument(new Argument("<server>", server).argParser(oneOf("pkcs11 server-config", SERVERS)))
    .option("--cert <file>", options["server-cert"])
    .action((name: Server, _own, command: Command) =>
      printServerConfig(name, command.optsWithGlobals<ServerFlags>(), context),
    );
  return new Command("pkcs11").description(commands.pkcs11).helpCommand(false).addCommand(env).addCommand(serverConfig);
}

async function printEnv(flags: EnvFlags, { deps, messages }: CommandContext): Promise<void> {
  const { removeModuleFile, writeModuleFile } = await import("../set-up/pkcs11-file.ts");
  const json = flags.json === true;
  if (flags.remove === true) return renderChanges(await removeModuleFile(deps), deps, messages, json);
  const { planPkcs11 } = await import("../set-up/pkcs11-plan.ts");
  const { findClientModule, usualClientModule } = await import("../set-up/p11-kit.ts");
  const { openKnownKeys } = await import("../../lib/node.ts");
  const known = await openKnownKeys(deps, await openLog({ verbose: flags.verbose, level: "error" }, deps));
  const { shell = loginShell(deps.env) } = flags;
  const { pkcs11Socket, pkcs11Pss = "auto" } = (await settingsOf(flags, deps)).agent;
  const socket = typeof pkcs11Socket === "string" ? resolve(pkcs11Socket) : defaultPkcs11Socket(deps);
  const isUsualSocket = Boolean(deps.env["XDG_RUNTIME_DIR"]) && socket === defaultPkcs11Socket(deps);
  const module = findClientModule();
  const withoutPss = pkcs11Pss === "auto" ? known.list().some(({ pss }) => pss === false) : pkcs11Pss === "off";
  const options = { shell, socket, isUsualSocket, module: module ?? usualClientModule(deps), withoutPss };
  const plan = planPkcs11(options, deps);
  if (flags.write === true) return renderChanges([await writeModuleFile(plan.moduleFile, deps)], deps, messages, json);
  deps.stdout.write(json ? `${JSON.stringify(plan)}\n` : printed(plan, messages.pkcs11.programs));
  if (module === undefined) deps.stderr.write(`${messages.pkcs11.noModule}\n`);
}

/** The shell's line as it is, so that it can evaluate all of it; the rest as comments. */
function printed(plan: Pkcs11Plan, titles: CommandContext["messages"]["pkcs11"]["programs"]): string {
  const { shell, module, moduleFile, programs } = plan;
  const parts = [
    `${titles.module}\n${module}\n`,
    `${titles.p11Kit}\n${moduleFile.path}:\n${indented(moduleFile.text)}`,
    ...PKCS11_PROGRAMS.map((name) => `${titles[name]}\n${indented(programs[name])}`),
  ];
  return [shell ?? "", ...parts.map(commented)].filter((text) => text !== "").join("\n");
}

function indented(text: string): string {
  return text.replace(/^(?=.)/gm, "  ");
}

function commented(text: string): string {
  return text.replace(/^(?=.)/gm, "# ");
}

async function printServerConfig(server: Server, flags: ServerFlags, context: CommandContext): Promise<void> {
  const { deps } = context;
  const files = await filesFor(server, await cardCertificates(flags, context), context);
  if (flags.json === true) return deps.stdout.write(`${JSON.stringify(files)}\n`);
  deps.stdout.write(files.map(({ path, text }) => `# ${path}:\n${text}`).join("\n"));
}

async function filesFor(
  server: Server,
  certificates: CardCertificates,
  { messages }: CommandContext,
): Promise<readonly FileLines[]> {
  const { apacheFiles, nginxFiles, sshdFiles } = await import("../set-up/server-config.ts");
  const texts = messages.pkcs11.servers;
  switch (server) {
    case "nginx":
      return nginxFiles(certificates, texts);
    case "apache":
      return apacheFiles(certificates, texts);
    case "sshd": {
      const { cardKeyOf } = await import("../../lib/card-key.ts");
      const { formatPublicKey } = await import("../../lib/key-format.ts");
      const { publicKey, comment } = cardKeyOf(certificates.certificate, "card");
      return sshdFiles(await formatPublicKey(publicKey, { format: "openssh", comment }), texts);
    }
    default:
      return assertNever(server);
  }
}

/** From the card, or from a file that holds the certificate and behind it its CA's. */
async function cardCertificates(flags: ServerFlags, { deps, messages }: CommandContext): Promise<CardCertificates> {
  if (flags.cert !== undefined) return readCertificateAndCa(resolve(flags.cert));
  const settings = await settingsOf(flags, deps);
  const { readCardCertificates } = await import("../../agent/main.ts");
  const { parts } = await openAgentParts({ settings, verbose: flags.verbose, level: "error" }, deps, messages);
  const options = { names: ["auth", "auth-ca"] as const, command: "pkcs11 server-config" };
  const [certificate, ca] = await readCardCertificates(parts, options, deps.signal);
  if (certificate === undefined || ca === undefined) throw new TypeError("two certificates were asked for");
  return { certificate, ca };
}

async function readCertificateAndCa(path: string): Promise<CardCertificates> {
  const { isIssuedBy } = await import("../../lib/x509/chain.ts");
  const { readCertificates } = await import("../certificate-files.ts");
  const [certificate, ...others] = await readCertificates(path);
  const ca = others.find((other) => certificate !== undefined && isIssuedBy(certificate, other));
  if (certificate === undefined || ca === undefined)
    throw new ConfigError(`${path} does not hold the certificate and behind it the one of its CA`, {
      hint: "jpki-agent cert auth --format pem, then jpki-agent cert auth-ca --format pem, into one file",
      details: { problem: "no-ca-certificate", file: path },
    });
  return { certificate: certificate.der, ca: ca.der };
}
