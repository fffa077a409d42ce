import { describe, expect, it } from "vitest";
import { type InsertedCard, type PinCache, RememberedPins } from "../../agent/remembered-pins.ts";
import { deferred } from "../helpers/deferred.ts";
import { FakeClock } from "../helpers/fake-clock.ts";
import { FakeVault } from "../helpers/fake-vault.ts";
import { recordingLogger } from "../helpers/recording-logger.ts";
import { digitsOf, type SpyPin, spyPin, unwiped } from "../helpers/spy-pin.ts";

const TTL = 1000;
const CARD: InsertedCard = { key: { id: "card", kind: "card" }, insertion: 7 };
const PHONE: InsertedCard = { key: { id: "phone", kind: "phone" }, insertion: 7 };
const again = (card: InsertedCard): InsertedCard => ({ ...card, insertion: 8 });

function setUp(mode: PinCache["mode"], maxTtlMs = 10 * TTL) {
  const clock = new FakeClock();
  const vault = new FakeVault();
  const log = recordingLogger();
  const suspended = { times: 0 };
  const expired = { times: 0 };
  const forgotten: (string | undefined)[] = [];
  const pins = new RememberedPins({
    cache: { mode, ttlMs: TTL, maxTtlMs },
    ...{ vault, log },
    ...{ now: clock.now, wallNow: clock.wallNow, setTimer: clock.setTimer },
    onForget: (cardId) => void forgotten.push(cardId),
    onSuspend: () => void suspended.times++,
    onExpired: () => void expired.times++,
  });
  const keep = (card: InsertedCard): SpyPin => {
    const pin = spyPin("7391");
    pins.keep(card, pin);
    pin.wipe();
    return pin;
  };
  const recall = async (card: InsertedCard) => {
    const recalled = await pins.recall(card);
    const told = recalled && `${recalled.kind} ${digitsOf(recalled.pin)}`;
    recalled?.pin.wipe();
    return told;
  };
  return { clock, vault, log, suspended, expired, forgotten, pins, keep, recall };
}

