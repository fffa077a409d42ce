/** A machine made of tables, for the checks of `doctor`. */

import type { Ended, FileFacts, System } from "../../cli/doctor/system.ts";

export interface FakeMachine {
  readonly platform?: NodeJS.Platform;
  readonly files?: Readonly<Record<string, string>>;
  readonly modes?: Readonly<Record<string, number>>;
  readonly sockets?: Readonly<Record<string, "listens" | "denied">>;
  /** By program, the last part of its path. */
  readonly programs?: Readonly<Record<string, Partial<Ended>>>;
}

export function fakeSystem(machine: FakeMachine = {}): System & { readonly ran: readonly (readonly string[])[] } {
  const { platform = "linux", files = {}, modes = {}, sockets = {}, programs = {} } = machine;
  const paths = [...Object.keys(files), ...Object.keys(modes)];
  const ran: (readonly string[])[] = [];
  return {
    ran,
    platform,
    exists: (path) => paths.includes(path),
    stat: (path): FileFacts | undefined => (modes[path] === undefined ? undefined : { mode: modes[path], uid: 1000 }),
    list: (folder) => [
      ...new Set(
        paths.flatMap((path) =>
          path.startsWith(`${folder}/`) ? (path.slice(folder.length + 1).split("/")[0] ?? []) : [],
        ),
      ),
    ],
    readText: (path) => files[path],
    tryConnect: async (path) => sockets[path] ?? "nobody",
    run: async (program, args) => {
      ran.push([program, ...args]);
      const known = programs[program.split("/").at(-1) ?? ""];
      return known && { status: 0, stdout: "", stderr: "", ...known };
    },
  };
}
