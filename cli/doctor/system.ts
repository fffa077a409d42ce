/** What `doctor` asks of the machine; the real one here, any other in tests. Nothing is changed. */

import { execFile } from "node:child_process";
import { existsSync, lstatSync, readdirSync, readFileSync } from "node:fs";
import { connect } from "node:net";

export interface FileFacts {
  /** Permission bits. */
  readonly mode: number;
  readonly uid: number;
}

export interface Ended {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface System {
  readonly platform: NodeJS.Platform;
  exists(path: string): boolean;
  /** @returns undefined if it is not there. Links are not followed. */
  stat(path: string): FileFacts | undefined;
  /** Names in a folder; none if it cannot be read. */
  list(folder: string): readonly string[];
  /** @returns undefined if it cannot be read. */
  readText(path: string): string | undefined;
  /** Whether somebody listens at a socket. */
  tryConnect(path: string): Promise<"listens" | "nobody" | "denied">;
  /** @returns undefined if there is no such program. Its output is in English. */
  run(program: string, args: readonly string[], timeoutMs: number): Promise<Ended | undefined>;
}

const MAX_OUTPUT_BYTES = 4 * 1024 * 1024;

export function realSystem(env: Readonly<Record<string, string | undefined>>, platform: NodeJS.Platform): System {
  return {
    platform,
    exists: existsSync,
    stat: (path) => {
      const found = lstatSync(path, { throwIfNoEntry: false });
      return found === undefined ? undefined : { mode: found.mode & 0o7777, uid: found.uid };
    },
    list: (folder) => orUndefined(() => readdirSync(folder)) ?? [],
    readText: (path) => orUndefined(() => readFileSync(path, "utf8")),
    tryConnect,
    run: (program, args, timeoutMs) =>
      new Promise((resolve) => {
        const options = { env: { ...env, LC_ALL: "C" }, timeout: timeoutMs, maxBuffer: MAX_OUTPUT_BYTES };
        execFile(program, args, options, (error, stdout, stderr) => {
          if (error?.code === "ENOENT") return resolve(undefined);
          resolve({ status: error === null ? 0 : typeof error.code === "number" ? error.code : -1, stdout, stderr });
        });
      }),
  };
}

function tryConnect(path: string): Promise<"listens" | "nobody" | "denied"> {
  return new Promise((resolve) => {
    const socket = connect({ path });
    socket.once("connect", () => {
      socket.destroy();
      resolve("listens");
    });
    socket.once("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "EACCES" || error.code === "EPERM") return resolve("denied");
      resolve(error.code === "EAGAIN" ? "listens" : "nobody"); // its queue is full
    });
  });
}

/** What may not be looked at, or is not there, has nothing to tell. */
function orUndefined<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch {
    return undefined; // ENOENT, EACCES: that is the answer
  }
}
