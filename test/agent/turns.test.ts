import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Turns } from "../../agent/turns.ts";

const never = new AbortController().signal;

/** Lets everything that is ready run. */
function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

describe("Turns", () => {
  test("one at a time, in order, also after a failure", async () => {
    const turns = new Turns();
    const seen: string[] = [];
    const job = (name: string, fails = false) =>
      turns.run(never, async () => {
        seen.push(`${name} begins`);
        await settle();
        seen.push(`${name} ends`);
        if (fails) throw new Error(name);
        return name;
      });
    const results = await Promise.allSettled([job("a"), job("b", true), job("c")]);
    expect(results.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
    expect(seen).toEqual(["a begins", "a ends", "b begins", "b ends", "c begins", "c ends"]);
  });

  test("who waits leaves at once when its signal aborts, and its job never runs", async () => {
    const turns = new Turns();
    let end = () => {};
    const first = turns.run(never, () => new Promise<void>((resolve) => (end = resolve)));
    const leaving = new AbortController();
    let ran = false;
    const second = turns.run(leaving.signal, async () => {
      ran = true;
    });
    const reason = new Error("hung up");
    leaving.abort(reason);
    await expect(second).rejects.toBe(reason);
    end();
    await first;
    await turns.run(never, async () => {});
    expect(ran).toBe(false);
  });

  test("aborted between being called and running: the job does not run, the next one does", async () => {
    const turns = new Turns();
    const controller = new AbortController();
    const first = turns.run(never, async () => {
      await settle();
      // Runs between the end of this job, which calls the next one, and the next one's awakening.
      queueMicrotask(() => queueMicrotask(() => controller.abort(new Error("hung up"))));
    });
    let ran = false;
    const second = turns.run(controller.signal, async () => {
      ran = true;
    });
    const third = turns.run(never, async () => "third");
    await first;
    await expect(second).rejects.toThrow("hung up");
    expect(ran).toBe(false);
    expect(await third).toBe("third");
  });

  test("a signal that aborted before never runs", async () => {
    const reason = new Error("gone");
    await expect(new Turns().run(AbortSignal.abort(reason), async () => 1)).rejects.toBe(reason);
  });

  test("property: whatever aborts and fails, jobs never overlap, keep their order, and all settle", async () => {
    const step = fc.oneof(
      fc.record({ do: fc.constant("ask" as const) }),
      fc.record({ do: fc.constantFrom("abort" as const, "end" as const, "fail" as const), which: fc.nat(9) }),
      fc.record({ do: fc.constant("settle" as const) }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        const turns = new Turns();
        let running = 0;
        const order: number[] = [];
        const jobs: { controller: AbortController; end: () => void; fail: () => void; result: Promise<unknown> }[] = [];
        for (const each of steps) {
          if (each.do === "settle") await settle();
          else if (each.do === "ask") {
            const id = jobs.length;
            const controller = new AbortController();
            let end = () => {};
            let fail = () => {};
            const finished = new Promise<void>((resolve, reject) => {
              end = resolve;
              fail = () => reject(new Error("failed"));
            });
            finished.catch(() => {});
            const result = turns.run(controller.signal, async () => {
              expect(++running).toBe(1);
              order.push(id);
              try {
                await finished;
              } finally {
                running--;
              }
            });
            jobs.push({ controller, end, fail, result: result.catch((error: unknown) => error) });
          } else {
            const job = jobs[each.which % Math.max(1, jobs.length)];
            if (each.do === "abort") job?.controller.abort(new Error("aborted"));
            if (each.do === "end") job?.end();
            if (each.do === "fail") job?.fail();
          }
        }
        for (const job of jobs) job.end();
        await Promise.all(jobs.map(({ result }) => result));
        expect(order).toEqual([...order].sort((a, b) => a - b));
        expect(await turns.run(never, async () => "free")).toBe("free");
        for (const [id, { controller }] of jobs.entries())
          if (!controller.signal.aborted) expect(order, `job ${id}`).toContain(id);
      }),
      { numRuns: 300 },
    );
  });
});
