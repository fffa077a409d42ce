/**
 * A pcscd of the test's own, with vpcd's reader or none. One pcscd runs per machine, so that a foreign one is an error.
 *
 * pcscd dies with the test's process, however that ends (setpriv --pdeathsig).
 */

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

/** Where pcscd listens: fixed in the daemon. */
const PCSCD_SOCKET = "/run/pcscd/pcscd.comm";
const VPCD_DRIVER = "/usr/lib/pcsc/drivers/serial/libifdvpcd.so";
/** Below the range that the system gives to outgoing connections (32768 and up). */
const FIRST_PORT = 20_000;
const PORTS = 10_000;
const START_TIMEOUT_MS = 10_000;
const STOP_TIMEOUT_MS = 5_000;
const POLL_MS = 10;

/** vpcd's reader has two slots; these are their PC/SC names. */
export const VPCD_READERS = ["Virtual PCD 00 00", "Virtual PCD 00 01"] as const;

export interface PcscdOptions {
  /**
   * Whether vpcd's reader is plugged in (default true). It changes at a start only: pcscd finds USB readers at any time,
   * but those of its configuration not (observed with 1.9.9: SIGUSR1 and --hotplug change nothing).
   */
  readonly reader?: boolean | undefined;
}

export class Pcscd {
  /** TCP port of vpcd's first slot; the second is one above. */
  readonly port: number;
  readonly #folder: string;
  #child: ChildProcess | undefined;
  #output = "";

  private constructor(folder: string, port: number) {
    this.#folder = folder;
    this.port = port;
  }

  /** Starts it and waits until it takes connections. @throws Error if one runs already. */
  static async start(options: PcscdOptions = {}): Promise<Pcscd> {
    const pcscd = new Pcscd(mkdtempSync(join(tmpdir(), "jpki-pcscd-")), await freePortPair());
    try {
      await pcscd.startAgain(options);
    } catch (error) {
      await pcscd.stop();
      throw error;
    }
    return pcscd;
  }

  /** What it said so far; for failures. */
  get output(): string {
    return this.#output;
  }

  /** After {@link kill} or {@link halt}: on the same ports, so that inserted cards come back. */
  async startAgain(options: PcscdOptions = {}): Promise<void> {
    if (await accepts(PCSCD_SOCKET)) throw new Error("another pcscd is running on this machine; stop it first");
    this.#configure(options.reader ?? true);
    const child = spawn("setpriv", ["--pdeathsig", "KILL", "pcscd", "--foreground", "--config", this.#folder], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.#child = child;
    const keep = (chunk: unknown) => {
      this.#output += String(chunk);
    };
    child.stdout.on("data", keep);
    child.stderr.on("data", keep);
    const deadline = Date.now() + START_TIMEOUT_MS;
    while (!(await accepts(PCSCD_SOCKET))) {
      if (child.exitCode !== null || Date.now() > deadline) throw new Error(`pcscd did not start: ${this.#output}`);
      await delay(POLL_MS);
    }
  }

  /** Ends it as the system would (SIGTERM); the ports stay ours. */
  async halt(): Promise<void> {
    await this.#end("SIGTERM");
  }

  /** Ends it without warning (SIGKILL). */
  async kill(): Promise<void> {
    await this.#end("SIGKILL");
  }

  /** `restart({ reader: false })` is the nearest there is to unplugging the reader. */
  async restart(options: PcscdOptions = {}): Promise<void> {
    await this.halt();
    await this.startAgain(options);
  }

  /** Ends it and removes what it left. */
  async stop(): Promise<void> {
    await this.#end("SIGTERM");
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #configure(reader: boolean): void {
    const text = [
      'FRIENDLYNAME "Virtual PCD"',
      `DEVICENAME /dev/null:${this.port}`,
      `LIBPATH ${VPCD_DRIVER}`,
      `CHANNELID ${this.port}`,
    ];
    writeFileSync(join(this.#folder, "reader.conf"), reader ? `${text.join("\n")}\n` : "");
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, "exit");
    child.kill(signal);
    const timer = setTimeout(() => child.kill("SIGKILL"), STOP_TIMEOUT_MS);
    await exited;
    clearTimeout(timer);
  }
}

function accepts(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    const settle = (result: boolean) => {
      socket.destroy();
      resolve(result);
    };
    socket.once("connect", () => settle(true));
    socket.once("error", () => settle(false));
  });
}

async function freePortPair(): Promise<number> {
  for (;;) {
    const port = FIRST_PORT + 2 * Math.floor((Math.random() * PORTS) / 2);
    if ((await isFree(port)) && (await isFree(port + 1))) return port;
  }
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  try {
    server.listen(port);
    await once(server, "listening");
    return true;
  } catch {
    // Taken: the caller tries another.
    return false;
  } finally {
    server.close();
  }
}
