/**
 * A launchd agent. launchd hands sockets over by a C function alone (launch_activate_socket), so the agent makes its
 * socket itself, at the login, and is started again if it fails.
 */

import { rm } from "node:fs/promises";
import { userInfo } from "node:os";
import { join } from "node:path";
import type { Deps } from "../deps.ts";
import type { FileLines } from "./plan.ts";
import { runManager, type Service } from "./service.ts";
import { removeServiceFiles, stateOfServiceFiles, writeServiceFiles } from "./service-files.ts";
import { fillTemplate, readTemplate, xmlText } from "./units.ts";

const LABEL = "jpki-agent";

type Places = Pick<Deps, "env" | "home" | "self">;

export function launchdService(deps: Places): Service {
  const path = join(deps.home, "Library/LaunchAgents/jpki-agent.plist");
  const domain = `gui/${userInfo().uid}`;
  const run = async (...args: readonly string[]) => (await runManager("launchctl", args, deps)).ok;
  const isLoaded = () => run("print", `${domain}/${LABEL}`);
  return {
    program: "launchctl",
    onDemand: false,
    install: async () => {
      const files = await writeServiceFiles([await launchdFile(path, deps)]);
      const isChanged = files.some(({ result }) => result === "written");
      if (!isChanged && (await isLoaded())) return { files, byHand: [] };
      await run("bootout", `${domain}/${LABEL}`); // fails where none is loaded
      const isBootstrapped = await run("bootstrap", domain, path);
      return { files, byHand: isBootstrapped ? [] : [`launchctl bootstrap ${domain} ${path}`] };
    },
    uninstall: async () => {
      const isGone = !(await isLoaded()) || (await run("bootout", `${domain}/${LABEL}`));
      const files = await removeServiceFiles([path]);
      await rm(logFile(deps), { force: true });
      return { files, byHand: isGone ? [] : [`launchctl bootout ${domain}/${LABEL}`] };
    },
    state: async () => {
      const loaded = await isLoaded();
      const files = await stateOfServiceFiles([await launchdFile(path, deps)]);
      return { files, active: loaded, running: loaded, status: "" };
    },
  };
}

/** The plist as it would be written. @throws ConfigError for a path that it cannot hold. */
export async function launchdFile(path: string, deps: Places): Promise<FileLines> {
  const { LC_ALL, LC_MESSAGES, LANG } = deps.env;
  const text = fillTemplate(await readTemplate("launchd/jpki-agent.plist"), {
    NODE: xmlText(deps.self[0]),
    SCRIPT: xmlText(deps.self.at(-1) ?? ""),
    LANG: xmlText(LC_ALL || LC_MESSAGES || LANG || "C"),
    LOG: xmlText(logFile(deps)),
  });
  return { path, text };
}

function logFile({ home }: Pick<Deps, "home">): string {
  return join(home, "Library/Logs/jpki-agent.log");
}
