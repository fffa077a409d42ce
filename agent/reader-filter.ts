/**
 * `--reader NAME`: a reader's whole name, or a part of it in any case, because PC/SC appends changing numbers.
 */

/** @returns whether a reader of this name counts; every reader does if nothing is wanted. */
export function readerFilter(wanted: string | undefined): (reader: string) => boolean {
  if (wanted === undefined) return () => true;
  const part = wanted.toLowerCase();
  return (reader) => reader.toLowerCase().includes(part);
}
