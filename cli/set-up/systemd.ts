/** A systemd user socket, and the service that its first use starts. */

import { lstat, rm } from "node:fs/promises";
import { connect } from "node:net";
import { join, resolve } from "node:path";
import { SocketError } from "../../lib/errors.ts";
import type { Deps } from "../deps.ts";
import type { FileLines } from "./plan.ts";
import { runManager, type Service, type ServiceChange, type ServiceState } from "./service.ts";
import { removeServiceFiles, stateOfServiceFiles, writeServiceFiles } from "./service-files.ts";
import { fillTemplate, readTemplate, systemdPath, systemdWord } from "./units.ts";

const SOCKET_UNIT = "jpki-agent.socket";
const SERVICE_UNIT = "jpki-agent.service";
/** As defaultSocket() has it: %t is XDG_RUNTIME_DIR. */
const DEFAULT_SOCKET = "%t/jpki-agent/agent.sock";

type Places = Pick<Deps, "env" | "home" | "self">;

/**
 * @param socketPath where the socket will be, absolute.
 * @param configured what the configuration file says of it.
 */
export function systemdService(socketPath: string, configured: string | undefined, deps: Places): Service {
  const folder = join(deps.env["XDG_CONFIG_HOME"] || join(deps.home, ".config"), "systemd/user");
  const paths = [SOCKET_UNIT, SERVICE_UNIT].map((name) => join(folder, name));
  const run = async (command: string) => runManager("systemctl", command.split(" ").slice(1), deps);
  const isActive = async (unit: string) => (await run(`systemctl --user is-active --quiet ${unit}`)).ok;
  return {
    program: "systemctl",
    onDemand: true,
    install: async () => {
      const files = await systemdFiles(folder, configured, deps);
      if (!(await isActive(SOCKET_UNIT)) && (await isAnswered(socketPath))) throw inUse(socketPath);
      const changes = await writeServiceFiles(files);
      const isChanged = changes.some(({ result }) => result === "written");
      return runAll(
        changes,
        [
          "systemctl --user daemon-reload",
          // A socket is not bound anew while its service runs.
          ...(isChanged ? [`systemctl --user stop ${SOCKET_UNIT} ${SERVICE_UNIT}`] : []),
          `systemctl --user enable --now ${SOCKET_UNIT}`,
        ],
        run,
      );
    },
    uninstall: async () => {
      const link = join(folder, "sockets.target.wants", SOCKET_UNIT);
      const isLinked = (await lstat(link).catch(() => undefined))?.isSymbolicLink() === true; // absent, as a rule
      const { byHand } = await runAll([], [`systemctl --user disable --now ${SOCKET_UNIT} ${SERVICE_UNIT}`], run);
      const files = await removeServiceFiles(paths);
      if (files.length === 0 && !isLinked) return { files, byHand: [] };
      // What `disable` takes away where it can be reached.
      await rm(link, { force: true });
      if (byHand.length === 0) return runAll(files, ["systemctl --user daemon-reload"], run);
      return {
        files,
        byHand: [`systemctl --user stop ${SOCKET_UNIT} ${SERVICE_UNIT}`, "systemctl --user daemon-reload"],
      };
    },
    state: async (): Promise<ServiceState> => {
      const files = await stateOfServiceFiles(await systemdFiles(folder, configured, deps));
      const { stdout } = await run(`systemctl --user show --property=StatusText --value ${SERVICE_UNIT}`);
      const running = await isActive(SERVICE_UNIT);
      return { files, active: await isActive(SOCKET_UNIT), running, status: running ? stdout.trim() : "" };
    },
  };
}

/** The units as they would be written. @throws ConfigError for a path that they cannot hold. */
export async function systemdFiles(
  folder: string,
  configured: string | undefined,
  { self }: Pick<Deps, "self">,
): Promise<readonly FileLines[]> {
  const values = {
    SOCKET: configured === undefined ? DEFAULT_SOCKET : systemdPath(resolve(configured)),
    NODE: systemdWord(self[0], "program"),
    SCRIPT: systemdWord(self.at(-1) ?? "", "argument"),
  };
  return Promise.all(
    [SOCKET_UNIT, SERVICE_UNIT].map(async (name) => ({
      path: join(folder, name),
      text: fillTemplate(await readTemplate(`systemd/${name}`), values),
    })),
  );
}

/** Stops at the first that fails, and leaves that one and the rest to the person. */
async function runAll(
  files: ServiceChange["files"],
  commands: readonly string[],
  run: (command: string) => Promise<{ readonly ok: boolean }>,
): Promise<ServiceChange> {
  for (const [i, command] of commands.entries())
    if (!(await run(command)).ok) return { files, byHand: commands.slice(i) };
  return { files, byHand: [] };
}

/** systemd would take the path from an agent that runs. */
async function isAnswered(path: string): Promise<boolean> {
  return new Promise((done) => {
    const socket = connect({ path });
    socket.once("connect", () => {
      socket.destroy();
      done(true);
    });
    socket.once("error", () => done(false)); // nobody is there, or nobody of ours
  });
}

function inUse(path: string): SocketError {
  return new SocketError("SOCKET_IN_USE", `install the service at ${path}: a running agent answers there`, {
    hint: "end that agent (jpki-agent agent -k, or Ctrl-C where it runs), then run jpki-agent service install again",
    details: { path },
  });
}
