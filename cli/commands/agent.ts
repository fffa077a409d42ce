/** `agent`: serves the card's key until it is told to stop. */

import { resolve } from "node:path";
import { Command, Option } from "commander";
import type { InheritedSocket, Pkcs11Options } from "../../agent/main.ts";
import { type AgentConfig, MIN_PKCS11_LOGIN_TTL, PIN_CACHES, PSS_CHOICES } from "../../lib/config.ts";
import { ConfigError } from "../../lib/errors.ts";
import type { KnownHostKeys } from "../../lib/known-host-keys.ts";
import { defaultPkcs11Socket, defaultSocket } from "../../lib/paths.ts";
import packageJson from "../../package.json" with { type: "json" };
import { runInBackground } from "../background.ts";
import type { CommandContext } from "../context.ts";
import type { Deps } from "../deps.ts";
import { runInForeground } from "../foreground.ts";
import { killAgent } from "../kill-agent.ts";
import { openAgentParts } from "../parts.ts";
import { addPromptOptions } from "../prompt-options.ts";
import { serverAddress } from "../set-up/p11-kit.ts";
import { type GlobalFlags, settingsOf } from "../settings.ts";
import { type AgentVariables, setCommands, unsetCommands } from "../shell.ts";
import { conflictingOption, count, oneOf, seconds } from "../usage.ts";

interface AgentFlags extends GlobalFlags, AgentConfig {
  readonly background?: boolean | undefined;
  readonly c?: boolean | undefined;
  readonly k?: boolean | undefined;
}

/** After this long without use a remembered PIN is forgotten, also while the card stays, seconds. */
const DEFAULT_PIN_CACHE_TTL = 3600;
const DEFAULT_CARD_HOLD = 3;
const DEFAULT_WAIT_CARD = 30;
/** As a PIN that is remembered, but in all and not since the last use: a program may be at work unseen for long. */
const DEFAULT_PKCS11_LOGIN_TTL = 3600;
/** A browser or a VPN makes one for each connection to a server that asks; far fewer than this in an hour. */
const DEFAULT_PKCS11_LOGIN_SIGNATURES = 1000;

export function agentCommand(context: CommandContext): Command {
  const { options, commands } = context.messages.help;
  const command = new Command("agent")
    .description(commands.agent)
    .option("-a, --socket <path>", options.socket)
    .option("--background", options.background)
    .addOption(new Option("-c", options.csh).conflicts("s"))
    .option("-s", options.sh)
    .option("-k", options.kill)
    .argument("[command...]", context.messages.help.command);
  return addPromptOptions(command, context.messages)
    .addOption(new Option("--pin-cache <how>", options["pin-cache"]).argParser(oneOf("--pin-cache", PIN_CACHES)))
    .option("--pin-cache-ttl <seconds>", options["pin-cache-ttl"], seconds("--pin-cache-ttl"))
    .option("--card-hold <seconds>", options["card-hold"], seconds("--card-hold"))
    .option("--wait-card <seconds>", options["wait-card"], seconds("--wait-card"))
    .option("--allow-sha1", options["allow-sha1"])
    .option("--allow-any-data", options["allow-any-data"])
    .option("--confirm", options.confirm)
    .option("--allow-forwarded <host...>", options["allow-forwarded"])
    .option("--require-binding", options["require-binding"])
    .option("--certificate <file...>", options.certificate)
    .option("--upstream <socket>", options.upstream)
    .option("--pkcs11-socket [path]", options["pkcs11-socket"])
    .option("--pkcs11-signature-key", options["pkcs11-signature-key"])
    .option(
      "--pkcs11-login-ttl <seconds>",
      options["pkcs11-login-ttl"],
      seconds("--pkcs11-login-ttl", MIN_PKCS11_LOGIN_TTL),
    )
    .option("--pkcs11-login-signatures <n>", options["pkcs11-login-signatures"], count("--pkcs11-login-signatures"))
    .addOption(new Option("--pkcs11-pss <how>", options["pkcs11-pss"]).argParser(oneOf("--pkcs11-pss", PSS_CHOICES)))
    .option("--notify", options.notify)
    .action((args: readonly string[], _own, command: Command) => {
      const flags = command.optsWithGlobals<AgentFlags>();
      if (flags.k === true) return kill(flags, context);
      if (flags.background !== true) return serve(flags, args, context);
      if (args.length > 0) throw conflictingOption("--background");
      return background(context);
    });
}

async function background({ argv, deps, setStatus }: CommandContext): Promise<void> {
  setStatus(
    await runInBackground(
      argv.filter((arg) => arg !== "--background"),
      deps,
    ),
  );
}

function kill({ json, c }: AgentFlags, { deps, messages }: CommandContext): void {
  const pid = killAgent(deps);
  deps.stdout.write(json === true ? `${JSON.stringify({ pid })}\n` : unsetCommands(c === true ? "csh" : "sh"));
  deps.stderr.write(`${messages.agent.killed(pid)}\n`);
}

