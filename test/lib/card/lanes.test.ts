import { describe, expect, it } from "vitest";
import { Backoff } from "../../../lib/card/backoff.ts";
import { Lanes } from "../../../lib/card/lanes.ts";

const NEVER = new AbortController().signal;

/** Enters, and notes the order in `order`. */
async function enter(lanes: Lanes, reader: string, order: string[], signal = NEVER): Promise<() => void> {
  const leave = await lanes.enter(reader, signal);
  order.push(reader);
  return leave;
}

describe("lanes", () => {
  it("let one in at a time, in the order of asking", async () => {
    const lanes = new Lanes();
    const order: string[] = [];
    const first = await enter(lanes, "A", order);
    const second = enter(lanes, "A", order);
    const third = enter(lanes, "A", order);
    const neighbour = await enter(lanes, "B", order);
    expect(order).toEqual(["A", "B"]);
    first();
    const leave = await second;
    expect(order).toEqual(["A", "B", "A"]);
    leave();
    (await third)();
    neighbour();
    expect(lanes.taken).toEqual([]);
  });

  it("are three altogether; one that is free is not held up by one that is not", async () => {
    const lanes = new Lanes();
    const order: string[] = [];
    const [a, b, c] = await Promise.all(["A", "B", "C"].map((reader) => enter(lanes, reader, order)));
    const againA = enter(lanes, "A", order);
    const d = enter(lanes, "D", order);
    await Promise.resolve();
    expect(order).toEqual(["A", "B", "C"]);
    c?.();
    (await d)();
    a?.();
    (await againA)();
    b?.();
    expect(order).toEqual(["A", "B", "C", "D", "A"]);
  });

  it("forget who gave up waiting, and pass on a turn that comes in the same moment", async () => {
    const lanes = new Lanes();
    const leave = await lanes.enter("A", NEVER);
    const reason = new Error("enough");
    const early = new AbortController();
    const gaveUp = expect(lanes.enter("A", early.signal)).rejects.toBe(reason);
    early.abort(reason);
    await gaveUp;
    const late = new AbortController();
    const turned = expect(lanes.enter("A", late.signal)).rejects.toBe(reason);
    const next = lanes.enter("A", NEVER);
    late.abort(reason);
    leave();
    await turned;
    (await next)();
    expect(lanes.taken).toEqual([]);
    await expect(lanes.enter("A", late.signal)).rejects.toBe(reason);
    expect(lanes.taken).toEqual([]);
  });
});

describe("back-off", () => {
  it("doubles to five seconds and begins anew after a success", () => {
    const backoff = new Backoff();
    const delays = Array.from({ length: 8 }, () => backoff.next());
    expect(delays).toEqual([100, 200, 400, 800, 1600, 3200, 5000, 5000]);
    backoff.reset();
    expect(backoff.next()).toBe(100);
  });
});
