/**
 * Adapter: the record of signatures, a line of JSON each, at the end of `signatures.jsonl` in the state folder. Over a
 * size the file becomes `signatures.old.jsonl`, in the place of the one before.
 *
 * What was not signed is kept only so often in ten minutes: a host that the agent is forwarded to must not be able to push
 * out what it has had signed by asking for refusals.
 *
 * Lines are only ever appended, each with one write, so that two agents can share the file and a crash breaks no more
 * than the last line.
 */

import { appendFileSync, mkdirSync, readFileSync, renameSync, statSync } from "node:fs";
import { join } from "node:path";
import { FileError, messageOf } from "./errors.ts";
import type { Logger } from "./log.ts";
import { z } from "./schema.ts";
import {
  type DatedSignatureEntry,
  SIGNATURE_RESULTS,
  type SignatureEntry,
  type SignatureRecord,
} from "./signature-entry.ts";

export interface SignatureRecordOptions {
  /** The state folder, absolute; made (mode 0700) with the first entry. */
  readonly folder: string;
  readonly now: () => Date;
  readonly log: Logger;
  /** Over this many bytes a new file is begun; default 1 MiB, some thousand entries. */
  readonly maxBytes?: number | undefined;
}

const FILE_NAME = "signatures.jsonl";
const OLD_FILE_NAME = "signatures.old.jsonl";
const MAX_FILE_BYTES = 1024 * 1024;
/** Entries that are not `signed`, within {@link WINDOW_MS}. */
const MAX_NOT_SIGNED = 100;
const WINDOW_MS = 600_000;
/** Of a user's name, a host's or a program's, which others have chosen; characters. */
const MAX_TEXT = 300;
const MAX_HOSTS = 16;

const lineSchema = z.object({
  time: z.iso.datetime(),
  key: z.string(),
  comment: z.string(),
  result: z.enum(SIGNATURE_RESULTS),
  reason: z.string().optional(),
  data: z.string(),
  user: z.string().optional(),
  namespace: z.string().optional(),
  hosts: z.array(z.string()).optional(),
  hostKey: z.string().optional(),
  mechanism: z.string().optional(),
  forwarded: z.boolean(),
  program: z.string().optional(),
});

/** Opens the record for writing; touches nothing until there is an entry. */
export function openSignatureRecord(options: SignatureRecordOptions): SignatureRecord {
  const { folder, now, log, maxBytes = MAX_FILE_BYTES } = options;
  const path = join(folder, FILE_NAME);
  let sinceMs = 0;
  let notSigned = 0;
  return {
    add: (entry) => {
      const time = now();
      if (Math.abs(time.getTime() - sinceMs) >= WINDOW_MS) {
        sinceMs = time.getTime();
        notSigned = 0;
      }
      if (entry.result !== "signed" && ++notSigned > MAX_NOT_SIGNED) {
        if (notSigned === MAX_NOT_SIGNED + 1)
          log.warn("too many signatures that were not made: the record leaves out more of them for a while", {
            file: path,
          });
        return;
      }
      try {
        mkdirSync(folder, { recursive: true, mode: 0o700 });
        const bytes = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
        if (bytes >= maxBytes) renameSync(path, join(folder, OLD_FILE_NAME));
        appendFileSync(path, encodeLine(entry, time), { mode: 0o600 });
      } catch (error) {
        // A login must not fail for want of its record; the log still has the line.
        log.error("the record of signatures cannot be written", { file: path, error: messageOf(error) });
      }
    },
  };
}

/**
 * The entries that are kept, the newest last. Lines that cannot be read are left out.
 *
 * @throws FileError `IO_FAILED`, but not for a file that is missing.
 */
export function readSignatureRecord(folder: string): readonly DatedSignatureEntry[] {
  return [OLD_FILE_NAME, FILE_NAME].flatMap((name) => readText(join(folder, name)).split("\n").flatMap(decodeLine));
}

function encodeLine({ user, namespace, hosts, program, ...entry }: SignatureEntry, time: Date): string {
  const line = {
    time: time.toISOString(),
    ...entry,
    user: user?.slice(0, MAX_TEXT),
    namespace: namespace?.slice(0, MAX_TEXT),
    hosts: hosts?.slice(0, MAX_HOSTS).map((host) => host.slice(0, MAX_TEXT)),
    program: program?.slice(0, MAX_TEXT),
  };
  return `${JSON.stringify(line)}\n`;
}

function decodeLine(line: string): readonly DatedSignatureEntry[] {
  try {
    return [lineSchema.parse(JSON.parse(line))];
  } catch {
    return []; // the end of a file, what a crash has cut short, or the line of another version
  }
}

function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    if (cause instanceof Error && "code" in cause && (cause.code === "ENOENT" || cause.code === "ENOTDIR")) return "";
    throw new FileError(`read the record of signatures ${path}: ${messageOf(cause)}`, { details: { path }, cause });
  }
}
