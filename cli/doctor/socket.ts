/** Whether our agent runs, and whether `ssh` finds it: SSH_AUTH_SOCK, or IdentityAgent in ~/.ssh/config. */

import { resolve } from "node:path";
import { faultOf } from "../../lib/agent-status.ts";
import { assertNever } from "../../lib/errors.ts";
import type { FoundAgent } from "../find-agent.ts";
import { type Finding, finding, type OtherAgent } from "./finding.ts";

export interface SocketFacts {
  readonly agent: FoundAgent;
  /** SSH_AUTH_SOCK. */
  readonly authSock: string | undefined;
  /** Whether nobody listens there. */
  readonly authSockDead: boolean;
  /** The text of ~/.ssh/config. */
  readonly sshConfig: string | undefined;
}

/** By their usual places. */
const KNOWN_AGENTS: readonly (readonly [RegExp, OtherAgent])[] = [
  [/\/keyring(?:-[^/]+)?\/\.?ssh$|\/gcr\/ssh$/, "gnome-keyring"],
  [/S\.gpg-agent\.ssh$/, "gpg-agent"],
  [/com\.apple\.launchd/, "macos"],
  [/1password/i, "1password"],
  [/\/ssh-[^/]+\/agent\.\d+$|\/(?:openssh_agent|ssh-agent(?:\.socket)?)$|\/\.ssh\/agent\//, "openssh"],
];

export function checkSocket(facts: SocketFacts): readonly Finding[] {
  return [checkAgent(facts.agent), checkAuthSock(facts)];
}

function checkAgent(agent: FoundAgent): Finding {
  const { socket } = agent;
  switch (agent.kind) {
    case "absent":
      return finding("fail", "agent-absent", { socket });
    case "silent":
      return finding("fail", "agent-silent", { socket, fault: faultOf(agent.error) });
    case "found":
      return agent.status.kind === "locked"
        ? finding("warn", "agent-locked", { socket })
        : finding("ok", "agent-runs", { pid: agent.status.pid, socket });
    default:
      return assertNever(agent);
  }
}

function checkAuthSock({ agent, authSock, authSockDead, sshConfig = "" }: SocketFacts): Finding {
  const { socket } = agent;
  if (authSock && resolve(authSock) === socket) return finding("ok", "auth-sock-ours", { path: authSock });
  const configured = identityAgents(sshConfig).find(
    (path) => path === socket || path.includes("jpki-agent/agent.sock"),
  );
  if (configured !== undefined) return finding("ok", "auth-sock-config", { path: configured });
  if (!authSock) return finding("fail", "auth-sock-unset", { socket });
  if (authSockDead) return finding("fail", "auth-sock-dead", { path: authSock, socket });
  return finding("fail", "auth-sock-other", { path: authSock, agent: agentAt(authSock), socket });
}

function agentAt(path: string): OtherAgent {
  return KNOWN_AGENTS.find(([pattern]) => pattern.test(path))?.[1] ?? "unknown";
}

function identityAgents(config: string): readonly string[] {
  return Array.from(config.matchAll(/^\s*IdentityAgent[\s=]+"?([^"\n]+?)"?\s*$/gim), ([, path = ""]) => path);
}
