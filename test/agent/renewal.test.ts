import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openCards } from "../../agent/cards.ts";
import { rememberCard } from "../../agent/renewal.ts";
import type { CardKey } from "../../lib/card-key.ts";
import { openKnownKeys } from "../../lib/known-keys.ts";
import { VirtualCard } from "../../lib/virtual-card/card.ts";
import { createVirtualPki } from "../../lib/virtual-card/pki.ts";
import { createVirtualTransport } from "../../lib/virtual-card/transport.ts";
import { person } from "../helpers/card-keys.ts";
import { testPki } from "../helpers/pki.ts";
import { type RecordingLogger, recordingLogger } from "../helpers/recording-logger.ts";
import { type TempDir, tempDir } from "../helpers/temp-dir.ts";

const YEAR_MS = 365 * 86_400_000;

let dir: TempDir;
let log: RecordingLogger;

beforeEach(async () => {
  dir = await tempDir();
  log = recordingLogger();
});
afterEach(() => dir.remove());

const openStore = () => openKnownKeys({ folder: dir.path, log });
const told = () => log.lines.flatMap(({ fields }) => (fields["event"] === undefined ? [] : [fields["event"]]));
const listed = () =>
  openStore()
    .list()
    .map(({ comment }) => comment);

/** @param issued a day; `card` unless it is a phone. */
function key(name: string, issued: string, lastYear: number, kind: CardKey["kind"] = "card"): CardKey {
  const id = Buffer.from(name).toString("hex").padEnd(64, "0");
  const publicKey = { modulus: new Uint8Array(256).fill(name.length), exponent: Uint8Array.of(1, 0, 1) };
  return { id, kind, publicKey, comment: name, issued: new Date(issued), lastYear };
}

/** A card was read; the cards named in `present` lie on readers beside it. */
async function seen(key: CardKey, ...present: readonly CardKey[]): Promise<void> {
  await rememberCard(key, { known: openStore(), present: new Set([key, ...present].map(({ id }) => id)), log });
}

const OLD = key("old", "2024-05-10", 2029);

describe("the key of a card seen for the first time", () => {
  beforeEach(() => seen(OLD));

  it.each([
    ["from three months before the year of the old one's end", key("new", "2028-10-01", 2034)],
    ["after the old one's end", key("new", "2031-01-01", 2036)],
  ])("issued %s takes its place", async (_, renewed) => {
    await seen(renewed);
    expect(listed()).toEqual(["new"]);
    expect(log.lines).toMatchObject([
      { level: "warn", fields: { event: "renewed", key: renewed.id, replaced: OLD.id, replacedCard: "old" } },
    ]);
    expect(log.lines[0]?.message).toContain("jpki-agent export-key");
  });

  it.each([
    ["issued before the old one could be renewed", key("new", "2028-09-30", 2033)],
    ["that ends no later", key("new", "2028-12-01", 2029)],
    ["of a phone", key("new", "2028-12-01", 2034, "phone")],
    ["of which no dates are known", { ...key("new", "2028-12-01", 2034), issued: undefined }],
  ])("%s stands beside it", async (_, other) => {
    await seen(other);
    expect(listed()).toEqual(["old", "new"]);
    expect(told()).toEqual(["new-key"]);
  });

  it("stands beside the key of a card that lies on a reader", async () => {
    await seen(key("new", "2028-12-01", 2034), OLD);
    expect(listed()).toEqual(["old", "new"]);
  });

  it("stands beside two of which each may be the one", async () => {
    await seen(key("other", "2024-06-01", 2029));
    await seen(key("new", "2028-12-01", 2034));
    expect(listed()).toEqual(["old", "other", "new"]);
  });

  it("was dropped by mistake: it comes back with its card, and drops none", async () => {
    const new_ = key("new", "2028-12-01", 2034);
    await seen(new_);
    await seen(OLD);
    await seen(new_);
    expect(listed().sort()).toEqual(["new", "old"]);
    expect(told()).toEqual(["renewed", "new-key"]);
  });
});

it("the first card of all is nothing to tell", async () => {
  await seen(OLD);
  expect(log.lines).toEqual([]);
});

it("a renewed card on a reader: the old key is listed no more, over restarts too", async () => {
  const before = new VirtualCard({ pki: await createVirtualPki(new Date(Date.now() - 4 * YEAR_MS)) });
  const after = new VirtualCard({ pki: await testPki() });
  await lay(before);
  const [old] = listed();
  await lay(after);
  expect(listed()).toHaveLength(1);
  expect(listed()).not.toContain(old);
  expect(told()).toEqual(["renewed"]);
});

/** Under an agent of its own, until it is read. */
async function lay(card: VirtualCard): Promise<void> {
  const transport = createVirtualTransport({ slots: [{ reader: "reader", card }] });
  const parts = { transport, prompt: person(), known: openStore(), log, now: () => performance.now() };
  const cards = openCards(parts, { mode: "off", ttlMs: 0 }, 0);
  cards.registry.start();
  await cards.registry.settled();
  await cards.close();
}
