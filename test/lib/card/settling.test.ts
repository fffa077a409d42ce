/** When a watch is at rest. */

import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Settling } from "../../../lib/card/settling.ts";

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

describe("rest", () => {
  it.each([
    { reports: [], restsAfterMs: 500 },
    { reports: [200], restsAfterMs: 700 },
    { reports: [200, 690], restsAfterMs: 1190 },
  ])("comes half a second after the call and after the last of $reports", async ({ reports, restsAfterMs }) => {
    const settling = new Settling(
      () => true,
      () => {},
    );
    settling.report();
    await vi.advanceTimersByTimeAsync(5000);
    for (const ms of reports) setTimeout(() => settling.report(), ms);
    let rests = false;
    const resting = settling.rest().then(() => {
      rests = true;
    });
    await vi.advanceTimersByTimeAsync(restsAfterMs - 1);
    expect(rests).toBe(false);
    await vi.advanceTimersByTimeAsync(1);
    await resting;
    expect(rests).toBe(true);
  });
});
