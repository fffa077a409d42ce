/** Several readers and cards, the other binding, the built-in card; and lists that wait for nothing. */

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { VirtualCard } from "../../lib/virtual-card/card.ts";
import { createVirtualPki } from "../../lib/virtual-card/pki.ts";
import { startAgentProcess } from "../helpers/agent-process.ts";
import { askSignature, requestSignature } from "../helpers/ask-signature.ts";
import { type Desk, holdSignature, openDesk } from "../helpers/desk.ts";
import { openQuestion } from "../helpers/open-question.ts";
import { VPCD_READERS } from "../helpers/pcscd.ts";
import { runOk } from "../helpers/run.ts";
import { until } from "../helpers/until.ts";
import { VpcdSlot } from "../vpcd/bridge.ts";

let desk: Desk;

beforeAll(async () => {
  desk = await openDesk();
  await desk.sand.answer("1234");
});

afterAll(() => desk?.close());

const lines = (text: string) => text.trim().split("\n");

describe("two cards on two readers", () => {
  let first: VirtualCard;
  let second: VirtualCard;
  let other: VpcdSlot;

  beforeAll(async () => {
    first = await desk.layCard();
    second = new VirtualCard({ pki: await createVirtualPki(new Date()), profile: "old" });
    other = new VpcdSlot(desk.pcscd.port + 1);
    await other.insert(second);
  });

  afterAll(() => other?.remove());

  it("export-key writes both keys, or that of --reader", async () => {
    const both = lines((await desk.jpkiAgent("export-key")).stdout);
    const each = VPCD_READERS.map((reader) => desk.jpkiAgent("--reader", reader, "export-key"));
    const single = (await Promise.all(each)).flatMap(({ stdout }) => lines(stdout));
    expect(new Set(both).size).toBe(2);
    expect(single).toEqual(both);
  });

  it.each([
    ["first", VPCD_READERS[0]],
    ["second", VPCD_READERS[1]],
  ] as const)("the agent with --reader signs with the %s", async (which, reader) => {
    const { XDG_STATE_HOME, ...env } = desk.sand.env;
    const sand = { ...desk.sand, env: { ...env, XDG_STATE_HOME: `${XDG_STATE_HOME}-${which}` } };
    const agent = await startAgentProcess(sand, ["--reader", reader]);
    const before = [first.signatures.auth, second.signatures.auth];
    expect(await askSignature(sand.socketPath)).toHaveLength(256);
    const made = [first.signatures.auth, second.signatures.auth].map((now, i) => now - (before[i] ?? 0));
    expect(made).toEqual(which === "first" ? [1, 0] : [0, 1]);
    expect(await agent.stop()).toBe(0);
  });
});

it("a login through pcsclite", async () => {
  const card = await desk.layCard();
  const agent = await startAgentProcess(desk.sand, ["--pcsc-binding", "pcsclite"]);
  expect(await askSignature(desk.sand.socketPath)).toHaveLength(256);
  expect(await agent.stop()).toBe(0);
  // vpcd does not wait for the card when it cuts the power; pcscd by itself would take a second.
  await until("the power is cut", () => !card.isVerified("auth"), 300);
});

it("--card virtual needs no PC/SC", async () => {
  const { status, stdout } = await desk.jpkiAgent("--card", "virtual", "export-key");
  expect(status).toBe(0);
  expect(stdout).toMatch(/^ssh-rsa \S+ My Number card /);
});

describe("ssh-add -l answers from memory", () => {
  const list = () => runOk("ssh-add", ["-l"], { env: desk.sand.env });

  it("while a signature is going on", async () => {
    await desk.layCard();
    const agent = await startAgentProcess(desk.sand);
    const held = holdSignature(desk.slot);
    const client = await requestSignature(desk.sand.socketPath);
    await held.reached;
    expect((await list()).stdout).toContain("(RSA)");
    held.letGo();
    expect(await client.next()).toMatchObject({ kind: "signature" });
    client.close();
    expect(await agent.stop()).toBe(0);
  });

  it("while a person is asked", async () => {
    await desk.layCard();
    const question = await openQuestion(desk.sand);
    const agent = await startAgentProcess(question.sand);
    const client = await requestSignature(desk.sand.socketPath);
    await question.shown();
    expect((await list()).stdout).toContain("(RSA)");
    client.close();
    await question.gone();
    expect(await agent.stop()).toBe(0);
  });
});
