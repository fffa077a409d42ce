/** Puts what was planned into a person's files, and takes it out again. Both may be done twice. */

import { createHash } from "node:crypto";
import { dirname } from "node:path";
import { FileError } from "../../lib/errors.ts";
import type { Deps } from "../deps.ts";
import { type GitValues, globalGitFile, readGitValue, setGitValue, unsetGitValue } from "./git-settings.ts";
import { withBlock, withoutBlock } from "./marked-block.ts";
import { ownSignersFile, type SetUpPlan, sshConfigFile } from "./plan.ts";
import { readSetUp, type SetUpRecord, writeSetUp } from "./record.ts";
import { LOGIN_SHELLS, shellFile } from "./shell-lines.ts";
import { readTextFile, replaceTextFile, requireWritable, type TextFile } from "./text-file.ts";

/** What became of one file. `kept`: the person has something else there, which stays. */
export interface FileChange {
  readonly path: string;
  readonly result: "written" | "unchanged" | "removed" | "kept";
}

export type Places = Pick<Deps, "env" | "home">;

const KEY_FILE_MODE = 0o644;

/**
 * Everything that could refuse is looked at before the first file is changed.
 *
 * @throws FileError `IO_FAILED`: a file is read-only, its marks are damaged, or another key lies where ours belongs.
 */
export async function writePlan(plan: SetUpPlan, deps: Places): Promise<readonly FileChange[]> {
  const recorded = await readSetUp(deps);
  const gitPath = globalGitFile(deps);
  const before = { ...recorded, git: recorded.git?.file === gitPath ? recorded.git : undefined };
  const git = plan.git !== undefined && (await mayWriteGit(plan.git.values, before, deps)) ? plan.git : undefined;
  const blocks = [plan.shell, plan.ssh, ...(git === undefined ? [] : [git.signers])];
  const edits = [
    ...(await Promise.all(plan.keyFiles.map((key) => planKeyFile(key.path, key.text, before)))),
    ...(await Promise.all(blocks.map(({ path, text }) => planBlock(path, text)))),
  ];
  for (const { file, text } of edits) if (file.text !== text) await requireWritable(file.path);
  const gitFile = await readTextFile(gitPath);
  if (git !== undefined) await requireWritable(gitFile.path);
  const missing = git === undefined ? {} : await missingValues(git.values, deps);
  const record: SetUpRecord = {
    version: 1,
    marked: [...new Set([...before.marked, ...blocks.map(({ path }) => path)])],
    keyFiles: [
      ...before.keyFiles.filter(({ path }) => !plan.keyFiles.some((key) => key.path === path)),
      ...plan.keyFiles,
    ],
    git: git === undefined ? before.git : gitRecord(gitFile, missing, before.git),
  };
  await writeSetUp(record, deps);
  for (const { file, text, mode } of edits) if (file.text !== text) await replaceTextFile(file, text, mode);
  for (const [name, value] of Object.entries(missing)) await setGitValue(name, value, deps);
  if (record.git !== undefined && isUntouched(gitFile, before.git))
    await writeSetUp({ ...record, git: { ...record.git, after: digest(await readTextFile(gitFile.path)) } }, deps);
  const changes = edits.map(({ file, text }) => changeOf(file, file.text === text ? "unchanged" : "written"));
  if (plan.git === undefined) return changes;
  const gitResult = git === undefined ? "kept" : Object.keys(missing).length === 0 ? "unchanged" : "written";
  return [...changes, changeOf(gitFile, gitResult)];
}

/**
 * Takes out every line of ours, from the files of all shells.
 *
 * @returns the files that held something.
 * @throws FileError `IO_FAILED`: a file is read-only, or its marks are damaged.
 */
export async function removeSetUp(deps: Places): Promise<readonly FileChange[]> {
  const record = await readSetUp(deps);
  const places = [...LOGIN_SHELLS.map((shell) => shellFile(shell, deps)), sshConfigFile(deps.home)];
  const changes: FileChange[] = [];
  for (const path of new Set([...record.marked, ...places, ownSignersFile(deps.home)])) {
    const file = await readTextFile(path);
    if (file.text === undefined) continue;
    const text = withoutBlock(path, file.text);
    if (text === file.text) continue;
    await replaceTextFile(file, text);
    changes.push(changeOf(file, "removed"));
  }
  for (const { path, text } of record.keyFiles) {
    const file = await readTextFile(path);
    if (file.text === undefined) continue;
    if (file.text === text) await replaceTextFile(file, undefined);
    changes.push(changeOf(file, file.text === text ? "removed" : "kept"));
  }
  if (record.git !== undefined) changes.push(await removeGit(record.git, deps));
  await writeSetUp(undefined, deps);
  return changes;
}

interface Edit {
  readonly file: TextFile;
  readonly text: string;
  readonly mode?: number;
}

async function planBlock(path: string, body: string): Promise<Edit> {
  const file = await readTextFile(path);
  return { file, text: withBlock(path, file.text, Buffer.from(body).toString("latin1")) };
}

async function planKeyFile(path: string, text: string, { keyFiles }: SetUpRecord): Promise<Edit> {
  const file = await readTextFile(path);
  const isOurs = keyFiles.some((key) => key.path === path && key.text === file.text);
  if (file.text !== undefined && file.text !== text && !isOurs)
    throw new FileError(`write ${path}: another file lies there`, {
      hint: `move it out of ${dirname(path)}`,
      details: { path },
    });
  return { file, text, mode: KEY_FILE_MODE };
}

/** Not where any of the values is another one of the person's own: half of our settings would break theirs. */
async function mayWriteGit(values: GitValues, { git }: SetUpRecord, deps: Places): Promise<boolean> {
  for (const [name, value] of Object.entries(values)) {
    const found = await readGitValue(name, deps);
    if (found !== undefined && found !== value && found !== git?.values[name]) return false;
  }
  return true;
}

async function missingValues(values: GitValues, deps: Places): Promise<GitValues> {
  const found = await Promise.all(
    Object.entries(values).map(async ([name, value]) => ({ name, value, now: await readGitValue(name, deps) })),
  );
  return Object.fromEntries(found.filter(({ value, now }) => now !== value).map(({ name, value }) => [name, value]));
}

type GitRecord = NonNullable<SetUpRecord["git"]>;

function gitRecord({ path, text }: TextFile, values: GitValues, before: GitRecord | undefined): GitRecord {
  return { file: path, before: text ?? null, after: "", ...before, values: { ...before?.values, ...values } };
}

/** Whether nobody has changed git's file since we did. */
function isUntouched(file: TextFile, git: GitRecord | undefined): boolean {
  return git === undefined || git.after === digest(file);
}

function digest({ text = "" }: TextFile): string {
  return createHash("sha256").update(text, "latin1").digest("hex");
}

async function removeGit(git: GitRecord, deps: Places): Promise<FileChange> {
  const file = await readTextFile(git.file);
  if (isUntouched(file, git)) await replaceTextFile(file, git.before ?? undefined);
  else for (const [name, value] of Object.entries(git.values)) await unsetGitValue(name, value, deps);
  return changeOf(file, (await readTextFile(git.file)).text === file.text ? "unchanged" : "removed");
}

function changeOf({ path }: TextFile, result: FileChange["result"]): FileChange {
  return { path, result };
}
