/**
 * Who else is connected to the PC/SC service. `ss` (iproute2) tells the process at the other end of each connection to
 * pcscd's socket; those of other users only to root.
 */

import { PCSCD_SOCKET } from "../../lib/card/pcscd-answers.ts";
import { type Finding, finding, type HolderFact } from "./finding.ts";
import type { System } from "./system.ts";

const SS_TIMEOUT_MS = 2000;
/** Of `ss -xnpH`: local path, local inode, peer's inode, holders. */
const SOCKET_LINE = /^u_str +ESTAB +\d+ +\d+ +(\S+) (\d+) +\S+ (\d+) *(?:users:\((.*)\))?\s*$/;
const HOLDER = /\("([^"]*)",pid=(\d+),fd=\d+\)/g;

/** @param ownPid of this process, which is not counted. @param agentPid of the running agent. */
export async function checkHolders(system: System, ownPid: number, agentPid: number | undefined): Promise<Finding> {
  const ended = system.platform === "linux" ? await system.run("ss", ["-xnpH"], SS_TIMEOUT_MS) : undefined;
  if (ended?.status !== 0) return finding("skipped", "holders-unknown", {});
  const programs = holdersIn(ended.stdout, agentPid).filter(({ pid }) => pid !== ownPid);
  if (programs.length === 0) return finding("ok", "holders-none", {});
  const level = programs.every(({ kind }) => kind === "jpki-agent") ? "ok" : "warn";
  return finding(level, "holders-some", { programs });
}

/** Each process once; those whose process is not told together as one without a name. */
export function holdersIn(output: string, agentPid: number | undefined): readonly HolderFact[] {
  const rows = output.split("\n").flatMap((line) => {
    const [, path, local, peer, users = ""] = SOCKET_LINE.exec(line) ?? [];
    return path === undefined || local === undefined || peer === undefined ? [] : [{ path, local, peer, users }];
  });
  const clients = new Set(rows.filter(({ path }) => path === PCSCD_SOCKET).map(({ peer }) => peer));
  const found = new Map<number | undefined, HolderFact>();
  for (const { local, users } of rows) {
    if (!clients.has(local)) continue;
    const holders = Array.from(users.matchAll(HOLDER), ([, name = "?", pid]) => ({ name, pid: Number(pid) }));
    if (holders.length === 0) found.set(undefined, { name: "?", pid: undefined, kind: "other" });
    for (const { name, pid } of holders) found.set(pid, { name, pid, kind: kindOf(name, pid === agentPid) });
  }
  return [...found.values()];
}

function kindOf(name: string, isAgent: boolean): HolderFact["kind"] {
  if (isAgent) return "jpki-agent";
  if (name === "scdaemon") return "scdaemon";
  // ssh-agent opens a PKCS#11 module in ssh-pkcs11-helper and keeps it open for its whole life.
  if (/^(?:ssh-pkcs11|pkcs11-|pkcs15-|opensc|p11-kit)/.test(name)) return "opensc";
  return /firefox|chrom|thunderbird|Socket Process/i.test(name) ? "browser" : "other";
}
