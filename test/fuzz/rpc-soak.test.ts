/** A short run of the PKCS #11 soak; `npm run soak` makes it a million frames (SOAK_FRAMES, SOAK_SEED). */

import { expect, it } from "vitest";
import { soakRpc } from "./rpc-soak.ts";

const FRAMES = Number(process.env["SOAK_FRAMES"] ?? 30_000);
const SEED = Number(process.env["SOAK_SEED"] ?? Date.now() % 2 ** 32);
const MIB = 1024 * 1024;

it(`${FRAMES} frames of any kind over many connections, with honest signatures among them`, {
  timeout: 60_000 + FRAMES,
}, async () => {
  const report = await soakRpc({ frames: FRAMES, clients: 100, stopped: 300, signEvery: 2000, seed: SEED });
  const mib = ([early, late]: readonly [number, number]) =>
    `${(early / MIB).toFixed(1)} -> ${(late / MIB).toFixed(1)} MiB`;
  process.stderr.write(
    `seed ${SEED}: ${report.frames} frames, ${report.connections} connections, ${report.seconds.toFixed(1)} s; ` +
      `heap ${mib(report.heap)}, RSS ${mib(report.rss)}; ` +
      `${report.signed} signatures, worst ${report.worstSignMs.toFixed(0)} ms\n`,
  );
  expect(report.frames).toBeGreaterThanOrEqual(FRAMES);
  expect(report.signed).toBe(report.asked);
  expect(report.signed).toBeGreaterThanOrEqual(FRAMES / 10_000);
  expect(report.worstSignMs).toBeLessThan(30_000);
  expect(report.heap[1] - report.heap[0]).toBeLessThan(32 * MIB);
  // Buffers lie outside the heap.
  expect(report.rss[1] - report.rss[0]).toBeLessThan(96 * MIB);
});
