import { mkdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { SignatureEntry } from "../../lib/signature-entry.ts";
import { openSignatureRecord, readSignatureRecord } from "../../lib/signature-record.ts";
import { type RecordingLogger, recordingLogger } from "../helpers/recording-logger.ts";
import { type TempDir, tempDir } from "../helpers/temp-dir.ts";

const ENTRY: SignatureEntry = {
  key: "SHA256:key",
  comment: "My Number card 01234567",
  result: "signed",
  data: "userauth",
  user: "花子",
  hosts: ["server.example"],
  hostKey: "SHA256:host",
  forwarded: false,
  program: "ssh < git",
};
const TIME = "2026-01-02T03:04:05.678Z";

let dir: TempDir;
let folder: string;
let log: RecordingLogger;
const file = (name = "signatures.jsonl") => join(folder, name);
const open = (maxBytes?: number) => openSignatureRecord({ folder, now: () => new Date(TIME), log, maxBytes });
const users = () => readSignatureRecord(folder).map(({ user }) => user);

beforeEach(async () => {
  dir = await tempDir();
  folder = join(dir.path, "state");
  log = recordingLogger();
});
afterEach(() => dir.remove());

describe("the record of signatures", () => {
  it("is empty where there is none", () => {
    expect(readSignatureRecord(folder)).toEqual([]);
  });

  it("gives back what was added, with its time, in order", () => {
    const record = open();
    const refused: SignatureEntry = {
      key: "k",
      comment: "c",
      result: "refused",
      reason: "forwarded",
      data: "unknown",
      forwarded: true,
    };
    record.add(ENTRY);
    record.add(refused);
    expect(readSignatureRecord(folder)).toEqual([
      { time: TIME, ...ENTRY },
      { time: TIME, ...refused },
    ]);
  });

  it("is the owner's alone, in a folder that is too", async () => {
    open().add(ENTRY);
    expect((await stat(folder)).mode & 0o777).toBe(0o700);
    expect((await stat(file())).mode & 0o777).toBe(0o600);
  });

  it("keeps a user's or program's text in one line and of one size, whatever it holds", async () => {
    open().add({ ...ENTRY, user: "a\nb\u0000", program: "x".repeat(10_000), hosts: Array(100).fill("h".repeat(1000)) });
    const text = await readFile(file(), "utf8");
    expect(text.split("\n")).toHaveLength(2);
    expect(text.length).toBeLessThan(8000);
    expect(users()).toEqual(["a\nb\u0000"]);
  });

  it("begins a new file over the size and keeps one old one", async () => {
    const record = open(500);
    for (let n = 1; n <= 20; n++) record.add({ ...ENTRY, user: `${n}` });
    const kept = users();
    expect(kept.at(-1)).toBe("20");
    expect(kept).toEqual(Array.from({ length: kept.length }, (_, i) => `${21 - kept.length + i}`));
    expect(kept.length).toBeLessThan(8);
    expect((await stat(file("signatures.old.jsonl"))).size).toBeLessThan(1000);
  });

  it("leaves out more than 100 that were not signed in ten minutes, and never one that was", () => {
    let minutes = 0;
    const record = openSignatureRecord({ folder, now: () => new Date(Date.parse(TIME) + 60_000 * minutes), log });
    const flood = () => {
      for (let n = 0; n < 300; n++) record.add({ ...ENTRY, result: "refused" });
    };
    flood();
    record.add(ENTRY);
    minutes = 9;
    flood();
    expect(users()).toHaveLength(101);
    expect(readSignatureRecord(folder).at(-1)?.result).toBe("signed");
    expect(log.lines).toEqual([expect.objectContaining({ level: "warn" })]);
    minutes = 10;
    flood();
    expect(users()).toHaveLength(201);
  });

  it("two writers lose nothing of each other", () => {
    const [one, other] = [open(), open()];
    for (let n = 0; n < 10; n++) (n % 2 ? one : other).add({ ...ENTRY, user: `${n}` });
    expect(users()).toEqual(Array.from({ length: 10 }, (_, n) => `${n}`));
  });

  it("leaves out lines that cannot be read: cut short, of another version, no JSON", async () => {
    open().add(ENTRY);
    const line = await readFile(file(), "utf8");
    await writeFile(file(), `${line}{"time":"now"}\n[]\n\u0000\n${line.slice(0, 40)}\n${line}`);
    expect(users()).toEqual(["花子", "花子"]);
  });

  it("that cannot be written is an error in the log, nothing more", async () => {
    await mkdir(file(), { recursive: true });
    open().add(ENTRY);
    expect(log.lines).toEqual([expect.objectContaining({ level: "error" })]);
  });

  it("that cannot be read is an error", async () => {
    await mkdir(file(), { recursive: true });
    expect(() => readSignatureRecord(folder)).toThrow(expect.objectContaining({ code: "IO_FAILED" }));
  });
});
