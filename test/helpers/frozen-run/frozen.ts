/** Test file of test/stand-still.test.ts: starts a process, then freezes its own. */

import { spawn } from "node:child_process";
import { it } from "vitest";

it("freezes", () => {
  spawn("sleep", ["987654"], { stdio: "ignore" });
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
});
