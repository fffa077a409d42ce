/**
 * A desk with the agent's PKCS#11 face, and with what `jpki-agent pkcs11 env` says that programs need: what is printed
 * for people is what the tests use.
 */

import { mkdir, readFile, writeFile } from "node:fs/promises";
import type { VirtualCard, VirtualCardOptions } from "../../lib/virtual-card/card.ts";
import { encodePem } from "../../lib/x509/pem.ts";
import { type AgentProcess, startAgentProcess } from "./agent-process.ts";
import { type Desk, openDesk } from "./desk.ts";
import { OpensslCa } from "./openssl-ca.ts";
import { testPki } from "./pki.ts";
import type { ServerFiles } from "./tls-server.ts";

export interface Pkcs11Desk extends Desk {
  readonly card: VirtualCard;
  readonly agent: AgentProcess;
  /** p11-kit-client.so. */
  readonly module: string;
  /** The lines that add the module to NSS's database, which they make, for a shell. */
  readonly nssLines: string;
  /** For programs: the engine of OpenSSL is configured as printed. */
  readonly env: Readonly<Record<string, string>>;
  /** The authentication certificate, PEM. */
  readonly certificateFile: string;
  /** What lets the card in. */
  serverFiles(server: string): Promise<ServerFiles>;
  /** The same for another certificate of the same CA. */
  strangersServerFiles(server: string): Promise<ServerFiles>;
  /** The commands that the card sees during `job`. */
  seenDuring(job: () => Promise<unknown>): Promise<readonly string[]>;
}

/** Objects of the token, as `jpki-agent pkcs11 env` names them. */
export const KEY_URI = "pkcs11:object=JPKI%20authentication;type=private";
export const CERTIFICATE_URI = "pkcs11:object=JPKI%20authentication;type=cert";

export interface Pkcs11DeskOptions {
  readonly card?: Omit<VirtualCardOptions, "pki"> | undefined;
  readonly agentArgs?: readonly string[] | undefined;
}

/** The person knows the PIN and says yes to every question. */
export async function openPkcs11Desk(options: Pkcs11DeskOptions = {}): Promise<Pkcs11Desk> {
  const desk = await openDesk();
  try {
    await desk.sand.answer("1234", "yes");
    const card = await desk.layCard(options.card);
    const ask = async (...args: readonly string[]) => {
      const { status, stdout, stderr } = await desk.jpkiAgent("--json", ...args);
      if (status !== 0) throw new Error(`jpki-agent ${args.join(" ")}: ${stderr}`);
      return JSON.parse(stdout);
    };
    const agent = await startAgentProcess(desk.sand, ["--pkcs11-socket", ...(options.agentArgs ?? [])]);
    const plan = await ask("pkcs11", "env");
    await mkdir(desk.at("config/jpki-agent"), { recursive: true });
    await writeFile(desk.at("config/jpki-agent/openssl.cnf"), plan.programs.openssl);
    await writeFile(desk.at("card.pem"), (await desk.jpkiAgent("cert", "auth", "--format", "pem")).stdout);
    return {
      ...desk,
      card,
      agent,
      module: plan.module,
      nssLines: plan.programs.nss,
      env: { ...desk.sand.env, OPENSSL_CONF: desk.at("config/jpki-agent/openssl.cnf") },
      certificateFile: desk.at("card.pem"),
      serverFiles: (server) => ask("pkcs11", "server-config", server),
      strangersServerFiles: async (server) => {
        await writeFile(desk.at("stranger.pem"), await strangersCertificates(desk.at("ca")));
        return ask("pkcs11", "server-config", server, "--cert", desk.at("stranger.pem"));
      },
      seenDuring: async (job) => {
        const before = card.log.length;
        await job();
        return card.log.slice(before).map(({ command }) => command);
      },
      close: async () => {
        await agent.stop();
        await desk.close();
      },
    };
  } catch (error) {
    await desk.close();
    throw error;
  }
}

/** Another certificate of the CA of the test's cards, and behind it the CA's; PEM. */
async function strangersCertificates(folder: string): Promise<string> {
  const pki = await testPki();
  await mkdir(folder);
  const ca = await OpensslCa.create(folder, pki);
  return (await readFile(ca.path("stranger.pem"), "utf8")) + encodePem(pki.authCaCertificate, "CERTIFICATE");
}
