/**
 * Adapter: the names of host keys, from the known_hosts files of the user and of the system, read when a name is asked
 * for: a file may have changed since.
 */

import { readFileSync } from "node:fs";
import { messageOf } from "./errors.ts";
import type { Logger } from "./log.ts";
import { namesOfHostKey, parseKnownHosts } from "./ssh/known-hosts.ts";

export interface HostNamesOptions {
  /** In order; a file that is missing is an empty one. */
  readonly files: readonly string[];
  readonly log: Logger;
}

/** @returns a function from a host key's blob to the names it goes by; hashed names cannot be read. */
export function createHostNames({ files, log }: HostNamesOptions): (hostKeyBlob: Uint8Array) => readonly string[] {
  const read = (file: string) => {
    try {
      return parseKnownHosts(readFileSync(file, "utf8"));
    } catch (error) {
      // Names are for people to read; without them the fingerprint is shown.
      if (!isMissing(error)) log.warn("known_hosts cannot be read", { file, error: messageOf(error) });
      return parseKnownHosts("");
    }
  };
  return (hostKeyBlob) => {
    const lookup = { candidates: [], unixSeconds: Date.now() / 1000 };
    return [...new Set(files.flatMap((file) => namesOfHostKey(read(file), hostKeyBlob, lookup)))];
  };
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ENOENT";
}
