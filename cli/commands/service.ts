/** `service install|uninstall|status`: the agent as a systemd or launchd service of the person's own. */

import { Command } from "commander";
import { ConfigError } from "../../lib/errors.ts";
import type { CommandContext } from "../context.ts";
import type { Deps } from "../deps.ts";
import { EXIT_FAILED } from "../exit-status.ts";
import { ownSocket } from "../find-agent.ts";
import { renderChanges } from "../set-up/render.ts";
import type { Service, ServiceChange } from "../set-up/service.ts";
import { type GlobalFlags, settingsOf } from "../settings.ts";

export function serviceCommand(context: CommandContext): Command {
  const { commands } = context.messages.help;
  const command = new Command("service").description(commands.service).helpCommand(false);
  const add = (name: string, text: string, action: (flags: GlobalFlags, context: CommandContext) => Promise<void>) =>
    command
      .command(name)
      .description(text)
      .action((_own, ran: Command) => action(ran.optsWithGlobals<GlobalFlags>(), context));
  add("install", commands["service install"], install);
  add("uninstall", commands["service uninstall"], uninstall);
  add("status", commands["service status"], status);
  return command;
}

async function install(flags: GlobalFlags, context: CommandContext): Promise<void> {
  const { service, socket } = await openService(flags, context.deps);
  const change = await service.install();
  const { installed, startedAtLogin } = context.messages.setUp;
  report(change, service, flags, context, (service.onDemand ? installed : startedAtLogin)(socket));
}

async function uninstall(flags: GlobalFlags, context: CommandContext): Promise<void> {
  const { removeSetUp } = await import("../set-up/write.ts");
  const { service } = await openService(flags, context.deps);
  const { files, byHand } = await service.uninstall();
  const change = { files: [...files, ...(await removeSetUp(context.deps))], byHand };
  report(change, service, flags, context, context.messages.setUp.uninstalled);
}

async function status(flags: GlobalFlags, { deps, messages, setStatus }: CommandContext): Promise<void> {
  const { service, socket } = await openService(flags, deps);
  const state = await service.state();
  deps.stdout.write(flags.json === true ? `${JSON.stringify({ socket, ...state })}\n` : messages.setUp.status(state));
  if (state.files !== "current" || !state.active) setStatus(EXIT_FAILED);
}

function report(
  change: ServiceChange,
  { program }: Service,
  { json }: GlobalFlags,
  { deps, messages, setStatus }: CommandContext,
  done: string,
): void {
  const { byHand, files } = change;
  if (json === true) deps.stdout.write(`${JSON.stringify(change)}\n`);
  else renderChanges(files, deps, messages, false);
  if (byHand.length > 0) setStatus(EXIT_FAILED);
  if (json !== true) deps.stderr.write(`${byHand.length > 0 ? messages.setUp.byHand(program, byHand) : done}\n`);
}

async function openService(flags: GlobalFlags, deps: Deps): Promise<{ service: Service; socket: string }> {
  const settings = await settingsOf(flags, deps);
  const socket = ownSocket(settings, deps);
  if (deps.platform === "linux") {
    const { systemdService } = await import("../set-up/systemd.ts");
    return { service: systemdService(socket, settings.agent.socket, deps), socket };
  }
  if (deps.platform === "darwin") {
    const { launchdService } = await import("../set-up/launchd.ts");
    return { service: launchdService(deps), socket };
  }
  throw new ConfigError(`a service is for systemd and launchd, and this system (${deps.platform}) has neither`, {
    details: { problem: "no-service-manager", value: deps.platform },
  });
}
