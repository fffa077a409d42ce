/** What `env --write` has changed, in `set-up.json` of the state folder, for `env --remove` to change it back. */

import { join } from "node:path";
import { FileError, messageOf } from "../../lib/errors.ts";
import { type PathSources, stateFolder } from "../../lib/paths.ts";
import { z } from "../../lib/schema.ts";
import { readTextFile, replaceTextFile } from "./text-file.ts";

const setUpRecord = z.strictObject({
  version: z.literal(1),
  /** Files that hold a block of ours, absolute. */
  marked: z.array(z.string()),
  /** Public keys, with their text (latin1). */
  keyFiles: z.array(z.strictObject({ path: z.string(), text: z.string() })),
  git: z
    .strictObject({
      /** The file of `git config --global`. */
      file: z.string(),
      /** Its text (latin1) before our first value; null: there was none. Git itself does not give it back exactly. */
      before: z.string().nullable(),
      /** SHA-256, hex, of what it held right after our last value; empty: not known. */
      after: z.string(),
      /** What we set, and nobody had set. */
      values: z.record(z.string(), z.string()),
    })
    .optional(),
});

export type SetUpRecord = z.infer<typeof setUpRecord>;

const NOTHING: SetUpRecord = { version: 1, marked: [], keyFiles: [] };

/** @throws FileError `IO_FAILED`: it cannot be read, or is damaged. */
export async function readSetUp(paths: PathSources): Promise<SetUpRecord> {
  const { path, text } = await readTextFile(recordFile(paths));
  if (text === undefined) return NOTHING;
  try {
    return setUpRecord.parse(JSON.parse(Buffer.from(text, "latin1").toString("utf8")));
  } catch (cause) {
    throw new FileError(`read ${path}: ${messageOf(cause)}`, { details: { path }, cause });
  }
}

/** Undefined: nothing is set up any more. @throws FileError `IO_FAILED`. */
export async function writeSetUp(record: SetUpRecord | undefined, paths: PathSources): Promise<void> {
  const text = record === undefined ? undefined : `${JSON.stringify(record, null, 2)}\n`;
  const encoded = text === undefined ? undefined : Buffer.from(text).toString("latin1");
  await replaceTextFile(await readTextFile(recordFile(paths)), encoded);
}

function recordFile(paths: PathSources): string {
  return join(stateFolder(paths), "set-up.json");
}
