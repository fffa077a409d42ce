import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { run } from "../../cli/program.ts";
import { fakeDeps } from "../helpers/cli.ts";
import { type TempDir, tempDir } from "../helpers/temp-dir.ts";

let home: TempDir;
beforeEach(async () => {
  home = await tempDir();
});
afterEach(() => home.remove());

it("demo logs in by the system's ssh, and leaves nothing behind", async () => {
  const deps = fakeDeps({ env: { PATH: process.env["PATH"] }, home: home.path });
  expect(await run(["demo"], deps), deps.err()).toBe(0);
  expect(deps.out()).toMatch(/5\. .*ssh -o IdentityAgent=/);
  expect(deps.out()).toMatch(/7\. .*welcome, demo/);
  const [socketPath = ""] = /\/\S+\/agent\.sock/.exec(deps.out()) ?? [];
  expect(dirname(socketPath)).toContain("jpki-demo-");
  expect(existsSync(dirname(socketPath))).toBe(false);
  expect(existsSync(join(home.path, ".local"))).toBe(false);
});
