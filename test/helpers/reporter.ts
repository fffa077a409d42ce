/**
 * Counts for test/run.mjs, written to the file that JPKI_AGENT_TEST_COUNTS names. A file that cannot be loaded, a hook
 * that throws and an error nobody caught each count as a failure: they are no tests, but must not go unseen. A test that
 * needed a second try is named, and so is one that was never finished.
 */

import { writeFileSync } from "node:fs";
import type { Reporter, TestModule } from "vitest/node";

interface Counts {
  passed: number;
  failed: number;
  skipped: number;
}

export default class CountsReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly unknown[]): void {
    const counts: Counts = { passed: 0, failed: unhandledErrors.length, skipped: 0 };
    for (const module of modules) {
      counts.failed += module.errors().length;
      for (const suite of module.children.allSuites()) counts.failed += suite.errors().length;
      for (const test of module.children.allTests()) {
        counts[outcomeOf(test.result().state)] += 1;
        if (test.diagnostic()?.flaky)
          console.log(`passed at the second try only: ${module.moduleId}: ${test.fullName}`);
        if (test.result().state === "pending") console.log(`never finished: ${module.moduleId}: ${test.fullName}`);
      }
    }
    const { JPKI_AGENT_TEST_COUNTS: file } = process.env;
    if (file !== undefined) writeFileSync(file, JSON.stringify(counts));
  }
}

/** A test still pending when the run ends was never finished. */
function outcomeOf(state: "passed" | "failed" | "skipped" | "pending"): keyof Counts {
  return state === "pending" ? "failed" : state;
}
