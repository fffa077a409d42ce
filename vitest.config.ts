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
          // pcscd polls its readers every 400 ms, so what a test expects to be seen first can be seen second on a busy
          // machine. A test that needs its second try is named at the end of the run: it is a defect to be mended.
          retry: 1,
        },
      },
    ],
  },
});
