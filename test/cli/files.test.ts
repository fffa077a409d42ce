import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { readInputFile, writeOutputFile } from "../../cli/files.ts";
import { type TempDir, tempDir } from "../helpers/temp-dir.ts";

let dir: TempDir;
beforeEach(async () => {
  dir = await tempDir();
});
afterEach(() => dir.remove());

describe("an output file", () => {
  it("stays as it was when what gives the bytes ends early, and the reason comes through", async () => {
    const path = join(dir.path, "file");
    await writeFile(path, "old");
    const reason = new Error("stopped");
    const bytes = async function* () {
      yield Uint8Array.of(1, 2, 3);
      throw reason;
    };
    await expect(writeOutputFile(path, bytes(), 0o600)).rejects.toBe(reason);
    expect([await readdir(dir.path), await readFile(path, "utf8")]).toEqual([["file"], "old"]);
  });

  it("that the system refuses is an error of ours, with its path", async () => {
    const path = join(dir.path, "no/such/folder");
    const refused = writeOutputFile(path, Uint8Array.of(1), 0o600);
    await expect(refused).rejects.toMatchObject({ code: "IO_FAILED", details: { path } });
  });
});

describe("an input file", () => {
  it("of as many bytes as are allowed, and of one more", async () => {
    const path = join(dir.path, "file");
    await writeFile(path, Uint8Array.of(1, 2, 3));
    expect(await readInputFile(path, 3)).toEqual(Uint8Array.of(1, 2, 3));
    await expect(readInputFile(path, 2)).rejects.toMatchObject({ code: "TOO_LARGE" });
  });

  it("that tells no size and has no end is read to the limit only", async () => {
    await expect(readInputFile("/dev/zero", 1000)).rejects.toMatchObject({ code: "TOO_LARGE" });
  });

  it("that is a folder is an error of ours, with its path", async () => {
    await expect(readInputFile(dir.path, 1)).rejects.toMatchObject({ code: "IO_FAILED", details: { path: dir.path } });
  });
});
