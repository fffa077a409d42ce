import { expect, it } from "vitest";
import { formatResults, Samples } from "./samples.ts";

/** Jobs of these many commands. */
async function samplesOf(ours: readonly number[], peer: readonly number[]): Promise<Samples> {
  let seen = 100;
  const samples = new Samples(() => seen);
  const take = (side: "ours" | "peer", commands: number) =>
    samples.take("login", side, async () => {
      seen += commands;
    });
  for (const commands of ours) await take("ours", commands);
  for (const commands of peer) await take("peer", commands);
  return samples;
}

it("gives medians, of odd and even numbers of samples, and their ratio", async () => {
  const [result] = (await samplesOf([9, 1, 2], [10, 2, 100, 6])).results();
  expect(result).toMatchObject({ job: "login", runs: 3, commands: { ours: 2, peer: 8, ratio: 0.25 } });
});

it("has no ratio to nothing", async () => {
  const [result] = (await samplesOf([1], [0])).results();
  expect(result?.commands).toEqual({ ours: 1, peer: 0, ratio: undefined });
});

it("keeps no sample of a job that fails", async () => {
  const samples = new Samples(() => 0);
  await expect(samples.take("login", "ours", () => Promise.reject(new Error("refused")))).rejects.toThrow("refused");
  expect(samples.results()).toEqual([]);
});

it("prints a line for each job, with its columns below the heads", async () => {
  const lines = formatResults((await samplesOf([1], [73])).results()).split("\n");
  expect(lines[1]).toMatch(/^login +1 +1 +73 +0\.01 +\d+ +\d+ /);
  expect(lines[0]).toHaveLength(lines[1]?.length ?? 0);
});
