/** All checks of `doctor`, from Node to the server; each can do without the others. */

import { userInfo } from "node:os";
import { join } from "node:path";
import type { faultOf } from "../../lib/agent-status.ts";
import type { Config } from "../../lib/config.ts";
import { stateFolder } from "../../lib/paths.ts";
import packageJson from "../../package.json" with { type: "json" };
import type { Deps } from "../deps.ts";
import type { Messages } from "../messages/messages.ts";
import { openLog, openVault } from "../parts.ts";
import { collectStatus, runningOf } from "../status-report.ts";
import { checkBindings } from "./bindings.ts";
import { checkCards } from "./card.ts";
import { checkCertificates } from "./certificate.ts";
import { checkDrivers, usbReaders } from "./drivers.ts";
import { checkFiles } from "./files.ts";
import type { Finding } from "./finding.ts";
import { checkHolders } from "./holders.ts";
import { checkKeychain } from "./keychain.ts";
import { checkNodeVersion } from "./node-version.ts";
import { checkPcscService } from "./pcsc-service.ts";
import { checkPins } from "./pins.ts";
import { checkPolkit } from "./polkit.ts";
import { checkPrompt, showPrompt } from "./prompt.ts";
import { checkReaders } from "./readers.ts";
import { checkServer, type ServerName } from "./server.ts";
import { checkSocket } from "./socket.ts";
import type { System } from "./system.ts";

export interface ExamineOptions {
  readonly settings: Config;
  readonly verbose: number;
  readonly system: System;
  /** Node's version, without the `v`. */
  readonly nodeVersion: string;
  readonly server: ServerName | undefined;
  /** Whether to show the prompt for real. */
  readonly showPrompt: boolean;
}

/** In the order of a login's way from the machine to the server. @throws the reason of `deps.signal`. */
export async function examine(options: ExamineOptions, deps: Deps, messages: Messages): Promise<readonly Finding[]> {
  const { settings, verbose, system, server } = options;
  const report = await collectStatus(settings, verbose, deps, messages);
  const { agent, devices } = report;
  const running = runningOf(agent);
  const authSock = deps.env["SSH_AUTH_SOCK"];
  const usesPcsc = (settings.card ?? "pcsc") === "pcsc";
  return [
    checkNodeVersion(options.nodeVersion, packageJson.engines.node),
    ...(usesPcsc ? await checkPcsc(options, running?.pid, deps) : []),
    ...(usesPcsc ? [checkPolkit(devices, userInfo().username, system)] : []),
    ...checkReaders(devices, usesPcsc ? usbReaders(system) : []),
    ...checkCards(devices),
    ...checkPins(devices),
    ...checkCertificates(devices, new Date()),
    ...checkSocket({
      agent,
      authSock,
      authSockDead: authSock ? (await system.tryConnect(authSock)) === "nobody" : false,
      sshConfig: system.readText(join(deps.home, ".ssh/config")),
    }),
    ...(await checkPrompts(options, running?.promptFault, deps, messages)),
    await checkKeychain(await openVault(deps, await quietLog(verbose, deps)), settings.agent.pinCache === "keychain"),
    ...checkFiles(stateFolder(deps), agent.socket, system),
    ...(server === undefined ? [] : await checkServer(server, system)),
  ];
}

async function checkPcsc(
  { settings, system }: ExamineOptions,
  agentPid: number | undefined,
  deps: Deps,
): Promise<readonly Finding[]> {
  const { tryPcscBinding } = await import("../../lib/node.ts");
  const loads = [];
  for (const name of ["pcsc-mini", "pcsclite"] as const) loads.push({ name, error: await tryPcscBinding(name) });
  return [
    ...checkBindings(settings.pcscBinding ?? "auto", loads),
    await checkPcscService(system),
    checkDrivers(system),
    await checkHolders(system, deps.pid, agentPid),
  ];
}

async function checkPrompts(
  { settings, verbose, showPrompt: show }: ExamineOptions,
  agentFault: ReturnType<typeof faultOf> | undefined,
  deps: Deps,
  messages: Messages,
): Promise<readonly Finding[]> {
  const { choosePrompt, openPrompt } = await import("../../lib/node.ts");
  const { pinPrompt: mode = "auto", pinentry } = settings.agent;
  const sources = { mode, pinentry, env: deps.env };
  const found = checkPrompt(await choosePrompt(sources), agentFault);
  if (!show) return found;
  const log = await quietLog(verbose, deps);
  const prompt = await openPrompt({ ...sources, texts: messages.prompts, log });
  return [...found, await showPrompt(prompt, deps.signal)];
}

function quietLog(verbose: number, deps: Deps) {
  return openLog({ verbose, level: "error" }, deps);
}
