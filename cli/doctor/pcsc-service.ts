/** Whether the PC/SC service runs and lets us connect to its socket. */

import { PCSCD_SOCKET } from "../../lib/card/pcscd-answers.ts";
import { type Finding, finding } from "./finding.ts";
import type { System } from "./system.ts";

const PCSCD_PROGRAMS = ["/usr/sbin/pcscd", "/usr/bin/pcscd", "/sbin/pcscd"];
const VERSION_TIMEOUT_MS = 2000;

export async function checkPcscService(system: System): Promise<Finding> {
  if (system.platform !== "linux") return finding("ok", "pcscd-built-in", {});
  const program = PCSCD_PROGRAMS.find((path) => system.exists(path));
  switch (await system.tryConnect(PCSCD_SOCKET)) {
    case "listens":
      return finding("ok", "pcscd-runs", { version: program && (await versionOf(program, system)) });
    case "denied":
      return finding("fail", "pcscd-denied", { path: PCSCD_SOCKET });
    case "nobody":
      return finding("fail", "pcscd-absent", { installed: program !== undefined });
  }
}

/** `pcsc-lite version 1.9.9.` */
async function versionOf(program: string, system: System): Promise<string | undefined> {
  const ended = await system.run(program, ["--version"], VERSION_TIMEOUT_MS);
  return /pcsc-lite version ([\d.]*\d)/.exec(ended?.stdout ?? "")?.[1];
}
