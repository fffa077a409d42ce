/** The bridge and the pcscd helper themselves: what tests built on them rely on. */

import { beforeAll, beforeEach, expect, test } from "vitest";
import { VirtualCard } from "../../lib/virtual-card/card.ts";
import type { VirtualPki } from "../../lib/virtual-card/pki.ts";
import { Pcscd, VPCD_READERS } from "../helpers/pcscd.ts";
import { testPki } from "../helpers/pki.ts";
import { run } from "../helpers/run.ts";
import { foreignCard, tappedCard } from "../helpers/tapped-card.ts";
import { VpcdSlot } from "./bridge.ts";

const SELECT_JPKI = "00A4040C0AD392F000260100000001";
const [READER, OTHER_READER] = VPCD_READERS;
const WAIT = { timeout: 5_000, interval: 50 };

let pki: VirtualPki;
let pcscd: Pcscd;
let slot: VpcdSlot;
let card: VirtualCard;

beforeAll(async () => {
  pki = await testPki();
});

beforeEach(async () => {
  pcscd = await Pcscd.start();
  slot = new VpcdSlot(pcscd.port);
  card = new VirtualCard({ pki, profile: "old" });
  return async () => {
    await slot.remove();
    await pcscd.stop();
  };
});

/** What pcscd says of its readers: reader name and whether a card lies there. */
async function readers(): Promise<Record<string, boolean>> {
  const { stdout } = await run("opensc-tool", ["--list-readers"]);
  const lines = stdout.matchAll(/^\d+\s+(Yes|No)\s+(\S.*?)\s*$/gm);
  return Object.fromEntries([...lines].map(([, present, name]) => [name, present === "Yes"]));
}

async function sendApdu(command: string, reader: string = READER): Promise<string> {
  const args = ["--reader", reader, "--card-driver", "default", "--send-apdu", command];
  const { stdout, stderr } = await run("opensc-tool", args);
  return stdout + stderr;
}

test("a card comes and goes, and comes back", async () => {
  expect(await readers()).toEqual({ [READER]: false, [OTHER_READER]: false });
  await slot.insert(card);
  expect(await readers()).toEqual({ [READER]: true, [OTHER_READER]: false });
  expect(await sendApdu(SELECT_JPKI)).toContain("SW1=0x90, SW2=0x00");
  expect(card.log.map((entry) => entry.sw)).toEqual([0x9000]);
  await slot.remove();
  expect(card.powered).toBe(false);
  await expect.poll(readers, WAIT).toEqual({ [READER]: false, [OTHER_READER]: false });
  await slot.insert(card);
  expect(await readers()).toEqual({ [READER]: true, [OTHER_READER]: false });
});

test("two cards on two readers", async () => {
  const other = new VpcdSlot(pcscd.port + 1);
  await Promise.all([slot.insert(card), other.insert(foreignCard())]);
  expect(await sendApdu(SELECT_JPKI)).toContain("SW1=0x90, SW2=0x00");
  expect(await sendApdu(SELECT_JPKI, OTHER_READER)).toContain("SW1=0x6A, SW2=0x82");
  await other.remove();
});

test("a card stays on its reader while pcscd goes, with or without warning, and comes back", async () => {
  await slot.insert(card);
  await pcscd.kill();
  expect(await readers()).toEqual({});
  await expect.poll(() => card.powered, WAIT).toBe(false);
  await pcscd.startAgain();
  await expect.poll(readers, WAIT).toEqual({ [READER]: true, [OTHER_READER]: false });
  await pcscd.restart({ reader: false });
  expect(await readers()).toEqual({});
  await pcscd.restart();
  await expect.poll(readers, WAIT).toEqual({ [READER]: true, [OTHER_READER]: false });
});

test("a second pcscd is refused", async () => {
  await expect(Pcscd.start()).rejects.toThrow("another pcscd");
  await slot.insert(card);
  expect(await readers()).toEqual({ [READER]: true, [OTHER_READER]: false });
});

test("a card pulled at a command, and an answer of no bytes, are errors of that command alone", async () => {
  const pulled = tappedCard(card, {
    onCommand: () => {
      slot.eject();
      return undefined;
    },
  });
  await slot.insert(pulled);
  expect(await sendApdu(SELECT_JPKI)).not.toContain("SW1");
  await expect.poll(readers, WAIT).toEqual({ [READER]: false, [OTHER_READER]: false });
  await slot.insert(tappedCard(card, { onCommand: (index) => (index === 0 ? new Uint8Array(0) : undefined) }));
  expect(await sendApdu(SELECT_JPKI)).not.toContain("SW1");
  await expect.poll(() => sendApdu(SELECT_JPKI), WAIT).toContain("SW1=0x90, SW2=0x00");
});

test("the delay is each command's", async () => {
  await slot.insert(card);
  slot.delayMs = 300;
  const start = performance.now();
  expect(await sendApdu(SELECT_JPKI)).toContain("SW1=0x90, SW2=0x00");
  expect(performance.now() - start).toBeGreaterThan(300);
});
