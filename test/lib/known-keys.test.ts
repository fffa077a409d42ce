import {
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { CardKey } from "../../lib/card-key.ts";
import { openKnownKeys } from "../../lib/known-keys.ts";
import { recordingLogger } from "../helpers/recording-logger.ts";
import { type TempDir, tempDir } from "../helpers/temp-dir.ts";

let temporary: TempDir;
let folder: string;
let file: string;

beforeEach(async () => {
  temporary = await tempDir();
  folder = join(temporary.path, "state", "jpki-agent");
  file = join(folder, "keys.json");
});
afterEach(() => temporary.remove());

function key(n: number, more: Partial<CardKey> = {}): CardKey {
  const modulus = new Uint8Array(256).fill(n);
  const publicKey = { modulus, exponent: Uint8Array.of(1, 0, 1) };
  return { id: n.toString(16).padStart(64, "0"), kind: "card", publicKey, comment: `My Number card ${n}`, ...more };
}

function openStore() {
  const log = recordingLogger();
  return { store: openKnownKeys({ folder, log }), log };
}

function writeRaw(text: string | Uint8Array): void {
  mkdirSync(folder, { recursive: true });
  writeFileSync(file, text);
}

/** What the file looks like with these keys. */
async function goodText(...keys: readonly CardKey[]): Promise<string> {
  const other = await tempDir();
  try {
    const store = openKnownKeys({ folder: other.path, log: recordingLogger() });
    for (const each of keys) await store.remember(each);
    return readFileSync(join(other.path, "keys.json"), "utf8");
  } finally {
    await other.remove();
  }
}

describe("known keys", () => {
  test("nothing there: an empty list, and nothing is made or said", () => {
    const { store, log } = openStore();
    expect(store.list()).toEqual([]);
    expect(readdirSync(temporary.path)).toEqual([]);
    expect(log.lines).toEqual([]);
  });

  test("kept over a restart, in order, with all that is known of them", async () => {
    const keys = [key(1), key(2, { kind: "phone", comment: "マイナンバー phone 2" }), key(3)];
    const { store } = openStore();
    for (const each of keys) await store.remember(each);
    expect(store.list()).toEqual(keys);
    expect(openStore().store.list()).toEqual(keys);
  });

  test("what was learnt of a card stays when its key is seen again", async () => {
    const { store } = openStore();
    await store.remember(key(1, { pss: true }));
    await store.remember(key(2, { pss: false }));
    await store.remember(key(1));
    expect(openStore().store.list()).toEqual([key(1, { pss: true }), key(2, { pss: false })]);
    await store.remember(key(1, { pss: false, comment: "renamed" }));
    await store.remember(key(1, { comment: "renamed again" }));
    expect(openStore().store.list()).toEqual([
      key(2, { pss: false }),
      key(1, { pss: false, comment: "renamed again" }),
    ]);
  });

  test("of a key of which nothing was learnt, nothing is said: the file is as it always was", async () => {
    await openStore().store.remember(key(1));
    expect(readFileSync(file, "utf8")).not.toContain("pss");
  });

  test("the folder is 0700 and the file 0600, whatever they were before; no other file is left", async () => {
    mkdirSync(folder, { recursive: true, mode: 0o755 });
    writeFileSync(file, await goodText(key(1)), { mode: 0o644 });
    await openStore().store.remember(key(2));
    expect(statSync(folder).mode & 0o777).toBe(0o700);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(readdirSync(folder)).toEqual(["keys.json"]);
  });

  test("holds the public key, the kind and the comment, and nothing else", async () => {
    const { store } = openStore();
    await store.remember(key(1));
    const hex = "01".repeat(256);
    expect(JSON.parse(readFileSync(file, "utf8"))).toEqual({
      version: 1,
      keys: [{ id: key(1).id, kind: "card", modulus: hex, exponent: "010001", comment: "My Number card 1" }],
    });
  });

  test("a key that is known already is not written again", async () => {
    const { store } = openStore();
    await store.remember(key(1));
    const before = statSync(file, { bigint: true });
    await store.remember(key(1));
    expect(statSync(file, { bigint: true }).ino).toBe(before.ino);
  });

  test("the year of a key's end is kept, and the day of its issue is not", async () => {
    const issued = new Date(0);
    await openStore().store.remember(key(1, { lastYear: 2029, issued }));
    expect(openStore().store.list()).toEqual([key(1, { lastYear: 2029 })]);
    await openStore().store.remember(key(1));
    expect(openStore().store.list()).toEqual([key(1, { lastYear: 2029 })]);
  });

  test("a key that takes another's place: in one step, also where it is known already", async () => {
    const { store } = openStore();
    for (const n of [1, 2, 3]) await store.remember(key(n));
    await store.remember(key(3), key(1).id);
    expect(store.list()).toEqual([key(2), key(3)]);
    await store.remember(key(4), key(2).id);
    expect(store.list()).toEqual([key(3), key(4)]);
  });

  test("a key with a new comment takes the place of the old one", async () => {
    const { store } = openStore();
    await store.remember(key(1));
    await store.remember(key(1, { comment: "new" }));
    expect(store.list()).toEqual([key(1, { comment: "new" })]);
  });

  test("sees at once what another process wrote, also in the same tick of the clock and the same length", async () => {
    const agent = openStore().store;
    const other = openStore().store;
    expect(agent.list()).toEqual([]);
    await other.remember(key(1));
    expect(agent.list()).toEqual([key(1)]);
    const { atime, mtime } = statSync(file);
    await other.remember(key(1, { comment: "My Number card X" }));
    utimesSync(file, atime, mtime);
    expect(agent.list()).toEqual([key(1, { comment: "My Number card X" })]);
  });

  test("is not read again while it has not changed", async () => {
    const { store } = openStore();
    await store.remember(key(1));
    expect(store.list()).toBe(store.list());
  });

  test("the file is deleted: empty again", async () => {
    const { store } = openStore();
    await store.remember(key(1));
    await temporary.remove();
    expect(store.list()).toEqual([]);
  });

  test("many writers at once, in two processes' worth of stores: no key is lost", async () => {
    const stores = [openStore().store, openStore().store];
    const keys = [1, 2, 3, 4, 5, 6].map((n) => key(n));
    await Promise.all(keys.map((each, i) => stores[i % 2]?.remember(each)));
    const byId = (a: CardKey, b: CardKey) => a.id.localeCompare(b.id);
    expect([...openStore().store.list()].sort(byId)).toEqual(keys);
    expect(readdirSync(folder)).toEqual(["keys.json"]);
  });
});

describe("a damaged file", () => {
  const one = { id: "0".repeat(64), kind: "card", modulus: "ab", exponent: "03", comment: "" };
  const keysJson = (...keys: readonly object[]) => JSON.stringify({ version: 1, keys });
  const damaged: readonly (readonly [string, string | Uint8Array])[] = [
    ["empty", ""],
    ["cut short", '{"version":1,"keys":['],
    ["not JSON", "keys"],
    ["not UTF-8", Uint8Array.of(0x7b, 0xff, 0x7d)],
    ["null", "null"],
    ["of a later version", '{"version":2,"keys":[]}'],
    ["with a field nobody knows", '{"version":1,"keys":[],"more":1}'],
    ["with a key field nobody knows", keysJson({ ...one, subject: "x" })],
    ["with a missing field", keysJson({ ...one, comment: undefined })],
    ["with a short id", keysJson({ ...one, id: "00" })],
    ["with an id in capitals", keysJson({ ...one, id: "A".repeat(64) })],
    ["with half a byte", keysJson({ ...one, modulus: "abc" })],
    ["with a leading zero", keysJson({ ...one, modulus: "00ab" })],
    ["with an empty modulus", keysJson({ ...one, modulus: "" })],
    ["with a modulus beyond all RSA", keysJson({ ...one, modulus: "ab".repeat(1025) })],
    ["with a comment of two lines", keysJson({ ...one, comment: "a\nssh-rsa AAAA" })],
    ["with a comment too long", keysJson({ ...one, comment: "x".repeat(201) })],
    ["with a kind nobody knows", keysJson({ ...one, kind: "watch" })],
    ["over 1 MiB", `${keysJson(one)}${" ".repeat(1024 * 1024)}`],
  ];

  test("the undamaged form of the table below is read", () => {
    writeRaw(keysJson(one));
    expect(openStore().store.list()).toHaveLength(1);
  });

  test.each(damaged)("%s: an empty list, one warning, and the file stays", (_, text) => {
    writeRaw(text);
    const { store, log } = openStore();
    expect([store.list(), store.list()]).toEqual([[], []]);
    expect(log.lines.map(({ level }) => level)).toEqual(["warn"]);
    expect(readFileSync(file).equals(Buffer.from(text))).toBe(true);
  });

  test.each(damaged)("%s: moved aside before a new one is written", async (_, text) => {
    writeRaw(text);
    const { store } = openStore();
    await store.remember(key(1));
    expect(store.list()).toEqual([key(1)]);
    expect(readFileSync(`${file}.broken-1`).equals(Buffer.from(text))).toBe(true);
  });

  test("each keeps a name of its own", async () => {
    const { store } = openStore();
    for (const text of ["first", "second", "third"]) {
      writeRaw(text);
      await store.remember(key(1));
    }
    expect(readdirSync(folder).sort()).toEqual(["keys.json", ...[1, 2, 3].map((n) => `keys.json.broken-${n}`)]);
    expect(readFileSync(`${file}.broken-2`, "utf8")).toBe("second");
  });
});

describe("what cannot be read or written", () => {
  const failed = { code: "IO_FAILED", hint: expect.any(String) };

  test("there, but out of reach: an empty list with a warning; remember says IO_FAILED and puts nothing in its place", async () => {
    mkdirSync(folder, { recursive: true });
    symlinkSync(file, file);
    const { store, log } = openStore();
    expect([store.list(), store.list()]).toEqual([[], []]);
    expect(log.lines.map(({ level }) => level)).toEqual(["warn", "warn"]); // tried anew each time: it may pass
    await expect(store.remember(key(1))).rejects.toMatchObject(failed);
    expect(readdirSync(folder)).toEqual(["keys.json"]);
    expect(readlinkSync(file)).toBe(file);
  });

  test("a file in the folder's place", async () => {
    mkdirSync(join(temporary.path, "state"));
    writeFileSync(folder, "");
    const { store } = openStore();
    expect(store.list()).toEqual([]);
    await expect(store.remember(key(1))).rejects.toMatchObject(failed);
  });

  test("readable again: read again", async () => {
    mkdirSync(file, { recursive: true });
    const { store } = openStore();
    expect(store.list()).toEqual([]);
    await temporary.remove();
    writeRaw(await goodText(key(1)));
    expect(store.list()).toEqual([key(1)]);
  });

  test("a key that could not be read back is not written", async () => {
    const { store } = openStore();
    await expect(store.remember(key(1, { comment: "two\nlines" }))).rejects.toMatchObject(failed);
    expect(readdirSync(folder)).toEqual([]);
  });
});
