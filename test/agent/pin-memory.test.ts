import { describe, expect, test } from "vitest";
import { PinMemory } from "../../agent/pin-memory.ts";
import { FakeClock } from "../helpers/fake-clock.ts";
import { digitsOf, spyPin, unwiped } from "../helpers/spy-pin.ts";

const TTL = 1000;
const MAX_TTL = 2500;

function setUp(options: { ttlMs?: number; maxTtlMs?: number | undefined } = { maxTtlMs: MAX_TTL }) {
  const clock = new FakeClock();
  const memory = new PinMemory({ ttlMs: TTL, ...options, now: clock.now, setTimer: clock.setTimer });
  return { clock, memory };
}

describe("PinMemory", () => {
  test("keeps a copy and gives copies: the caller's own wipe changes nothing", () => {
    const { memory } = setUp();
    const pin = spyPin("1234");
    memory.keep("card", 7, pin);
    pin.wipe();
    const first = memory.recall("card", 7);
    first?.wipe();
    expect(digitsOf(memory.recall("card", 7))).toBe("1234");
  });

  test("holds for one card and one insertion", () => {
    const { memory } = setUp();
    memory.keep("card", 7, spyPin("1234"));
    expect(memory.recall("card", 8)).toBeUndefined();
    expect(memory.recall("other", 7)).toBeUndefined();
    expect(digitsOf(memory.recall("card", 7))).toBe("1234");
  });

  test("without an insertion: in every insertion of that card, and not wiped when it leaves", () => {
    const { memory } = setUp();
    memory.keep("card", undefined, spyPin("1234"));
    memory.forgetInsertionsExcept(new Set());
    expect(digitsOf(memory.recall("card", 8))).toBe("1234");
    expect(memory.recall("other", 8)).toBeUndefined();
  });

  test("a named lifetime stands for both times, however often it is used", () => {
    const { clock, memory } = setUp();
    memory.keep("card", 7, spyPin("1234"), 10 * MAX_TTL);
    clock.advance(5 * MAX_TTL);
    expect(digitsOf(memory.recall("card", 7))).toBe("1234");
    clock.advance(5 * MAX_TTL - 1);
    expect(memory.has("card", 7)).toBe(true);
    clock.advance(1);
    expect(memory.has("card", 7)).toBe(false);
    expect(clock.timers).toBe(0);
  });

  test("asking whether there is one is no use of it", () => {
    const { clock, memory } = setUp();
    memory.keep("card", 7, spyPin("1234"));
    clock.advance(TTL - 1);
    expect(memory.has("card", 7)).toBe(true);
    clock.advance(1);
    expect(memory.has("card", 7)).toBe(false);
  });

  test("two cards each have their own", () => {
    const { memory } = setUp();
    memory.keep("a", 1, spyPin("1111"));
    memory.keep("b", 2, spyPin("2222"));
    expect([digitsOf(memory.recall("a", 1)), digitsOf(memory.recall("b", 2))]).toEqual(["1111", "2222"]);
  });

  test("wiped by its timer when nobody asks", () => {
    const { clock, memory } = setUp();
    const pin = spyPin("1234");
    memory.keep("card", 7, pin);
    pin.wipe();
    clock.advance(TTL - 1);
    expect(unwiped(pin)).toBe(1);
    clock.advance(1);
    expect(unwiped(pin)).toBe(0);
    expect(clock.timers).toBe(0);
  });

  test("gone at its time even before the timer has run", () => {
    const { clock, memory } = setUp();
    const pin = spyPin("1234");
    memory.keep("card", 7, pin);
    pin.wipe();
    clock.advanceWithoutTimers(TTL);
    expect(memory.recall("card", 7)).toBeUndefined();
    expect(unwiped(pin)).toBe(0);
  });

  test("a use starts the time again, up to the hard maximum", () => {
    const { clock, memory } = setUp();
    memory.keep("card", 7, spyPin("1234"));
    for (const at of [900, 1800, 2400]) {
      clock.advance(at - clock.now());
      expect(digitsOf(memory.recall("card", 7)), `at ${at}`).toBe("1234");
    }
    clock.advance(MAX_TTL - clock.now());
    expect(memory.recall("card", 7)).toBeUndefined();
    expect(clock.timers).toBe(0);
  });

  test("a timer that fires early does not cut the time short", () => {
    const { clock, memory } = setUp();
    memory.keep("card", 7, spyPin("1234"));
    clock.fireAll();
    expect(digitsOf(memory.recall("card", 7))).toBe("1234");
    expect(clock.timers).toBe(1);
  });

  test.each([
    { ttlMs: 1000, expected: 8 * 3600 * 1000 },
    { ttlMs: 12 * 3600 * 1000, expected: 12 * 3600 * 1000 },
  ])("without a maximum: 8 hours, or the ttl $ttlMs if longer", ({ ttlMs, expected }) => {
    const { clock, memory } = setUp({ ttlMs, maxTtlMs: undefined });
    memory.keep("card", 7, spyPin("1234"));
    const step = ttlMs / 2;
    while (clock.now() + step < expected) {
      clock.advance(step);
      memory.recall("card", 7)?.wipe();
    }
    clock.advance(expected - 1 - clock.now());
    expect(memory.recall("card", 7)).toBeDefined();
    clock.advance(1);
    expect(memory.recall("card", 7)).toBeUndefined();
  });

  test("no timer is longer than Node's timers can be", () => {
    const ttlMs = 2 ** 33;
    const { clock, memory } = setUp({ ttlMs });
    memory.keep("card", 7, spyPin("1234"));
    expect(clock.longestDelay).toBe(2 ** 31 - 1);
    clock.advance(ttlMs - 1);
    expect(memory.recall("card", 7)).toBeDefined();
    clock.advance(ttlMs);
    expect(memory.recall("card", 7)).toBeUndefined();
  });

  test("a new PIN takes the place of the old one, which is wiped with its timer", () => {
    const { clock, memory } = setUp();
    const old = spyPin("1111");
    memory.keep("card", 7, old);
    old.wipe();
    clock.advance(500);
    memory.keep("card", 8, spyPin("2222"));
    expect(unwiped(old)).toBe(0);
    expect(clock.timers).toBe(1);
    clock.advance(999);
    expect(digitsOf(memory.recall("card", 8))).toBe("2222");
  });

  test("forgets one card, or all", () => {
    const { clock, memory } = setUp();
    const pins = ["a", "b", "c"].map((id, i) => {
      const pin = spyPin("1234");
      memory.keep(id, i, pin);
      pin.wipe();
      return pin;
    });
    memory.forget("b");
    expect(pins.map(unwiped)).toEqual([1, 0, 1]);
    memory.forget();
    expect(pins.map(unwiped)).toEqual([0, 0, 0]);
    expect(clock.timers).toBe(0);
  });

  test("forgets the cards that have left", () => {
    const { memory } = setUp();
    const [left, stays] = [spyPin("1111"), spyPin("2222")];
    memory.keep("a", 1, left);
    memory.keep("b", 2, stays);
    left.wipe();
    stays.wipe();
    memory.forgetInsertionsExcept(new Set([2, 3]));
    expect([unwiped(left), unwiped(stays)]).toEqual([0, 1]);
  });
});
