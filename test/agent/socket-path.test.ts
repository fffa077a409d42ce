import { chmod, mkdir, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { prepareSocketFolder, type SocketOwner } from "../../agent/socket-path.ts";
import { type TempDir, tempDir } from "../helpers/temp-dir.ts";

const uid = process.getuid?.() ?? 0;
const linux: SocketOwner = { platform: "linux", uid };
const mac: SocketOwner = { platform: "darwin", uid };

let folder: TempDir;
beforeEach(async () => {
  folder = await tempDir();
});
afterEach(() => folder.remove());

/** A path of exactly `bytes` bytes in the folder, whose last part has `nameBytes`. */
function pathOf(bytes: number, nameBytes = 10): string {
  const middle = bytes - folder.path.length - nameBytes - 2;
  return join(folder.path, "d".repeat(middle), "s".repeat(nameBytes));
}

describe("length", () => {
  it.each([
    { owner: linux, name: "linux", max: 107 },
    { owner: mac, name: "darwin", max: 103 },
  ])("$name: $max bytes, not one more", async ({ owner, max }) => {
    await prepareSocketFolder(pathOf(max), owner);
    await expect(prepareSocketFolder(pathOf(max + 1), owner)).rejects.toMatchObject({
      code: "SOCKET_UNSAFE",
      details: { pathBytes: max + 1, maxBytes: max },
    });
  });

  it("counts bytes, not letters", async () => {
    const path = join(folder.path, "鍵".repeat(35));
    await expect(prepareSocketFolder(path, linux)).rejects.toMatchObject({ code: "SOCKET_UNSAFE" });
  });

  it("leaves room for the temporary name beside a short one", async () => {
    await expect(prepareSocketFolder(pathOf(107, 1), linux)).rejects.toMatchObject({
      code: "SOCKET_UNSAFE",
      details: { pathBytes: 114 },
    });
    await prepareSocketFolder(pathOf(100, 1), linux);
  });
});

describe("folder", () => {
  const at = (...parts: string[]) => join(folder.path, ...parts);

  it("is made for its owner alone, parents too", async () => {
    const before = process.umask(0);
    try {
      await prepareSocketFolder(at("a", "b", "agent.sock"), linux);
    } finally {
      process.umask(before);
    }
    expect((await stat(at("a"))).mode & 0o777).toBe(0o700);
    expect((await stat(at("a", "b"))).mode & 0o777).toBe(0o700);
  });

  it.each([0o700, 0o711, 0o755, 0o500])("may have mode %o and keeps it", async (mode) => {
    await mkdir(at("f"));
    await chmod(at("f"), mode);
    await prepareSocketFolder(at("f", "agent.sock"), linux);
    expect((await stat(at("f"))).mode & 0o7777).toBe(mode);
  });

  it.each([0o770, 0o720, 0o702, 0o777, 0o1777])("is refused with mode %o", async (mode) => {
    await mkdir(at("f"));
    await chmod(at("f"), mode);
    await expect(prepareSocketFolder(at("f", "agent.sock"), linux)).rejects.toMatchObject({ code: "SOCKET_UNSAFE" });
  });

  it("is refused if it belongs to somebody else", async () => {
    await expect(prepareSocketFolder(at("agent.sock"), { platform: "linux", uid: uid + 1 })).rejects.toMatchObject({
      code: "SOCKET_UNSAFE",
    });
  });

  it("is refused if it is a file", async () => {
    await writeFile(at("file"), "");
    await expect(prepareSocketFolder(at("file", "agent.sock"), linux)).rejects.toMatchObject({ code: "IO_FAILED" });
  });
});