describe("RememberedPins", () => {
  it.each<[PinCache["mode"], boolean, boolean]>([
    ["off", false, false],
    ["session", true, false],
    ["timed", true, true],
    ["keychain", true, false],
  ])("%s: in this insertion %s, in the next one %s", async (mode, now, next) => {
    const { pins, keep, recall } = setUp(mode);
    const pin = keep(CARD);
    expect([pins.has(CARD), await recall(CARD)]).toEqual([now, now ? "remembered 7391" : undefined]);
    pins.forgetInsertionsExcept(new Set([8]));
    expect([pins.has(again(CARD)), await recall(again(CARD))]).toEqual([next, next ? "remembered 7391" : undefined]);
    pins.close();
    expect(unwiped(pin)).toBe(0);
  });

  it.each(["session", "timed"] as const)("%s: a phone's PIN never outlives its insertion", async (mode) => {
    const { pins, keep, recall } = setUp(mode);
    const pin = keep(PHONE);
    expect(await recall(again(PHONE))).toBeUndefined();
    pins.forgetInsertionsExcept(new Set([8]));
    expect(unwiped(pin)).toBe(0);
  });

  it("timed: until its time since the last use, at most until the hard maximum", async () => {
    const { clock, keep, recall } = setUp("timed", 2.5 * TTL);
    const pin = keep(CARD);
    for (let i = 0; i < 3; i++) {
      clock.advance(0.8 * TTL);
      expect(await recall(CARD)).toBe("remembered 7391");
    }
    clock.advance(0.1 * TTL);
    expect(await recall(CARD)).toBeUndefined();
    expect(unwiped(pin)).toBe(0);
  });

  it.each<[string, (pins: RememberedPins, clock: FakeClock) => unknown]>([
    ["forget (ssh-add -D, lock, SIGHUP, pin forget)", (pins) => pins.forget()],
    ["forget of the card", (pins) => pins.forget("card")],
    ["one failure", (pins) => pins.fail(CARD, spyPin("7391"))],
    ["the time", (_, clock) => clock.advance(TTL)],
    ["a sleep", (pins, clock) => [clock.sleep(60_000), pins.has(CARD)]],
    ["the end", (pins) => pins.close()],
  ])("wiped by %s", async (_, wipe) => {
    const { clock, pins, keep } = setUp("timed");
    const pin = keep(CARD);
    expect(unwiped(pin)).toBe(1);
    await wipe(pins, clock);
    expect(unwiped(pin)).toBe(0);
    expect(pins.has(CARD)).toBe(false);
  });

  it("a sleep wipes before the next use, though no timer ran, and lets go of the card", async () => {
    const { clock, suspended, pins, keep, recall } = setUp("timed");
    keep(CARD);
    clock.sleep(60_000);
    expect(await recall(CARD)).toBeUndefined();
    expect(pins.has(CARD)).toBe(false);
    expect(suspended.times).toBe(1);
  });

  it.each(["the timer", "the next request"])("its time over, noticed by %s, lets go of the card", async (by) => {
    const { clock, expired, keep, recall } = setUp("session");
    keep(CARD);
    if (by === "the timer") clock.advance(TTL);
    else clock.advanceWithoutTimers(TTL);
    expect(await recall(CARD)).toBeUndefined();
    expect(expired.times).toBe(1);
  });

  it("keeps nothing that was on its way to the card when it was told to forget", () => {
    const { pins } = setUp("session");
    const since = pins.forgets;
    pins.forget();
    for (const lifetimeMs of [undefined, TTL]) pins.keepGiven(CARD, spyPin("7391"), lifetimeMs, since);
    pins.keep(CARD, spyPin("7391"), since);
    expect(pins.has(CARD)).toBe(false);
    pins.keep(CARD, spyPin("7391"), pins.forgets);
    expect(pins.has(CARD)).toBe(true);
  });

  it.each<[PinCache["mode"], number]>([
    ["session", 0],
    ["timed", 1],
  ])("%s: of a card that has left while it answered, %s are kept", (mode, kept) => {
    const { clock, pins, keep } = setUp(mode);
    const timers = clock.timers;
    pins.forgetInsertionsExcept(new Set([8]));
    keep(CARD);
    expect(clock.timers - timers).toBe(kept);
  });

  it("keeps nothing after the end", async () => {
    const { clock, pins, keep, recall } = setUp("session");
    pins.close();
    keep(CARD);
    pins.keepGiven(CARD, spyPin("7391"), 1000);
    expect(await recall(CARD)).toBeUndefined();
    expect(clock.timers).toBe(0);
  });

  it("off: a PIN given for a time is remembered for that time", async () => {
    const { clock, pins, recall } = setUp("off");
    pins.keepGiven(CARD, spyPin("7391"), undefined);
    expect(await recall(CARD)).toBeUndefined();
    pins.keepGiven(CARD, spyPin("7391"), 5 * TTL);
    clock.advance(5 * TTL - 1);
    expect(await recall(CARD)).toBe("remembered 7391");
    clock.advance(1);
    expect(await recall(CARD)).toBeUndefined();
  });

  it("tells who wants to know what a person or a sleep has made it forget, and nothing else", () => {
    const { pins, clock, keep, forgotten } = setUp("session");
    keep(CARD);
    pins.drop(CARD);
    expect(pins.has(CARD)).toBe(false);
    keep(CARD);
    clock.advance(TTL);
    pins.forgetInsertionsExcept(new Set());
    expect(forgotten).toEqual([]);
    pins.forget("card");
    pins.forget();
    clock.sleep(60_000);
    expect(pins.has(CARD)).toBe(false);
    expect(forgotten).toEqual(["card", undefined, undefined]);
    pins.close();
  });

  describe("keychain", () => {
    it("is asked for a card that is not in memory", async () => {
      const { pins, vault, keep, recall } = setUp("keychain");
      vault.saved.set("card", "4826");
      expect(await recall(CARD)).toBe("saved 4826");
      expect(await recall(PHONE)).toBeUndefined();
      keep(CARD);
      expect(await recall(CARD)).toBe("remembered 7391");
      expect(vault.reads).toBe(2);
      pins.forget();
      expect(await recall(CARD)).toBe("saved 4826");
    });

    it.each(["off", "session", "timed"] as const)("is not asked with %s", async (mode) => {
      const { vault, recall } = setUp(mode);
      vault.saved.set("card", "4826");
      expect(await recall(CARD)).toBeUndefined();
      expect(vault.reads).toBe(0);
    });

    it("after one failure the PIN is erased and never given again, though it is saved again; another one is", async () => {
      const { pins, vault, recall } = setUp("keychain");
      const failed = spyPin("4826");
      vault.saved.set("card", "4826");
      vault.saved.set("other", "1111");
      await pins.fail(CARD, failed);
      expect([...vault.saved.keys()]).toEqual(["other"]);
      vault.saved.set("card", "4826");
      expect(await recall(CARD)).toBeUndefined();
      vault.saved.set("card", "7391");
      expect(await recall(CARD)).toBe("saved 7391");
      pins.doubt(CARD, spyPin("7391"));
      expect(await recall(CARD)).toBeUndefined();
      vault.saved.set("card", "4826");
      expect(await recall(CARD)).toBeUndefined();
      pins.close();
      failed.wipe();
      expect(unwiped(failed)).toBe(0);
    });

    it("a PIN that fails while another request reads it is not given to that one", async () => {
      const { pins, vault, recall } = setUp("keychain");
      const unlocked = deferred<void>();
      const read: SpyPin[] = [];
      vault.read = async () => {
        await unlocked.promise;
        const pin = spyPin("4826");
        read.push(pin);
        return pin;
      };
      const recalled = recall(CARD);
      const failing = pins.fail(CARD, spyPin("4826"));
      unlocked.resolve(undefined);
      expect(await recalled).toBeUndefined();
      await failing;
      expect(read.map(unwiped)).toEqual([0, 0]);
    });

    it("another PIN that was saved since stays", async () => {
      const { pins, vault, log, recall } = setUp("keychain");
      vault.saved.set("card", "7391");
      await pins.fail(CARD, spyPin("4826"));
      expect(await recall(CARD)).toBe("saved 7391");
      expect(log.lines).toEqual([]);
    });

    it("a failed PIN that cannot be erased is not asked for again, and that is said", async () => {
      const { pins, vault, log, recall } = setUp("keychain");
      vault.saved.set("card", "4826");
      vault.broken = true;
      await pins.fail(CARD, spyPin("4826"));
      vault.broken = false;
      expect(await recall(CARD)).toBeUndefined();
      expect(log.lines.map(({ level }) => level)).toContain("error");
    });

    it("one that fails is as an empty one, and that is said", async () => {
      const { vault, log, recall } = setUp("keychain");
      vault.broken = true;
      expect(await recall(CARD)).toBeUndefined();
      expect(log.lines.map(({ level }) => level)).toEqual(["warn"]);
    });
  });
});
