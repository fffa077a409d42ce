import { describe, expect, it } from "vitest";
import { startProgress } from "../../cli/progress.ts";

/** What is written while a clock runs that the test sets. */
function progress(options: { readonly terminal?: boolean; readonly total?: number | undefined } = {}) {
  const written: string[] = [];
  let time = 0;
  const shown = startProgress({
    output: {
      write: (text) => void written.push(text),
      writeBytes: () => {},
      drained: () => Promise.resolve(),
      isTerminal: options.terminal ?? true,
    },
    label: "hashing",
    total: "total" in options ? options.total : 1000,
    now: () => time,
  });
  const advance = (bytes: number, atMs: number) => {
    time = atMs;
    shown.advance(bytes);
  };
  return { written, advance, end: () => shown.end() };
}

const WIPE = "\r\x1b[K";

describe("progress", () => {
  it("shows how far a long job is, not too often, and leaves nothing behind", () => {
    const { written, advance, end } = progress();
    advance(100, 0);
    advance(100, 999);
    advance(55, 1000);
    advance(1, 1100);
    advance(744, 1200);
    expect(written).toEqual([`${WIPE}hashing: 25 %`, `${WIPE}hashing: 100 %`]);
    end();
    end();
    expect(written.slice(2)).toEqual([WIPE]);
  });

  it("says nothing of a short job, nor where there is no terminal", () => {
    const short = progress();
    short.advance(1000, 900);
    short.end();
    const piped = progress({ terminal: false });
    piped.advance(1000, 5000);
    piped.end();
    expect([...short.written, ...piped.written]).toEqual([]);
  });

  it("counts where nobody knows how much there is, and never says more than all", () => {
    const open = progress({ total: undefined });
    open.advance(5 << 20, 2000);
    expect(open.written).toEqual([`${WIPE}hashing: 5 MiB`]);
    const grown = progress();
    grown.advance(2000, 2000);
    expect(grown.written).toEqual([`${WIPE}hashing: 100 %`]);
  });
});
