/** The module file of p11-kit, written between marks and taken out again, also by `env --remove`. */

import { withBlock, withoutBlock } from "./marked-block.ts";
import { moduleFile } from "./p11-kit.ts";
import type { FileLines } from "./plan.ts";
import { readSetUp, writeSetUp } from "./record.ts";
import { readTextFile, replaceTextFile } from "./text-file.ts";
import type { FileChange, Places } from "./write.ts";

/** Other users may read it: it holds no more than a path. */
const MODE = 0o644;

/** @throws FileError `IO_FAILED`: read-only, or its marks are damaged. */
export async function writeModuleFile({ path, text }: FileLines, deps: Places): Promise<FileChange> {
  const file = await readTextFile(path);
  const wanted = withBlock(path, file.text, Buffer.from(text).toString("latin1"));
  if (file.text === wanted) return { path, result: "unchanged" };
  const record = await readSetUp(deps);
  await writeSetUp({ ...record, marked: [...new Set([...record.marked, path])] }, deps);
  await replaceTextFile(file, wanted, MODE);
  return { path, result: "written" };
}

/** @returns nothing where there was nothing of ours. @throws FileError `IO_FAILED`. */
export async function removeModuleFile(deps: Places): Promise<readonly FileChange[]> {
  const path = moduleFile(deps);
  const file = await readTextFile(path);
  if (file.text === undefined) return [];
  const text = withoutBlock(path, file.text);
  if (text === file.text) return [];
  await replaceTextFile(file, text);
  return [{ path, result: "removed" }];
}
