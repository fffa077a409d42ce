/**
 * Adapter: SSH certificates out of named files and of `*-cert.pub` in a folder. Looks at the files' marks each time and
 * reads again only what has changed, so that a renewed certificate is offered without a restart.
 */

import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { messageOf } from "./errors.ts";
import type { Logger } from "./log.ts";
import { type CertificateFile, type CertificateSource, parseCertificateFile } from "./user-certificates.ts";

export interface CertificateFilesOptions {
  /** Absolute paths. */
  readonly files: readonly string[];
  /** The state folder; it need not exist. */
  readonly folder: string;
  readonly log: Logger;
}

/** Servers cut a client off after a few keys; more would be a mistake. */
const MAX_FILES = 32;
const MAX_FILE_BYTES = 128 * 1024;

interface Snapshot {
  readonly mark: string;
  /** undefined: not readable, or no certificate; that was said. */
  readonly file: CertificateFile | undefined;
}

/** @returns what reads them. */
export function createCertificateFiles({ files, folder, log }: CertificateFilesOptions): CertificateSource {
  let snapshots: ReadonlyMap<string, Snapshot> = new Map();
  const look = (path: string): Snapshot => {
    const known = snapshots.get(path);
    let mark = "absent";
    try {
      const { dev, ino, size, mtimeMs, ctimeMs } = statSync(path);
      mark = [dev, ino, size, mtimeMs, ctimeMs].join(" ");
      return known?.mark === mark ? known : { mark, file: readCertificate(path) };
    } catch (error) {
      // The other keys are offered all the same; said once for each state of the file.
      if (known?.mark !== mark) log.warn("certificate cannot be read", { file: path, error: messageOf(error) });
      return { mark, file: undefined };
    }
  };
  return () => {
    const paths = [...new Set([...files, ...certificatesIn(folder, log)])].slice(0, MAX_FILES);
    snapshots = new Map(paths.map((path) => [path, look(path)]));
    return [...snapshots.values()].flatMap(({ file }) => file ?? []);
  };
}

function certificatesIn(folder: string, log: Logger): readonly string[] {
  try {
    const names = readdirSync(folder).filter((name) => name.endsWith("-cert.pub"));
    return names.sort().map((name) => join(folder, name));
  } catch (error) {
    // Nothing was kept yet; whatever else it is, the named files are there still.
    if (!(error instanceof Error && "code" in error && error.code === "ENOENT"))
      log.debug("certificates cannot be looked for", { folder, error: messageOf(error) });
    return [];
  }
}

function readCertificate(path: string): CertificateFile {
  const stats = statSync(path);
  if (!stats.isFile()) throw new Error("it is not a plain file");
  if (stats.size > MAX_FILE_BYTES) throw new Error(`it has ${stats.size} bytes, the limit is ${MAX_FILE_BYTES}`);
  return parseCertificateFile(path, readFileSync(path, "utf8"));
}
