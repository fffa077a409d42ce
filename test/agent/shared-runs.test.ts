import { setImmediate } from "node:timers/promises";
import { expect, it } from "vitest";
import { sharedRuns } from "../../agent/shared-runs.ts";
import { type Deferred, deferred } from "../helpers/deferred.ts";

function counted() {
  const runs: Deferred<string>[] = [];
  const ask = sharedRuns(() => {
    const run = deferred<string>();
    runs.push(run);
    return run.promise;
  });
  return { runs, ask };
}

it("who asks at one moment shares a run; who asks while it runs, the next one", async () => {
  const { runs, ask } = counted();
  const early = [ask(), ask()];
  await setImmediate();
  const late = [ask(), ask(), ask()];
  await setImmediate();
  expect(runs).toHaveLength(1);
  runs[0]?.resolve("first");
  expect(await Promise.all(early)).toEqual(["first", "first"]);
  await setImmediate();
  expect(runs).toHaveLength(2);
  runs[1]?.resolve("second");
  expect(await Promise.all(late)).toEqual(["second", "second", "second"]);
});

it("a run that fails is told to those who share it, and the next one begins", async () => {
  const { runs, ask } = counted();
  const early = Promise.allSettled([ask(), ask()]);
  await setImmediate();
  const late = ask();
  runs[0]?.reject(new Error("no"));
  expect((await early).map(({ status }) => status)).toEqual(["rejected", "rejected"]);
  await setImmediate();
  runs[1]?.resolve("again");
  expect(await late).toBe("again");
});
