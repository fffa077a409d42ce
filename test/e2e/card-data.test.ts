/**
 * What is on the card beside keys, by the built program over a real pcscd. OpenJPEG's own program is the witness for the
 * photo, libmagic for the images. Of the commands seven are there to learn which card it is and how many tries it has,
 * before anybody is asked; the fresh card's 6F00 is one in each of the three sessions.
 */

import { readdir, readFile, writeFile } from "node:fs/promises";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { VirtualCard } from "../../lib/virtual-card/card.ts";
import { FICTIONAL_HOLDER } from "../../lib/virtual-card/holder.ts";
import { JPKI_AGENT, startAgentProcess } from "../helpers/agent-process.ts";
import { askSignature } from "../helpers/ask-signature.ts";
import { type Desk, openDesk } from "../helpers/desk.ts";
import { PHOTO_HEIGHT, PHOTO_WIDTH } from "../helpers/drawn-photo.ts";
import { runOk } from "../helpers/run.ts";

let desk: Desk;
let card: VirtualCard;

beforeAll(async () => {
  desk = await openDesk();
  card = await desk.layCard();
});

afterAll(() => desk?.close());

/** The program's stdout, and the commands that the card saw. One of them brings a PIN, which is gone afterwards. */
async function told(answer: string, ...args: readonly string[]) {
  await desk.sand.answer(answer);
  const before = card.log.length;
  const { status, stdout, stderr } = await desk.jpkiAgent(...args);
  expect(status, stderr).toBe(0);
  const commands = card.log.slice(before).map(({ command }) => command);
  expect(commands.filter((command) => command.includes("[hidden]"))).toHaveLength(1);
  expect([card.isVerified("text"), card.isVerified("surface-b")]).toEqual([false, false]);
  return { stdout, commands };
}

const CODE_B = "02040120325678";

it("attributes and number, in 13 commands each", async () => {
  const attributes = await told("2345", "--json", "card", "attributes");
  expect(JSON.parse(attributes.stdout)).toMatchObject({
    name: FICTIONAL_HOLDER.name,
    address: FICTIONAL_HOLDER.address,
    sex: "female",
  });
  const number = await told("2345", "card", "number", "--i-may");
  expect(number.stdout).toBe(`${FICTIONAL_HOLDER.number}\n`);
  expect([attributes.commands.length, number.commands.length]).toEqual([13, 13]);
});

it("the photo, as another program decodes it, is what --png makes of it", async () => {
  const jpeg2000 = await told(CODE_B, "card", "photo", "-o", desk.at("photo.jp2"));
  await told(CODE_B, "card", "photo", "--png", "-o", desk.at("ours.png"));
  await runOk("opj_decompress", ["-i", desk.at("photo.jp2"), "-o", desk.at("theirs.pgm")]);
  const pgm = await readFile(desk.at("theirs.pgm"));
  const { decode } = await import("fast-png");
  const ours = decode(await readFile(desk.at("ours.png")));
  expect([ours.width, ours.height]).toEqual([PHOTO_WIDTH, PHOTO_HEIGHT]);
  expect(Buffer.from(ours.data.buffer).equals(pgm.subarray(-PHOTO_WIDTH * PHOTO_HEIGHT))).toBe(true);
  expect((await runOk("file", ["-b", desk.at("photo.jp2"), desk.at("ours.png")])).stdout).toMatch(
    new RegExp(`^JPEG 2000 .*\\nPNG image data, ${PHOTO_WIDTH} x ${PHOTO_HEIGHT}, 8-bit grayscale`),
  );
  expect(jpeg2000.commands.length).toBe(15);
});

it("the face: images that other programs know", async () => {
  const { commands } = await told(CODE_B, "card", "face", "-o", desk.at("face"));
  const names = (await readdir(desk.at("face"))).sort();
  expect(names).toEqual(["address.png", "name.png", "security-code.png"]);
  const { stdout } = await runOk("file", ["-b", ...names.map((name) => `${desk.at("face")}/${name}`)]);
  expect(stdout).toMatch(/^(PNG image data, \d+ x 12, 1-bit grayscale, non-interlaced\n){3}$/);
  expect(commands.length).toBe(15);
});

it("a photo in a pipe, 照合番号B typed part by part", async () => {
  await writeFile(desk.at("drawn.jp2"), FICTIONAL_HOLDER.photo ?? new Uint8Array());
  await desk.sand.answer("H2.4.1", "2032", "5678");
  const script = `"$0" "$1" card photo -o - | cmp - '${desk.at("drawn.jp2")}'`;
  await runOk("sh", ["-c", script, process.execPath, JPKI_AGENT], { env: desk.sand.env });
});

it("beside an agent that holds the card logged in: read all the same, and the agent signs again afterwards", async () => {
  await desk.sand.answer("1234");
  const agent = await startAgentProcess(desk.sand, ["--card-hold", "3"]);
  try {
    expect(await askSignature(desk.sand.socketPath)).toBeDefined();
    expect(card.isVerified("auth")).toBe(true);
    const { stdout } = await told("2345", "--json", "card", "attributes");
    expect(JSON.parse(stdout)).toMatchObject({ name: FICTIONAL_HOLDER.name });
    expect(card.isVerified("auth")).toBe(false);
    expect(await askSignature(desk.sand.socketPath)).toBeDefined();
  } finally {
    await agent.stop();
  }
  expect(card.triesLeft).toEqual({ auth: 3, sign: 5, text: 3 });
});