async function serve(flags: AgentFlags, args: readonly string[], context: CommandContext): Promise<void> {
  const { deps, messages, setStatus } = context;
  const [program, ...rest] = args;
  const settings = await settingsOf(flags, deps);
  const { pinCache = "session", pinCacheTtl, cardHold, waitCard, allowSha1, allowAnyData } = settings.agent;
  const { startAgent } = await import("../../agent/main.ts");
  const socket = await socketOf(flags, settings.agent, deps);
  const pkcs11 = pkcs11Of(settings.agent, socket.path, deps);
  const { parts, knownHosts, certificates } = await openAgentParts(
    // The terminal is the command's.
    { settings, verbose: flags.verbose, level: program === undefined ? "info" : "error" },
    deps,
    messages,
  );
  const agent = await startAgent(parts, {
    socketPath: socket.path,
    inheritedFd: socket.fd,
    pinCache: { mode: pinCache, ttlMs: 1000 * (pinCacheTtl ?? DEFAULT_PIN_CACHE_TTL) },
    cardHoldMs: 1000 * (cardHold ?? DEFAULT_CARD_HOLD),
    waitCardMs: 1000 * (waitCard ?? DEFAULT_WAIT_CARD),
    policy: {
      allowSha1: allowSha1 === true,
      allowAnyData: allowAnyData === true,
      confirm: settings.agent.confirm,
      requireBinding: settings.agent.requireBinding,
      allowForwarded: (hostKeys) => isAllowed(hostKeys.at(-1), settings.agent, knownHosts),
    },
    hostsOfKey: knownHosts.namesOf,
    certificates,
    upstream: settings.agent.upstream,
    pkcs11,
    version: packageJson.version,
  });
  const forget = async () => {
    await agent.forget();
    parts.log.info("forgot PINs and let go of the card", { event: "hang-up" });
  };
  const { notifySocket } = deps.service;
  const { openServiceNotice } = await import("../../lib/node.ts");
  const notice = notifySocket === undefined ? undefined : await openServiceNotice(notifySocket, deps.env, parts.log);
  deps.onHangUp(() => void forget()); // it does not fail; if it did, the agent would end as after any defect
  try {
    if (allowAnyData === true) deps.stderr.write(`jpki-agent: ${messages.agent.anyDataWarning}\n`);
    const { socketPath, pkcs11SocketPath } = agent;
    const variables = { SSH_AUTH_SOCK: socketPath, SSH_AGENT_PID: String(deps.pid) };
    if (program !== undefined) {
      const address = pkcs11SocketPath && { P11_KIT_SERVER_ADDRESS: serverAddress(pkcs11SocketPath) };
      return setStatus(await runInForeground([program, ...rest], { ...variables, ...address }, deps));
    }
    if (deps.stderr.isTerminal) deps.stderr.write(`${messages.agent.serving(socketPath, pkcs11SocketPath)}\n`);
    deps.stdout.write(readyLines(variables, pkcs11SocketPath, flags));
    await deps.stdout.drained();
    await notice?.({ state: "READY", status: messages.agent.serviceReady(agent.socketPath) });
    await aborted(deps.signal);
  } finally {
    // Side by side: the card's power does not wait for systemd.
    await Promise.all([agent.close(), notice?.({ state: "STOPPING", status: messages.agent.serviceStopping })]);
  }
}

/** The one that the service manager handed over, else the one to be made. */
async function socketOf(
  flags: AgentFlags,
  settings: AgentConfig,
  deps: Deps,
): Promise<Partial<InheritedSocket> & { path: string }> {
  const { listenFds } = deps.service;
  if (listenFds === undefined)
    return { path: settings.socket === undefined ? defaultSocket(deps) : resolve(settings.socket) };
  if (flags.socket !== undefined) throw conflictingOption("--socket");
  const { inheritedSocket } = await import("../../agent/main.ts");
  return inheritedSocket(listenFds);
}

/** @throws ConfigError if its socket is the other one. */
function pkcs11Of(settings: AgentConfig, sshSocket: string, deps: Deps): Pkcs11Options | undefined {
  const { pkcs11Socket: socket = false, pkcs11SignatureKey, pkcs11LoginTtl, pkcs11LoginSignatures } = settings;
  if (socket === false) return undefined;
  const socketPath = socket === true ? defaultPkcs11Socket(deps) : resolve(socket);
  if (socketPath === resolve(sshSocket))
    throw new ConfigError(`serve at ${socketPath}: the sockets for SSH and for PKCS#11 are the same`, {
      details: { problem: "same-socket", path: socketPath },
    });
  return {
    socketPath,
    signatureKey: pkcs11SignatureKey === true,
    pss: settings.pkcs11Pss ?? "auto",
    limits: {
      ttlMs: 1000 * (pkcs11LoginTtl ?? DEFAULT_PKCS11_LOGIN_TTL),
      maxSignatures: pkcs11LoginSignatures ?? DEFAULT_PKCS11_LOGIN_SIGNATURES,
    },
  };
}

/** What counts is the host that the way ends at: a login there, or what runs there. */
function isAllowed(hostKey: Uint8Array | undefined, settings: AgentConfig, knownHosts: KnownHostKeys): boolean {
  return hostKey !== undefined && knownHosts.isOneOf(hostKey, settings.allowForwarded ?? []);
}

function readyLines(variables: AgentVariables, pkcs11Socket: string | undefined, { json, c }: AgentFlags): string {
  const { SSH_AUTH_SOCK: socket, SSH_AGENT_PID: pid } = variables;
  if (json === true) return `${JSON.stringify({ socket, pid: Number(pid), pkcs11Socket })}\n`;
  return setCommands(variables, c === true ? "csh" : "sh");
}

async function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
}
