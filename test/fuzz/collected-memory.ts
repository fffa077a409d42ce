/** What is in use after a garbage collection: two of these can be compared. */

import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

export function collectedMemory(): NodeJS.MemoryUsage {
  setFlagsFromString("--expose-gc");
  const collect: unknown = runInNewContext("gc");
  if (typeof collect === "function") collect();
  return process.memoryUsage();
}
