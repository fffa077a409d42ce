/** `demo`, as it is built: a whole login without reader, card or pcscd. */

import { mkdir, symlink } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { JPKI_AGENT } from "../helpers/agent-process.ts";
import { run } from "../helpers/run.ts";
import { type TempDir, tempDir } from "../helpers/temp-dir.ts";

let dir: TempDir;

beforeEach(async () => {
  dir = await tempDir();
});

afterEach(() => dir.remove());

const demo = (path: string) =>
  run(process.execPath, [JPKI_AGENT, "demo"], { env: { PATH: path, HOME: dir.path, LANG: "C.UTF-8" } });

it("ends with a login by the system's ssh", async () => {
  const { status, stdout, stderr } = await demo(process.env["PATH"] ?? "");
  expect(status, stderr).toBe(0);
  expect(stdout).toContain("ssh -o IdentityAgent=");
});

it("ends with a login by ssh2's client where there is no ssh", async () => {
  await mkdir(join(dir.path, "bin"));
  await symlink(process.execPath, join(dir.path, "bin/node"));
  const { status, stdout, stderr } = await demo(join(dir.path, "bin"));
  expect(status, stderr).toBe(0);
  expect(stdout).toContain("ssh2: ");
});
