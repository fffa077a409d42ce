/**
 * A person's own file, changed as a whole: links are followed and stay, mode and owner stay, and a write that fails
 * leaves the old file. Text is the file's bytes one to one (latin1), for nobody says which encoding it has.
 */

import { randomBytes } from "node:crypto";
import { chmod, chown, lstat, mkdir, readFile, realpath, rename, rm, stat, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { FileError, messageOf } from "../../lib/errors.ts";

export interface TextFile {
  /** As it was asked for. */
  readonly path: string;
  /** Undefined: there is none. */
  readonly text: string | undefined;
}

const OWNER_WRITE = 0o200;
const PERMISSIONS = 0o7777;

/** @throws FileError `IO_FAILED`: a folder, a link to nothing, or not to be read. */
export async function readTextFile(path: string): Promise<TextFile> {
  return named(`read ${path}`, path, async () => {
    if ((await lstat(path).catch(ifAbsent)) === undefined) return { path, text: undefined };
    return { path, text: await readFile(path, "latin1") };
  });
}

/**
 * Puts `text` in its place; undefined removes the file.
 *
 * @param mode of a file that is new.
 * @throws FileError `IO_FAILED`: read-only, a link to nothing, changed since `file` was read, or the disk is full.
 */
export async function replaceTextFile(file: TextFile, text: string | undefined, mode = 0o600): Promise<void> {
  const { path } = file;
  await named(`write ${path}`, path, async () => {
    if ((await readTextFile(path)).text !== file.text) throw new Error("it was changed meanwhile");
    if (file.text === undefined) {
      if (text === undefined) return;
      await mkdir(dirname(path), { recursive: true, mode: 0o700 });
      return writeFile(path, text, { encoding: "latin1", mode, flag: "wx" });
    }
    await requireWritable(path);
    if (text === undefined) return rm(path);
    const target = await realpath(path);
    const { mode: kept, uid, gid } = await stat(target);
    const temporary = `${target}.${randomBytes(6).toString("hex")}`;
    try {
      await writeFile(temporary, text, { encoding: "latin1", mode: 0o600, flag: "wx", flush: true });
      const made = await stat(temporary);
      if (made.uid !== uid || made.gid !== gid) await chown(temporary, uid, gid);
      await chmod(temporary, kept & PERMISSIONS);
      await rename(temporary, target);
    } finally {
      await rm(temporary, { force: true });
    }
  });
}

/** A rename would replace a read-only file, and so would root: who made it so does not want it changed. */
export async function requireWritable(path: string): Promise<void> {
  const found = await stat(path).catch(ifAbsent);
  if (found !== undefined && (found.mode & OWNER_WRITE) === 0)
    throw new FileError(`write ${path}: it is read-only`, {
      hint: `make it writable (chmod u+w), or add by hand what jpki-agent env prints`,
      details: { path },
    });
}

async function named<T>(doing: string, path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    if (cause instanceof FileError) throw cause;
    throw new FileError(`${doing}: ${messageOf(cause)}`, { details: { path }, cause });
  }
}

function ifAbsent(error: unknown): undefined {
  if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
  throw error;
}
