/**
 * Adapter: whom host keys belong to, from the known_hosts files of the user and of the system. Read when it is asked
 * for: a file may have changed since.
 */

import { readFileSync } from "node:fs";
import { hasErrno, messageOf } from "./errors.ts";
import type { KnownHostKeys } from "./known-host-keys.ts";
import type { Logger } from "./log.ts";
import { hostKeyMatches, namesOfHostKey, parseKnownHosts } from "./ssh/known-hosts.ts";

export interface HostNamesOptions {
  /** In order; a file that is missing is an empty one. */
  readonly files: readonly string[];
  readonly log: Logger;
}

export function createKnownHostKeys({ files, log }: HostNamesOptions): KnownHostKeys {
  const textOf = (file: string): string => {
    try {
      return readFileSync(file, "utf8");
    } catch (error) {
      // What is not known is shown by its fingerprint, and allowed nothing.
      if (!hasErrno(error, "ENOENT")) log.warn("known_hosts cannot be read", { file, error: messageOf(error) });
      return "";
    }
  };
  // All files as one: a key that one of them revokes has no name in the others.
  const known = () => parseKnownHosts(files.map(textOf).join("\n"));
  const unixSeconds = () => Date.now() / 1000;
  return {
    namesOf: (hostKey) => namesOfHostKey(known(), hostKey, { candidates: [], unixSeconds: unixSeconds() }),
    isOneOf: (hostKey, hosts) => {
      if (hosts.includes("*") && !hosts.some((host) => host.startsWith("!"))) return true;
      return hosts.length > 0 && hostKeyMatches(known(), hostKey, hosts, unixSeconds());
    },
  };
}
