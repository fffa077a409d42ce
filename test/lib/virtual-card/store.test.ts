import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { fromHex, toHex } from "../../../lib/bytes.ts";
import { openVirtualCard } from "../../../lib/virtual-card/store.ts";

const NOW = new Date("2030-01-02T03:04:05Z");
const SELECT_JPKI = fromHex("00 A4 04 0C 0A D3 92 F0 00 26 01 00 00 00 01");
const READ_AUTH_CERTIFICATE = fromHex("00 B0 8A 00 00 00 00");
const QUERY = fromHex("00 20 00 98");
const VERIFY_WRONG = fromHex("00 20 00 98 04 39 39 39 39");

/** A card's file, whole. */
let stored: string;
let folder: string;
let path: string;

beforeAll(async () => {
  const made = await mkdtemp(join(tmpdir(), "jpki-store-"));
  await openVirtualCard({ path: join(made, "card.json"), now: NOW });
  stored = readFileSync(join(made, "card.json"), "utf8");
  await rm(made, { recursive: true });
});

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "jpki-store-"));
  path = join(folder, "state", "virtual-card.json");
});

afterEach(async () => {
  await rm(folder, { recursive: true });
});

/** A fresh object over the file, as another process would have it, ready for commands. */
async function opened(at = path) {
  const card = await openVirtualCard({ path: at, now: NOW });
  card.powerOn();
  card.transmit(SELECT_JPKI);
  card.transmit(SELECT_JPKI);
  return card;
}

test("makes a card once and keeps it, in a file of its owner's", async () => {
  const first = await opened();
  const second = await opened();
  expect(toHex(second.transmit(READ_AUTH_CERTIFICATE))).toBe(toHex(first.transmit(READ_AUTH_CERTIFICATE)));
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(statSync(join(folder, "state")).mode & 0o777).toBe(0o700);
  expect(readdirSync(join(folder, "state"))).toEqual(["virtual-card.json"]);
});

test("two processes share the counters, not the verified state", async () => {
  const [first, second] = [await opened(), await opened()];
  expect(toHex(first.transmit(VERIFY_WRONG))).toBe("63c2");
  expect(toHex(second.transmit(QUERY))).toBe("63c2");
  expect(toHex(second.transmit(fromHex("00 20 00 98 04 31 32 33 34")))).toBe("9000");
  expect(first.triesLeft.auth).toBe(3);
  expect(first.isVerified("auth")).toBe(false);
  expect(toHex(second.transmit(fromHex("00 24 01 98 04 35 36 37 38")))).toBe("9000");
  expect(toHex(first.transmit(fromHex("00 20 00 98 04 35 36 37 38")))).toBe("9000");
});

test("two processes that make the card at once get the same one", async () => {
  const [first, second] = await Promise.all([opened(), opened()]);
  expect(toHex(second.transmit(READ_AUTH_CERTIFICATE))).toBe(toHex(first.transmit(READ_AUTH_CERTIFICATE)));
  expect(readdirSync(join(folder, "state"))).toEqual(["virtual-card.json"]);
});

test("two new cards are two", async () => {
  const [first, second] = [await opened(), await opened(join(folder, "other.json"))];
  expect(toHex(second.transmit(READ_AUTH_CERTIFICATE))).not.toBe(toHex(first.transmit(READ_AUTH_CERTIFICATE)));
});

test.each([
  ["no JSON", () => "{"],
  ["another format", (text: string) => text.replace("virtual card 3", "virtual card 0")],
  ["no key", (text: string) => text.replace('"authKey"', '"other"')],
  ["no PIN", (text: string) => text.replace('"auth":', '"other":')],
  ["a counter that is no number", (text: string) => text.replace(/"triesLeft": 3/, '"triesLeft": "3"')],
])("a damaged file (%s) is an error, and stays", async (_, damage) => {
  const damaged = damage(stored);
  expect(damaged).not.toBe(stored);
  const at = join(folder, "damaged.json");
  writeFileSync(at, damaged);
  await expect(openVirtualCard({ path: at, now: NOW })).rejects.toMatchObject({ code: "MALFORMED" });
  expect(readFileSync(at, "utf8")).toBe(damaged);
});

test("a folder that cannot be made is an error", async () => {
  writeFileSync(join(folder, "state"), "in the way");
  await expect(openVirtualCard({ path, now: NOW })).rejects.toMatchObject({ code: "IO_FAILED" });
});
