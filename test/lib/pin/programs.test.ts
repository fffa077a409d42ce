import { chmod, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { findProgram, findSystemdAsk } from "../../../lib/pin/programs.ts";
import { type TempDir, tempDir } from "../../helpers/temp-dir.ts";

let dir: TempDir;
let PATH: string;
const at = (name: string) => join(dir.path, name);

beforeAll(async () => {
  dir = await tempDir();
  for (const name of ["one", "two", "runtime/systemd/ask-password"]) await mkdir(at(name), { recursive: true });
  for (const name of ["one/pinentry", "two/pinentry", "two/pinentry-mac", "two/systemd-ask-password", "one/plain"])
    await writeFile(at(name), "#!/bin/sh\n");
  for (const name of ["two/pinentry", "two/pinentry-mac", "two/systemd-ask-password"]) await chmod(at(name), 0o755);
  PATH = `${at("none")}:${at("one")}::${at("two")}`;
});
afterAll(() => dir.remove());

describe("findProgram", () => {
  test("the first name that may be run, in the order of the names", () => {
    expect(findProgram(["pinentry-mac", "pinentry"], { PATH })).toBe(at("two/pinentry-mac"));
    expect(findProgram(["pinentry"], { PATH })).toBe(at("two/pinentry"));
  });

  test.each([["plain"], ["not-there"]])("%s is none", (name) => {
    expect(findProgram([name], { PATH })).toBeUndefined();
  });

  test("without a PATH there is none", () => {
    expect(findProgram(["sh"], {})).toBeUndefined();
    expect(findProgram(["sh"], { PATH: "" })).toBeUndefined();
  });
});

describe("findSystemdAsk", () => {
  test("where an agent of the user has its folder", () => {
    expect(findSystemdAsk({ PATH, XDG_RUNTIME_DIR: at("runtime") })).toBe(at("two/systemd-ask-password"));
    expect(findSystemdAsk({ PATH: at("one"), XDG_RUNTIME_DIR: at("runtime") })).toBeUndefined();
  });
});
