/** Files that a command line names: what is read has a limit, what is written replaces the old one as a whole. */

import { randomBytes } from "node:crypto";
import { constants, createReadStream } from "node:fs";
import { access, lstat, mkdir, rename, rm, stat, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { FileError, messageOf, TooLargeError } from "../lib/errors.ts";

/** What stands for standard input or output on a command line. */
export const STANDARD_STREAM = "-";

/**
 * Also of a pipe or a device, whose size nobody tells.
 *
 * @throws FileError `IO_FAILED`; TOO_LARGE.
 */
export async function readInputFile(path: string, maxBytes: number): Promise<Uint8Array> {
  return named(`read ${path}`, path, async () => {
    const chunks: Uint8Array[] = [];
    // One byte more than the limit: `end` is the last byte that is read.
    for await (const chunk of createReadStream(path, { end: maxBytes })) chunks.push(chunk);
    const bytes = new Uint8Array(Buffer.concat(chunks));
    if (bytes.length > maxBytes) throw new TooLargeError(`read ${path}: more than ${maxBytes} bytes`);
    return bytes;
  });
}

/**
 * Puts `bytes` at `path`, whole or not at all, with this mode also where a file was there before.
 *
 * @param bytes all of them, or what gives them one after the other; if that fails, `path` stays as it was.
 * @param mode permission bits; the umask takes some away.
 * @throws FileError `IO_FAILED`, also where something else than a plain file is there: a link is not followed.
 */
export async function writeOutputFile(
  path: string,
  bytes: Uint8Array | AsyncIterable<Uint8Array>,
  mode: number,
): Promise<void> {
  await named(`write ${path}`, path, async () => {
    await requirePlainFile(path);
    const temporary = `${path}.${randomBytes(6).toString("hex")}`;
    try {
      await writeFile(temporary, bytes, { mode, flag: "wx", flush: true });
      await rename(temporary, path);
    } finally {
      await rm(temporary, { force: true });
    }
  });
}

/**
 * That {@link writeOutputFile} will be able to, as far as can be told before somebody types a PIN for nothing.
 *
 * @throws FileError `IO_FAILED`.
 */
export async function requireFittingFile(path: string): Promise<void> {
  await named(`write ${path}`, path, async () => {
    await requirePlainFile(path);
    await access(dirname(path), constants.W_OK);
  });
}

/** The same for {@link ensureFolder} and files in that folder. @throws FileError `IO_FAILED`. */
export async function requireFittingFolder(path: string): Promise<void> {
  await named(`write into ${path}`, path, async () => {
    const found = await stat(path).catch(ifAbsent);
    if (found === undefined) return requireFittingFolder(dirname(path));
    if (!found.isDirectory()) throw unfit(path, "not-a-folder", "it is no folder");
    await access(path, constants.W_OK);
  });
}

/** A folder for files of the user's own: made where it is missing, for them alone. @throws FileError `IO_FAILED`. */
export async function ensureFolder(path: string): Promise<void> {
  await named(`make the folder ${path}`, path, () => mkdir(path, { recursive: true, mode: 0o700 }));
}

async function requirePlainFile(path: string): Promise<void> {
  if ((await lstat(path).catch(ifAbsent))?.isFile() === false)
    throw unfit(path, "no-plain-file", "it is no plain file");
}

function unfit(path: string, problem: string, fact: string): FileError {
  return new FileError(`write ${path}: ${fact}`, { details: { problem, path } });
}

/** What the system says, in our form; anything else as it is, such as the end of what gives the bytes. */
async function named<T>(doing: string, path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    if (!(cause instanceof Error) || !("syscall" in cause)) throw cause;
    throw new FileError(`${doing}: ${messageOf(cause)}`, { details: { path }, cause });
  }
}

function ifAbsent(error: unknown): undefined {
  if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
  throw error;
}
