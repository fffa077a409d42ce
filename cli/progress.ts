/**
 * How far a long job has come: one line on stderr that is written over and wiped at the end. Nothing is shown where
 * stderr is no terminal, nor of a job that is done within a second.
 */

import type { TextOutput } from "./deps.ts";

export interface Progress {
  /** So many more bytes are done. */
  advance(bytes: number): void;
  /** Wipes the line: before anything else is said, and in every case. May be called twice. */
  end(): void;
}

export interface ProgressOptions {
  readonly output: TextOutput;
  /** What is being done: `hashing contract.pdf`; printable. */
  readonly label: string;
  /** Bytes in all; undefined where nobody knows. */
  readonly total: number | undefined;
  /** Monotonic milliseconds. */
  readonly now?: (() => number) | undefined;
}

const FIRST_AFTER_MS = 1000;
const AGAIN_AFTER_MS = 200;
const MIB = 1 << 20;
/** ECMA-48: to the line's beginning, and erase to its end. */
const WIPE = "\r\x1b[K";

export function startProgress({ output, label, total, now = () => performance.now() }: ProgressOptions): Progress {
  let done = 0;
  let shown = false;
  let nextAt = now() + FIRST_AFTER_MS;
  const amount = () =>
    total === undefined || total === 0
      ? `${Math.floor(done / MIB)} MiB`
      : `${Math.min(100, Math.floor((100 * done) / total))} %`;
  return {
    advance: (bytes) => {
      done += bytes;
      if (!output.isTerminal || now() < nextAt) return;
      nextAt = now() + AGAIN_AFTER_MS;
      shown = true;
      output.write(`${WIPE}${label}: ${amount()}`);
    },
    end: () => {
      if (shown) output.write(WIPE);
      shown = false;
    },
  };
}
