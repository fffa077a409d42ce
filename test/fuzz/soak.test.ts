/** A short run of the soak; `npm run soak` makes it a million frames (SOAK_FRAMES, SOAK_SEED). */

import { expect, it } from "vitest";
import { soak } from "./soak.ts";

const FRAMES = Number(process.env["SOAK_FRAMES"] ?? 20_000);
const SEED = Number(process.env["SOAK_SEED"] ?? Date.now() % 2 ** 32);
const MIB = 1024 * 1024;

it(`${FRAMES} frames of any kind over hundreds of connections, with honest logins among them`, {
  timeout: 60_000 + FRAMES,
}, async () => {
  const report = await soak({ frames: FRAMES, clients: 200, silent: 20, loginEvery: 2000, seed: SEED });
  const mib = ([early, late]: readonly [number, number]) =>
    `${(early / MIB).toFixed(1)} -> ${(late / MIB).toFixed(1)} MiB`;
  process.stderr.write(
    `seed ${SEED}: ${report.frames} frames, ${report.connections} connections, ${report.seconds.toFixed(1)} s; ` +
      `heap ${mib(report.heap)}, RSS ${mib(report.rss)}; ${report.logins} logins, worst ${report.worstLoginMs.toFixed(0)} ms\n`,
  );
  expect(report.frames).toBeGreaterThanOrEqual(FRAMES);
  expect(report.logins).toBeGreaterThanOrEqual(FRAMES / 10_000);
  expect(report.worstLoginMs).toBeLessThan(30_000);
  expect(report.heap[1] - report.heap[0]).toBeLessThan(32 * MIB);
  // Buffers lie outside the heap.
  expect(report.rss[1] - report.rss[0]).toBeLessThan(96 * MIB);
});
