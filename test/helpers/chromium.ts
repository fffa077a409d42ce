/**
 * Chromium on a screen that nobody sees (Xvfb), driven by playwright-core, with NSS's database in a home folder of its
 * own. Not `--headless`: Chromium asks for a token's PIN in a window of its own, which cannot be answered there.
 */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { chromium, type Page } from "playwright-core";
import { runOk } from "./run.ts";
import type { TlsServer } from "./tls-server.ts";

const CHROMIUM = "/usr/bin/chromium";
/** Chooses the one certificate that fits, without asking. */
const POLICY_FOLDER = "/etc/chromium/policies/managed";
const POLICY = { AutoSelectCertificateForUrls: [JSON.stringify({ pattern: "*", filter: {} })] };
/** Without a sandbox, for root; and with keys that count as soon as a window is there. */
const ARGUMENTS = ["--no-sandbox", "--disable-input-event-activation-protection"];
const UNLOCK_WINDOW = "Unlock Security Device";

export interface ChromiumOptions {
  /** Holds its home. */
  readonly folder: string;
  readonly env: Readonly<Record<string, string>>;
  /** The lines of `jpki-agent pkcs11 env` that add the module. */
  readonly nssLines: string;
  /** Servers whose own certificates are trusted. */
  readonly servers: readonly TlsServer[];
}

export interface Chromium {
  newPage(): Promise<Page>;
  /** Waits for the window that asks for the token's PIN. It wants something typed; NSS makes no use of it. */
  unlock(): Promise<void>;
  close(): Promise<void>;
}

export async function startChromium({ folder, env, nssLines, servers }: ChromiumOptions): Promise<Chromium> {
  const policyFile = join(POLICY_FOLDER, `jpki-agent-test-${process.pid}.json`);
  const home = { ...env, HOME: join(folder, "chromium-home") };
  await makeNssDatabase(home, nssLines, servers);
  const screen = await startScreen(home);
  const display = { ...home, DISPLAY: screen.display };
  const close = async () => {
    await screen.close();
    await rm(policyFile, { force: true });
  };
  try {
    await mkdir(POLICY_FOLDER, { recursive: true });
    await writeFile(policyFile, JSON.stringify(POLICY));
    const browser = await chromium.launch({
      executablePath: CHROMIUM,
      headless: false,
      args: ARGUMENTS,
      env: display,
    });
    return {
      newPage: () => browser.newPage(),
      unlock: async () => {
        const { stdout } = await runOk("xdotool", ["search", "--sync", "--name", UNLOCK_WINDOW], { env: display });
        const [window = ""] = stdout.split("\n");
        // There is no window manager, so the window has to be given the keyboard.
        const answer = ["windowfocus", window, "type", "--clearmodifiers", "x"];
        await runOk("xdotool", answer, { env: display });
        await runOk("xdotool", ["key", "Return"], { env: display });
      },
      close: async () => {
        await browser.close();
        await close();
      },
    };
  } catch (error) {
    await close();
    throw error;
  }
}

async function makeNssDatabase(
  env: Readonly<Record<string, string>> & { readonly HOME: string },
  nssLines: string,
  servers: readonly TlsServer[],
): Promise<void> {
  const folder = join(env.HOME, ".pki/nssdb");
  await runOk("sh", ["-ec", nssLines], { env });
  for (const { certificateFile, port } of servers) {
    const trust = ["-A", "-n", `server ${port}`, "-t", "C,,", "-i", certificateFile];
    await runOk("certutil", ["-d", `sql:${folder}`, ...trust], { env });
  }
}

async function startScreen(
  env: Readonly<Record<string, string>>,
): Promise<{ display: string; close(): Promise<void> }> {
  const child = spawn("Xvfb", ["-displayfd", "1", "-screen", "0", "1280x800x24", "-nolisten", "tcp"], {
    env,
    stdio: ["ignore", "pipe", "ignore"],
  });
  const exited = once(child, "exit");
  const [number] = await once(child.stdout, "data"); // it is ready
  return {
    display: `:${String(number).trim()}`,
    close: async () => {
      child.kill("SIGTERM");
      await exited;
    },
  };
}
