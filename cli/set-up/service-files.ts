/** Files of a service: written, compared and removed by the mark they bear; what bears none is not ours. */

import { FileError } from "../../lib/errors.ts";
import type { FileLines } from "./plan.ts";
import { readTextFile, replaceTextFile, requireWritable } from "./text-file.ts";
import { UNIT_MARK } from "./units.ts";
import type { FileChange } from "./write.ts";

const MODE = 0o644;

/** How the files there stand to those that would be written. */
export type FilesState = "current" | "different" | "absent";

/** @throws FileError `IO_FAILED`: another's file lies there, or is read-only; nothing was written then. */
export async function writeServiceFiles(wanted: readonly FileLines[]): Promise<readonly FileChange[]> {
  const found = await Promise.all(wanted.map(({ path }) => readTextFile(path)));
  for (const { path, text } of found) {
    if (text !== undefined && !text.includes(UNIT_MARK))
      throw new FileError(`write ${path}: a file that is not ours lies there`, {
        hint: "move it away, then run jpki-agent service install again",
        details: { path },
      });
    await requireWritable(path);
  }
  const changes: FileChange[] = [];
  for (const [i, file] of found.entries()) {
    const text = latin1(wanted[i]?.text ?? "");
    if (text !== file.text) await replaceTextFile(file, text, MODE);
    changes.push({ path: file.path, result: text === file.text ? "unchanged" : "written" });
  }
  return changes;
}

/** Removes what is ours; tells what was there. @throws FileError `IO_FAILED`. */
export async function removeServiceFiles(paths: readonly string[]): Promise<readonly FileChange[]> {
  const changes: FileChange[] = [];
  for (const path of paths) {
    const file = await readTextFile(path);
    if (file.text === undefined) continue;
    const isOurs = file.text.includes(UNIT_MARK);
    if (isOurs) await replaceTextFile(file, undefined);
    changes.push({ path, result: isOurs ? "removed" : "kept" });
  }
  return changes;
}

/** @throws FileError `IO_FAILED`. */
export async function stateOfServiceFiles(wanted: readonly FileLines[]): Promise<FilesState> {
  const found = await Promise.all(wanted.map(({ path }) => readTextFile(path)));
  if (found.every(({ text }) => text === undefined)) return "absent";
  return found.every(({ text }, i) => text === latin1(wanted[i]?.text ?? "")) ? "current" : "different";
}

function latin1(text: string): string {
  return Buffer.from(text).toString("latin1");
}
