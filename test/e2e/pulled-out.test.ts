/** A card pulled out right after it has answered a command, for every command there is, and a reader that goes. */

import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import { VirtualCard } from "../../lib/virtual-card/card.ts";
import { type AgentProcess, startAgentProcess } from "../helpers/agent-process.ts";
import { askSignature } from "../helpers/ask-signature.ts";
import { type Desk, openDesk } from "../helpers/desk.ts";
import { testPki } from "../helpers/pki.ts";
import { tappedCard } from "../helpers/tapped-card.ts";
import { until } from "../helpers/until.ts";

let desk: Desk;
let card: VirtualCard;
/** Commands until the card is pulled out. */
let pullAfter = Number.POSITIVE_INFINITY;

beforeAll(async () => {
  desk = await openDesk();
  await desk.sand.answer("1234");
});

afterAll(() => desk?.close());

beforeEach(async () => {
  card = new VirtualCard({ pki: await testPki() });
});

/** The same card, which {@link pullAfter} can pull out. */
async function lay(): Promise<void> {
  pullAfter = Number.POSITIVE_INFINITY;
  const onCommand = () => {
    if (--pullAfter === 0) desk.slot.eject();
    return undefined;
  };
  await desk.slot.insert(tappedCard(card, { onCommand }));
}

it("during export-key: told with its status; the next try works", async () => {
  for (const command of [1, 2, 3]) {
    await lay();
    pullAfter = command;
    const { status, stderr } = await desk.jpkiAgent("--json", "export-key");
    expect({ command, status }).toEqual({ command, status: 4 });
    expect(["CARD_RESET", "CARD_ABSENT"]).toContain(JSON.parse(stderr.trim().split("\n").at(-1) ?? "").code);
  }
  await lay();
  expect((await desk.jpkiAgent("export-key")).status).toBe(0);
});

it("during a login: no signature, no lost try; the next login works", async () => {
  await lay();
  const agent = await startAgentProcess(desk.sand, ["--pin-cache", "off"]);
  const inserted = async () => {
    const readings = count(agent, '"msg":"card ready"');
    await lay();
    await until("the agent has read the card", () => count(agent, '"msg":"card ready"') > readings);
  };
  let command = 1;
  for (; ; command++) {
    pullAfter = command;
    const signature = await askSignature(desk.sand.socketPath);
    if (pullAfter > 0) break;
    expect({ command, signature }).toEqual({ command, signature: undefined });
    expect(card.triesLeft.auth).toBe(3);
    await inserted();
    expect(await askSignature(desk.sand.socketPath)).toHaveLength(256);
  }
  // 6F00, SELECT and tries left before the question; the same, VERIFY and the signature after it.
  expect(command - 1).toBe(8);
  expect(await agent.stop()).toBe(0);
});

it("a reader that is unplugged and plugged in again", async () => {
  await lay();
  const agent = await startAgentProcess(desk.sand);
  await desk.pcscd.restart({ reader: false });
  expect(await askSignature(desk.sand.socketPath)).toBeUndefined();
  await desk.pcscd.restart();
  await until("a login works", async () => (await askSignature(desk.sand.socketPath)) !== undefined, 20_000);
  expect(card.triesLeft.auth).toBe(3);
  expect(await agent.stop()).toBe(0);
});

function count({ log }: AgentProcess, text: string): number {
  return log().split(text).length - 1;
}
