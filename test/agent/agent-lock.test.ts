import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { AgentLock, unlockDelayMs } from "../../agent/agent-lock.ts";
import { utf8 } from "../../lib/bytes.ts";

const PASSWORD = utf8("correct horse");
const WRONG = utf8("wrong");
const never = new AbortController().signal;

let nowMs: number;
let waits: number[];
let lock: AgentLock;

beforeEach(() => {
  nowMs = 0;
  waits = [];
  lock = new AgentLock({
    now: () => nowMs,
    wait: async (delayMs, signal) => {
      waits.push(delayMs);
      signal.throwIfAborted();
      nowMs += delayMs;
    },
  });
});

describe("lock", () => {
  it("holds at once, before the password is hashed", async () => {
    const locking = lock.lock(PASSWORD);
    expect(lock.locked).toBe(true);
    expect(await locking).toBe(true);
  });

  it("refuses an empty password, and a second lock with any password", async () => {
    expect(await lock.lock(new Uint8Array())).toBe(false);
    expect(lock.locked).toBe(false);
    await lock.lock(PASSWORD);
    expect(await lock.lock(PASSWORD)).toBe(false);
    expect(await lock.unlock(PASSWORD, never)).toBe(true);
  });

  it("does not keep the caller's bytes", async () => {
    const typed = new Uint8Array(PASSWORD);
    await lock.lock(typed);
    typed.fill(0);
    expect(await lock.unlock(PASSWORD, never)).toBe(true);
  });
});

describe("unlock", () => {
  it("of an agent that is not locked is refused without a delay", async () => {
    expect(await lock.unlock(PASSWORD, never)).toBe(false);
    expect(waits).toEqual([]);
  });

  it("takes the password and no other, and can be locked with another one then", async () => {
    await lock.lock(PASSWORD);
    for (const wrong of [WRONG, new Uint8Array(), PASSWORD.subarray(1), utf8("correct horse ")])
      expect(await lock.unlock(wrong, never)).toBe(false);
    expect(await lock.unlock(PASSWORD, never)).toBe(true);
    expect(lock.locked).toBe(false);
    await lock.lock(WRONG);
    expect(await lock.unlock(PASSWORD, never)).toBe(false);
    expect(await lock.unlock(WRONG, never)).toBe(true);
  });

  it("waits 0.1 s more after each wrong password in a row", async () => {
    await lock.lock(PASSWORD);
    for (let i = 0; i < 3; i++) await lock.unlock(WRONG, never);
    expect(waits).toEqual([100, 200, 300]);
    await lock.unlock(PASSWORD, never);
    await lock.lock(PASSWORD);
    await lock.unlock(WRONG, never);
    expect(waits.at(-1)).toBe(100);
  });

  it("waits 10 s at most", () => {
    expect([99, 100, 101, 100_000].map(unlockDelayMs)).toEqual([9900, 10_000, 10_000, 10_000]);
  });

  it("looks at one password after the other, however many clients try", async () => {
    await lock.lock(PASSWORD);
    const answers = await Promise.all([WRONG, WRONG, PASSWORD].map((password) => lock.unlock(password, never)));
    expect(answers).toEqual([false, false, true]);
    expect(waits).toEqual([100, 200]);
  });
});

describe("a client that leaves during the delay", () => {
  let leaving: AbortController;
  let resume: (() => void) | undefined;

  beforeEach(async () => {
    leaving = new AbortController();
    lock = new AgentLock({
      now: () => nowMs,
      wait: (delayMs, signal) =>
        new Promise((resolve, reject) => {
          waits.push(delayMs);
          signal.addEventListener("abort", () => reject(signal.reason), { once: true });
          resume = () => {
            nowMs += delayMs;
            resolve();
          };
        }),
    });
    await lock.lock(PASSWORD);
  });
  afterEach(() => leaving.abort());

  it("gains nothing: the next attempt waits for what is left of it", async () => {
    const given = lock.unlock(WRONG, leaving.signal);
    await expect.poll(() => waits).toEqual([100]);
    nowMs += 40;
    leaving.abort(new Error("gone"));
    await expect(given).rejects.toThrow("gone");
    const next = lock.unlock(PASSWORD, never);
    await expect.poll(() => waits).toEqual([100, 60]);
    resume?.();
    expect(await next).toBe(true);
  });
});
