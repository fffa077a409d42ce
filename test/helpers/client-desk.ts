/** A place for clients of all kinds: the built agent with its built-in card, a person who knows the PIN, a real sshd. */

import { join } from "node:path";
import type { DatedSignatureEntry } from "../../lib/signature-entry.ts";
import { type AgentProcess, JPKI_AGENT, type Sandbox, sandbox, startAgentProcess } from "./agent-process.ts";
import { runOk } from "./run.ts";
import { type Sshd, startSshd } from "./sshd.ts";
import { tempDir } from "./temp-dir.ts";

export interface ClientDesk {
  readonly sand: Sandbox;
  readonly sshd: Sshd;
  readonly agent: AgentProcess;
  /** A path in the desk's folder. */
  readonly at: (name: string) => string;
  /** The card's key, as a line of authorized_keys. */
  readonly publicKey: string;
  /** The agent's record, as `jpki-agent log` reads it back. */
  record(): Promise<readonly DatedSignatureEntry[]>;
  close(): Promise<void>;
}

/** @param answers what the person says, in turn; the last one stays. `null` cancels. */
export async function openClientDesk(...answers: readonly (string | null)[]): Promise<ClientDesk> {
  const dir = await tempDir();
  const at = (name: string) => join(dir.path, name);
  const sand = await sandbox(dir.path);
  const jpkiAgent = (...args: readonly string[]) => runOk(process.execPath, [JPKI_AGENT, ...args], { env: sand.env });
  const publicKey = (await jpkiAgent("--card", "virtual", "export-key")).stdout;
  const sshd = await startSshd(dir.path, publicKey);
  await sand.answer(...answers);
  const agent = await startAgentProcess(sand, ["--card", "virtual"]);
  return {
    sand,
    sshd,
    agent,
    at,
    publicKey,
    record: async () => JSON.parse((await jpkiAgent("log", "--json", "-n", "1000")).stdout),
    close: async () => {
      await agent.stop();
      await sshd.close();
      await dir.remove();
    },
  };
}
