/** A test file whose process freezes must not hold up the run: test/helpers/stand-still.ts ends it. */

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { execPath } from "node:process";
import { afterAll, beforeAll, expect, it } from "vitest";
import { isAlive } from "./helpers/is-alive.ts";
import { type RunResult, run } from "./helpers/run.ts";
import { type TempDir, tempDir } from "./helpers/temp-dir.ts";

const VITEST = "node_modules/vitest/vitest.mjs";
const CONFIG = "test/helpers/frozen-run/vitest.config.ts";

let dir: TempDir;
let result: RunResult;
let counts: unknown;

beforeAll(async () => {
  dir = await tempDir();
  const countsFile = join(dir.path, "counts.json");
  const env = { ...process.env, NO_COLOR: "1", JPKI_AGENT_TEST_COUNTS: countsFile };
  result = await run(execPath, [VITEST, "run", "--config", CONFIG], { env });
  counts = JSON.parse(await readFile(countsFile, "utf8"));
}, 60_000);

afterAll(() => dir.remove());

it("fails the run, and the next file's test counts", () => {
  expect(result.status).toBe(1);
  // The worker's end, and the test that has no result.
  expect(counts).toEqual({ passed: 1, failed: 2, skipped: 0 });
});

it("names the file and the test", () => {
  expect(result.stdout).toContain("test/helpers/frozen-run/frozen.ts stands still");
  expect(result.stdout).toMatch(/no result of:\n +freezes\n/);
  expect(result.stdout).toMatch(/^never finished: .*\/frozen\.ts: freezes$/m);
  expect(result.stdout.match(/stands still$/gm)).toHaveLength(1);
});

it("shows the frozen process and its threads, and what it started", () => {
  expect(result.stdout).toMatch(/^ {2}\d+ \S+ .*\/vitest\/dist\/workers\/forks\.js$/m);
  expect(result.stdout).toMatch(/^ {4}\d+ \S+ sleep 987654$/m);
});

it("ends what the frozen process started", async () => {
  const pid = Number(/^ +(\d+) \S+ sleep 987654$/m.exec(result.stdout)?.[1]);
  await expect.poll(() => isAlive(pid)).toBe(false);
});
