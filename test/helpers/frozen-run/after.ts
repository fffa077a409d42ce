/** Test file of test/stand-still.test.ts: must run after the frozen one. */

import { expect, it } from "vitest";

it("runs still", () => {
  expect(1 + 1).toBe(2);
});
