import { describe, expect, it } from "vitest";
import { JUMP_MS, SuspendWatch, WATCH_MS } from "../../agent/suspend-watch.ts";
import { FakeClock } from "../helpers/fake-clock.ts";

function setUp() {
  const clock = new FakeClock();
  const noticed = { times: 0 };
  const watch = new SuspendWatch({ ...clock, onSuspend: () => void noticed.times++ });
  return { clock, watch, noticed };
}

describe("SuspendWatch", () => {
  it("notices nothing while both clocks go on alike, however long", () => {
    const { clock, watch, noticed } = setUp();
    clock.advance(100 * WATCH_MS);
    watch.check();
    expect(noticed.times).toBe(0);
  });

  it.each([60_000, -60_000])("notices a wall clock that moved %s ms by itself, when asked, once", (ms) => {
    const { clock, watch, noticed } = setUp();
    clock.sleep(ms);
    watch.check();
    watch.check();
    expect(noticed.times).toBe(1);
  });

  it("notices it by its timer when nobody asks", () => {
    const { clock, noticed } = setUp();
    clock.sleep(60_000);
    expect(noticed.times).toBe(0);
    clock.advance(WATCH_MS);
    expect(noticed.times).toBe(1);
  });

  it("lets a clock be corrected by a little at a time", () => {
    const { clock, noticed } = setUp();
    for (let i = 0; i < 100; i++) {
      clock.sleep(JUMP_MS);
      clock.advance(WATCH_MS);
    }
    expect(noticed.times).toBe(0);
  });

  it("notices a timer that comes far too late, where both clocks went on", () => {
    const { clock, noticed } = setUp();
    clock.advanceWithoutTimers(WATCH_MS + JUMP_MS + 1);
    clock.fireAll();
    expect(noticed.times).toBe(1);
  });

  it("leaves no timer behind", () => {
    const { clock, watch } = setUp();
    watch.close();
    expect(clock.timers).toBe(0);
  });
});
