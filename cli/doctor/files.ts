/** Whether only this user can reach the state folder and the socket. */

import { dirname, join } from "node:path";
import { type Finding, finding } from "./finding.ts";
import type { System } from "./system.ts";

/** Rights that nobody but the owner may have. */
const ANY_OF_OTHERS = 0o077;
/** As the agent itself asks of the folder: who can write there can put another socket in our place. */
const WRITE_OF_OTHERS = 0o022;

/** @param socket may not be there. */
export function checkFiles(stateFolder: string, socket: string, system: System): readonly Finding[] {
  const rules: ReadonlyMap<string, number> = new Map([
    [dirname(socket), WRITE_OF_OTHERS],
    [socket, ANY_OF_OTHERS],
    [stateFolder, ANY_OF_OTHERS],
    ...system.list(stateFolder).map((name) => [join(stateFolder, name), ANY_OF_OTHERS] as const),
  ]);
  const open = Array.from(rules).flatMap(([path, forbidden]) => {
    const mode = system.stat(path)?.mode;
    if (mode === undefined || (mode & forbidden) === 0) return [];
    return [finding("fail", "files-open", { path, mode: octal(mode), wanted: octal(mode & ~forbidden) })];
  });
  return open.length > 0 ? open : [finding("ok", "files-private", {})];
}

function octal(mode: number): string {
  return (mode & 0o777).toString(8).padStart(4, "0");
}
