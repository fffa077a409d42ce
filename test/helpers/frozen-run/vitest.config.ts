/** One file that freezes, and after it, in its place, one that must run still. */

import { defineConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";
import CountsReporter from "../reporter.ts";
import StandStillReporter from "../stand-still.ts";

const ORDER = ["frozen.ts", "after.ts"];
const LIMIT_MS = 4000;

class FrozenFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const place = ({ moduleId }: TestSpecification) => ORDER.findIndex((name) => moduleId.endsWith(`/${name}`));
    return files.toSorted((a, b) => place(a) - place(b));
  }
}

export default defineConfig({
  test: {
    dir: import.meta.dirname,
    include: ORDER,
    cache: false,
    sequence: { sequencer: FrozenFirst },
    fileParallelism: false,
    maxWorkers: 1,
    reporters: ["default", new CountsReporter(), new StandStillReporter({ limitMs: LIMIT_MS })],
  },
});
