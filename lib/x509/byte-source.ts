/** Bytes that lie somewhere and are read in pieces: a file of any size, or what is in memory. */

export interface ByteSource {
  /** Bytes in all. */
  readonly size: number;
  /**
   * Exactly these bytes, owned by the caller; within {@link size}.
   *
   * @throws FileError `IO_FAILED`, also if there are fewer by now.
   */
  read(offset: number, length: number): Promise<Uint8Array>;
}

/** @param bytes must not change. */
export function memorySource(bytes: Uint8Array): ByteSource {
  return { size: bytes.length, read: async (offset, length) => bytes.slice(offset, offset + length) };
}
