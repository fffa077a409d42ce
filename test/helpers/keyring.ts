/** A real gnome-keyring on a D-Bus of its own, in a folder of its own; nothing of the person who runs the tests. */

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { runOk } from "./run.ts";
import { until } from "./until.ts";

export interface Keyring {
  /** For programs that are to use it. */
  readonly env: Readonly<Record<string, string>>;
  /** Ends the keyring's daemon and the bus, and all they started. */
  stop(): Promise<void>;
}

export interface KeyringOptions {
  /** A second start in the same folder with `locked` finds the keyring that the first one made. */
  readonly folder: string;
  readonly locked?: boolean | undefined;
  /** What becomes of the window that asks to unlock it: nobody answers (default), or it cannot be shown. */
  readonly unlocking?: "waits" | "refused" | undefined;
}

/** Stands in for the window that asks to unlock: what a locked keyring waits for. */
const PROMPTER = "org.gnome.keyring.SystemPrompter";
const PROMPTERS = { waits: "/bin/sleep 600", refused: "/bin/false" } as const;

export async function startKeyring(options: KeyringOptions): Promise<Keyring> {
  const { folder, locked = false, unlocking = "waits" } = options;
  const at = (name: string) => join(folder, name);
  await mkdir(at("services/dbus-1/services"), { recursive: true });
  await writeFile(
    at(`services/dbus-1/services/${PROMPTER}.service`),
    `[D-BUS Service]\nName=${PROMPTER}\nExec=${PROMPTERS[unlocking]}\n`,
  );
  const own = {
    PATH: process.env["PATH"] ?? "/usr/bin:/bin",
    HOME: folder,
    XDG_DATA_HOME: at("data"),
    XDG_RUNTIME_DIR: folder,
    XDG_DATA_DIRS: `${at("services")}:/usr/local/share:/usr/share`,
    ...mark(),
  };
  const bus = spawn("dbus-daemon", ["--session", "--nofork", "--print-address"], {
    env: own,
    stdio: ["ignore", "pipe", "ignore"],
    detached: true,
  });
  let address = "";
  bus.stdout.on("data", (chunk: Buffer) => {
    address += chunk.toString();
  });
  await until("the bus tells its address", () => address.includes("\n"));
  const env = { ...own, DBUS_SESSION_BUS_ADDRESS: address.trim() };
  const daemon = spawn(
    "gnome-keyring-daemon",
    ["--foreground", "--components=secrets", ...(locked ? [] : ["--unlock"])],
    { env, stdio: ["pipe", "ignore", "ignore"], detached: true },
  );
  daemon.stdin.end("keyring password");
  const name = ["--session", "--dest=org.freedesktop.DBus", "--print-reply", "/org/freedesktop/DBus"];
  const ask = ["org.freedesktop.DBus.NameHasOwner", "string:org.freedesktop.secrets"];
  await until("the keyring is on the bus", async () =>
    (await runOk("dbus-send", [...name, ...ask], { env })).stdout.includes("boolean true"),
  );
  return {
    env,
    stop: async () => {
      await end(daemon);
      await end(bus);
    },
  };
}

/** What npm test looks for afterwards. */
function mark(): Record<string, string> {
  const { JPKI_AGENT_TEST_RUN: run } = process.env;
  return run === undefined ? {} : { JPKI_AGENT_TEST_RUN: run };
}

/** The whole group: the bus starts the prompter. */
async function end(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, "exit");
  process.kill(-child.pid, "SIGKILL");
  await ended;
}
