import { defineConfig } from "vitest/config";

/**
 * Two projects: "unit" needs nothing but Node and runs in parallel; "system" shares the machine's one pcscd and vpcd's
 * one fixed port, so its files run one after the other in one worker.
 */
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: "unit",
          include: ["test/**/*.test.ts"],
          exclude: ["test/vpcd/**", "test/e2e/**", "test/**/*.system.test.ts"],
          testTimeout: 20_000,
        },
      },
      {
        test: {
          name: "system",
          include: ["test/vpcd/**/*.test.ts", "test/e2e/**/*.test.ts", "test/**/*.system.test.ts"],
          fileParallelism: false,
          maxWorkers: 1,
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
    ],
  },
});
