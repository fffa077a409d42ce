/** `agent -k`: ends the agent that the environment names. */

import { ConfigError, messageOf } from "../lib/errors.ts";
import type { Deps } from "./deps.ts";

/**
 * Sends SIGTERM to the process in SSH_AGENT_PID: it lets go of the card and removes its socket.
 *
 * @returns its number.
 * @throws ConfigError `CONFIG_INVALID`: the variable is not set, is no process's number, or there is no such process.
 */
export function killAgent({ env, kill }: Pick<Deps, "env" | "kill">): number {
  const value = env["SSH_AGENT_PID"] ?? "";
  // 0, 1 and negative numbers mean other things to kill(2) than one agent.
  if (!/^[1-9]\d{0,9}$/.test(value) || value === "1")
    throw noAgent(
      value,
      value === "" ? "SSH_AGENT_PID is not set" : `SSH_AGENT_PID is "${value}", no process's number`,
    );
  try {
    kill(Number(value));
    return Number(value);
  } catch (cause) {
    throw noAgent(value, `process ${value}: ${messageOf(cause)}`, cause);
  }
}

function noAgent(value: string, fact: string, cause?: unknown): ConfigError {
  return new ConfigError(`end the agent: ${fact}`, { details: { problem: "no-agent", value }, cause });
}
