import { chmod, lstat, mkdir, readdir, readFile, readlink, stat, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { readTextFile, replaceTextFile } from "../../../cli/set-up/text-file.ts";
import { type TempDir, tempDir } from "../../helpers/temp-dir.ts";

let dir: TempDir;
let path: string;
beforeEach(async () => {
  dir = await tempDir();
  path = join(dir.path, "rc");
});
afterEach(() => dir.remove());

it("keeps bytes of any encoding, and the mode", async () => {
  const bytes = Buffer.from([0xff, 0x00, 0x81, 0x0a, 0xe3, 0x81]);
  await writeFile(path, bytes, { mode: 0o640 });
  const file = await readTextFile(path);
  await replaceTextFile(file, `${file.text}#\n`);
  expect(await readFile(path)).toEqual(Buffer.concat([bytes, Buffer.from("#\n")]));
  expect((await stat(path)).mode & 0o777).toBe(0o640);
  expect(await readdir(dir.path)).toEqual(["rc"]);
});

it("makes a new file with the mode asked for, and its folder for nobody else", async () => {
  const made = join(dir.path, "new/rc");
  await replaceTextFile(await readTextFile(made), "a\n", 0o600);
  expect((await stat(made)).mode & 0o777).toBe(0o600);
  expect((await stat(join(dir.path, "new"))).mode & 0o777).toBe(0o700);
});

it("writes through a link, which stays", async () => {
  await mkdir(join(dir.path, "dotfiles"));
  await writeFile(join(dir.path, "dotfiles/rc"), "a\n");
  await symlink("dotfiles/rc", path);
  await replaceTextFile(await readTextFile(path), "b\n");
  expect(await readlink(path)).toBe("dotfiles/rc");
  expect(await readFile(join(dir.path, "dotfiles/rc"), "utf8")).toBe("b\n");
});

it("refuses a link to nothing", async () => {
  await symlink("nowhere", path);
  await expect(readTextFile(path)).rejects.toMatchObject({ code: "IO_FAILED", details: { path } });
  expect((await lstat(path)).isSymbolicLink()).toBe(true);
});

it("refuses a folder", async () => {
  await mkdir(path);
  await expect(readTextFile(path)).rejects.toMatchObject({ code: "IO_FAILED" });
});

it("refuses a read-only file, also for root", async () => {
  await writeFile(path, "a\n");
  await chmod(path, 0o444);
  const file = await readTextFile(path);
  await expect(replaceTextFile(file, "b\n")).rejects.toMatchObject({ code: "IO_FAILED" });
  await expect(replaceTextFile(file, undefined)).rejects.toMatchObject({ code: "IO_FAILED" });
  expect(await readFile(path, "utf8")).toBe("a\n");
});

it("refuses a file that somebody changed, made or removed meanwhile", async () => {
  const absent = await readTextFile(path);
  await writeFile(path, "a\n");
  const file = await readTextFile(path);
  await expect(replaceTextFile(absent, "b\n")).rejects.toMatchObject({ code: "IO_FAILED" });
  await writeFile(path, "other\n");
  await expect(replaceTextFile(file, "b\n")).rejects.toMatchObject({ code: "IO_FAILED" });
  await expect(replaceTextFile(file, undefined)).rejects.toMatchObject({ code: "IO_FAILED" });
  expect(await readFile(path, "utf8")).toBe("other\n");
});
