/** Files of any size that are signed or were signed: read in pieces, never as a whole. */

import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { type FileHandle, open, stat } from "node:fs/promises";
import { basename, resolve } from "node:path";
import { ConfigError, FileError, messageOf, TooLargeError } from "../lib/errors.ts";
import { printable } from "../lib/printable.ts";
import { type ByteSource, memorySource } from "../lib/x509/byte-source.ts";
import type { CommandContext } from "./context.ts";
import { requireFittingFile, STANDARD_STREAM } from "./files.ts";
import { startProgress } from "./progress.ts";

export interface Document {
  /** For a person. */
  readonly name: string;
  /** Bytes; undefined for what can be read once only: standard input, a pipe. */
  readonly size: number | undefined;
  /** From its beginning to its end; aborts with the command. @throws FileError `IO_FAILED` */
  read(): AsyncIterable<Uint8Array>;
}

const CHUNK_BYTES = 1 << 20;

/** @throws FileError `IO_FAILED`. */
export async function openDocument(path: string, { deps, messages }: CommandContext): Promise<Document> {
  const { signal } = deps;
  if (path === STANDARD_STREAM) {
    const name = messages.document.standardInput;
    return { name, size: undefined, read: () => named(name, signal, deps.stdin()) };
  }
  const found = await stat(path).catch((error: unknown) => {
    throw asFileError(path, error);
  });
  if (found.isDirectory())
    throw new FileError(`read ${path}: it is a folder`, { details: { problem: "folder", path } });
  return {
    name: printable(basename(path)),
    size: found.isFile() ? found.size : undefined,
    read: () => named(path, signal, createReadStream(path, { highWaterMark: CHUNK_BYTES, signal })),
  };
}

/** The same chunks, while a person sees how far they are. @param label printable. */
export async function* shown(
  chunks: AsyncIterable<Uint8Array>,
  { label, total }: { readonly label: string; readonly total: number | undefined },
  { deps }: CommandContext,
): AsyncIterable<Uint8Array> {
  const progress = startProgress({ output: deps.stderr, label, total });
  try {
    for await (const chunk of chunks) {
      yield chunk;
      progress.advance(chunk.length);
    }
  } finally {
    progress.end();
  }
}

/** The same chunks. @throws FileError `IO_FAILED` at their end, if their SHA-256 is another than before. */
export async function* unchanged(
  chunks: AsyncIterable<Uint8Array>,
  sha256: Uint8Array,
  name: string,
): AsyncIterable<Uint8Array> {
  const hash = createHash("sha256");
  for await (const chunk of chunks) {
    hash.update(chunk);
    yield chunk;
  }
  if (!hash.digest().equals(sha256))
    throw new FileError(`read ${name}: it has changed meanwhile`, { details: { problem: "changed", path: name } });
}

/** All of it in memory. @throws TOO_LARGE */
export async function readAll(document: Document, maxBytes: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of document.read()) {
    length += chunk.length;
    if (length > maxBytes) throw new TooLargeError(`read ${document.name}: more than ${maxBytes} bytes`);
    chunks.push(chunk);
  }
  return new Uint8Array(Buffer.concat(chunks));
}

/** Does something with a document of which any part can be read. @throws TOO_LARGE for a long one that is no file. */
export async function withSource<T>(
  path: string,
  document: Document,
  maxBytes: number,
  use: (source: ByteSource) => Promise<T>,
): Promise<T> {
  const { size } = document;
  if (size === undefined) return use(memorySource(await readAll(document, maxBytes)));
  let file: FileHandle | undefined;
  try {
    const opened = await open(path);
    file = opened;
    return await use({ size, read: (offset, length) => readExactly(opened, path, offset, length) });
  } catch (error) {
    throw asFileError(path, error);
  } finally {
    await file?.close();
  }
}

/**
 * That `output` can be written, as far as can be told before somebody types a PIN for nothing.
 *
 * @throws ConfigError if it would be put in the place of `input`; FileError `IO_FAILED`.
 */
export async function requireFittingOutput(input: string, output: string): Promise<void> {
  const [from, to] = await Promise.all([input, output].map((path) => stat(resolve(path)).catch(() => undefined)));
  if (input !== STANDARD_STREAM && from !== undefined && from.dev === to?.dev && from.ino === to.ino)
    throw new ConfigError(`${output} is the file that is read; it will not be overwritten`, {
      details: { problem: "output-is-input", value: output },
    });
  await requireFittingFile(resolve(output));
}

/** What may not fit into memory, to stdout as fast as it is taken there. */
export async function pipeOut(chunks: AsyncIterable<Uint8Array>, { deps }: CommandContext): Promise<void> {
  for await (const chunk of chunks) {
    deps.stdout.writeBytes(chunk);
    await deps.stdout.drained();
  }
}

async function readExactly(file: FileHandle, path: string, offset: number, length: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(length);
  let done = 0;
  while (done < length) {
    const { bytesRead } = await file.read(bytes, done, length - done, offset + done);
    if (bytesRead === 0)
      throw new FileError(`read ${path}: it has become shorter meanwhile`, { details: { problem: "changed", path } });
    done += bytesRead;
  }
  return bytes;
}

/** The same chunks; an end that was asked for comes as such. */
async function* named(path: string, signal: AbortSignal, chunks: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  try {
    yield* chunks;
  } catch (error) {
    signal.throwIfAborted();
    throw asFileError(path, error);
  }
}

/** What the system says, in our form; anything else as it is. */
function asFileError(path: string, error: unknown): unknown {
  if (!(error instanceof Error) || !("syscall" in error)) return error;
  return new FileError(`read ${path}: ${messageOf(error)}`, { details: { path }, cause: error });
}
