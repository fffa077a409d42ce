/** A desk to work at: a real pcscd, a card on its reader, and the built program in surroundings of its own. */

import { join } from "node:path";
import { INS_PERFORM_SECURITY_OPERATION } from "../../lib/iso7816/command.ts";
import { VirtualCard, type VirtualCardOptions } from "../../lib/virtual-card/card.ts";
import { VpcdSlot } from "../vpcd/bridge.ts";
import { JPKI_AGENT, type Sandbox, sandbox } from "./agent-process.ts";
import { deferred } from "./deferred.ts";
import { Pcscd } from "./pcscd.ts";
import { testPki } from "./pki.ts";
import { type RunResult, run } from "./run.ts";
import { tempDir } from "./temp-dir.ts";

export interface Desk {
  readonly folder: string;
  readonly pcscd: Pcscd;
  readonly slot: VpcdSlot;
  readonly sand: Sandbox;
  /** Lays a new card on the reader. */
  layCard(options?: Omit<VirtualCardOptions, "pki">): Promise<VirtualCard>;
  /** The built program to its end. */
  jpkiAgent(...args: readonly string[]): Promise<RunResult>;
  /** A path in the desk's folder. */
  at(name: string): string;
  close(): Promise<void>;
}

export async function openDesk(): Promise<Desk> {
  const dir = await tempDir();
  const pcscd = await Pcscd.start();
  const slot = new VpcdSlot(pcscd.port);
  const sand = await sandbox(dir.path);
  const pki = await testPki();
  return {
    folder: dir.path,
    pcscd,
    slot,
    sand,
    layCard: async (options) => {
      const card = new VirtualCard({ pki, ...options });
      await slot.insert(card);
      return card;
    },
    jpkiAgent: (...args) => run(process.execPath, [JPKI_AGENT, ...args], { env: sand.env }),
    at: (name) => join(dir.path, name),
    close: async () => {
      await slot.remove();
      await pcscd.stop();
      await dir.remove();
    },
  };
}

export interface HeldCommand {
  /** Resolves when the command is at the card, which has not seen it yet. */
  readonly reached: Promise<void>;
  /** The card goes on. */
  letGo(): void;
}

/** The next signature stays in the middle until it is let go. */
export function holdSignature(slot: VpcdSlot): HeldCommand {
  const reached = deferred<void>();
  const letGo = deferred<void>();
  slot.beforeCommand = (command) => {
    if (command[1] !== INS_PERFORM_SECURITY_OPERATION) return undefined;
    slot.beforeCommand = undefined;
    reached.resolve(undefined);
    return letGo.promise;
  };
  return { reached: reached.promise, letGo: () => letGo.resolve(undefined) };
}
