/** What was measured of us and of a peer that does the same job in the same run. */

export type Side = "ours" | "peer";

export interface Comparison {
  readonly ours: number;
  readonly peer: number;
  /** Ours by the peer's: below 1 is better. Without one if the peer's is 0. */
  readonly ratio?: number | undefined;
}

/** Medians of one job. */
export interface JobResult {
  readonly job: string;
  /** Times that each side did it. */
  readonly runs: number;
  /** That the card saw; each is a round trip to the reader. */
  readonly commands: Comparison;
  readonly ms: Comparison;
}

interface Sample {
  readonly commands: number;
  readonly ms: number;
}

export class Samples {
  readonly #commandsSeen: () => number;
  readonly #jobs = new Map<string, Record<Side, Sample[]>>();

  /** @param commandsSeen counts up with each command at the card. */
  constructor(commandsSeen: () => number) {
    this.#commandsSeen = commandsSeen;
  }

  /** Does the job once, and keeps what it cost; a job that fails is no sample. */
  async take<T>(job: string, side: Side, work: () => Promise<T>): Promise<T> {
    const before = this.#commandsSeen();
    const start = performance.now();
    const result = await work();
    const sample = { ms: performance.now() - start, commands: this.#commandsSeen() - before };
    const samples = this.#jobs.get(job) ?? { ours: [], peer: [] };
    samples[side].push(sample);
    this.#jobs.set(job, samples);
    return result;
  }

  /** In the order in which the jobs were first done. */
  results(): readonly JobResult[] {
    return [...this.#jobs].map(([job, { ours, peer }]) => {
      const compare = (of: (sample: Sample) => number) => comparison(median(ours.map(of)), median(peer.map(of)));
      return { job, runs: ours.length, commands: compare(({ commands }) => commands), ms: compare(({ ms }) => ms) };
    });
  }
}

/** For people: one line for each job. */
export function formatResults(results: readonly JobResult[]): string {
  const head = ["", "runs", "commands", "peer's", "ratio", "ms", "peer's", "ratio"];
  const cells = (of: Comparison) => [of.ours.toFixed(0), of.peer.toFixed(0), of.ratio?.toFixed(2) ?? "-"];
  const rows = results.map(({ job, runs, commands, ms }) => [job, String(runs), ...cells(commands), ...cells(ms)]);
  const widths = head.map((_, i) => Math.max(...[head, ...rows].map((row) => row[i]?.length ?? 0)));
  const line = (row: readonly string[]) =>
    row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0))).join("  ");
  return `${[head, ...rows].map(line).join("\n")}\n`;
}

function comparison(ours: number, peer: number): Comparison {
  return { ours, peer, ratio: peer === 0 ? undefined : ours / peer };
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  const [low = Number.NaN, high = Number.NaN] = [sorted[Math.ceil(middle) - 1], sorted[Math.floor(middle)]];
  return (low + high) / 2;
}
