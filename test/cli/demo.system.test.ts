import { existsSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { run } from "../../cli/program.ts";
import { fakeDeps } from "../helpers/cli.ts";
import { type TempDir, tempDir } from "../helpers/temp-dir.ts";

let home: TempDir;
beforeEach(async () => {
  home = await tempDir();
});
afterEach(() => home.remove());

async function demoFolders(): Promise<string[]> {
  return (await readdir(tmpdir())).filter((name) => name.startsWith("jpki-demo-"));
}

it("demo logs in by the system's ssh, and leaves nothing behind", async () => {
  const before = await demoFolders();
  const deps = fakeDeps({ env: { PATH: process.env["PATH"] }, home: home.path });
  expect(await run(["demo"], deps), deps.err()).toBe(0);
  expect(deps.out()).toMatch(/5\. .*ssh -o IdentityAgent=/);
  expect(deps.out()).toMatch(/7\. .*welcome, demo/);
  expect(await demoFolders()).toEqual(before);
  expect(existsSync(join(home.path, ".local"))).toBe(false);
});
