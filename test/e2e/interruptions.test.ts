/**
 * Whatever ends a login in the middle leaves the card without power (promise 2) and the next login possible.
 *
 * "In the middle of a signature" is exact here: the command is at the card, which answers when the test lets it.
 */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { VirtualCard } from "../../lib/virtual-card/card.ts";
import { type AgentProcess, JPKI_AGENT, startAgentProcess } from "../helpers/agent-process.ts";
import { askSignature, requestSignature } from "../helpers/ask-signature.ts";
import { type Desk, holdSignature, openDesk } from "../helpers/desk.ts";
import { openQuestion } from "../helpers/open-question.ts";
import { run } from "../helpers/run.ts";
import { startSshd } from "../helpers/sshd.ts";
import { until } from "../helpers/until.ts";

/** A defect on demand, without a space for NODE_OPTIONS. */
const DEFECT = "data:text/javascript,process.on('SIGUSR2',()=>{throw(Error('defect'))})";

let desk: Desk;
let card: VirtualCard;
const agents: AgentProcess[] = [];

beforeAll(async () => {
  desk = await openDesk();
});

afterAll(() => desk.close());

beforeEach(async () => {
  await desk.sand.answer("1234");
  card = await desk.layCard();
});

afterEach(async () => {
  for (const agent of agents.splice(0)) await agent.stop();
});

async function startAgent(args: readonly string[] = [], sand = desk.sand): Promise<AgentProcess> {
  const agent = await startAgentProcess(sand, args);
  agents.push(agent);
  return agent;
}

/**
 * The verified PIN is gone at once: the power was cut. pcscd gives the power back to a card that others may want, and
 * takes it again within about a second when nobody does.
 */
async function expectLetGo(): Promise<void> {
  expect(card.isVerified("auth")).toBe(false);
  await until("the card has no power", () => !card.powered);
}

const signature = () => askSignature(desk.sand.socketPath);

describe("a client that goes away", () => {
  it("in the middle of a signature (ssh, killed): the next login works", async () => {
    const { stdout: publicKey } = await desk.jpkiAgent("export-key");
    const sshd = await startSshd(desk.folder, publicKey);
    const agent = await startAgent();
    const args = ["-F", sshd.clientConfig, "127.0.0.1", "echo in"];
    const held = holdSignature(desk.slot);
    const ssh = spawn("ssh", args, { env: desk.sand.env, stdio: "ignore" });
    await held.reached;
    expect(card.isVerified("auth")).toBe(true);
    ssh.kill("SIGKILL");
    await once(ssh, "exit");
    held.letGo();
    await until("the agent notices", () => agent.log().includes('"result":"abandoned"'));
    await expectLetGo();
    expect((await run("ssh", args, { env: desk.sand.env })).stdout).toBe("in\n");
    await sshd.close();
  });

  it("while the question is open: the question goes too, and no card was held for it", async () => {
    const question = await openQuestion(desk.sand);
    await startAgent([], question.sand);
    const client = await requestSignature(desk.sand.socketPath);
    await question.shown();
    await expectLetGo();
    client.close();
    await question.gone();
    expect(card.powered).toBe(false);
    expect(card.pinAttempts).toBe(0);
  });
});

describe("a signal to the agent", () => {
  it.each(["SIGTERM", "SIGINT"] as const)("%s in the middle of a signature", async (signal) => {
    const agent = await startAgent();
    const held = holdSignature(desk.slot);
    const client = await requestSignature(desk.sand.socketPath);
    await held.reached;
    agent.child.kill(signal);
    await client.ended;
    held.letGo();
    expect(await agent.exited).toBe(0);
    await expectLetGo();
    await startAgent();
    expect(await signature()).toHaveLength(256);
  });

  it("SIGTERM while the question is open", async () => {
    const question = await openQuestion(desk.sand);
    const agent = await startAgent([], question.sand);
    await requestSignature(desk.sand.socketPath);
    await question.shown();
    expect(await agent.stop()).toBe(0);
    await question.gone();
    await expectLetGo();
  });

  it("SIGKILL in the middle of a signature: pcscd cuts the power", async () => {
    const agent = await startAgent();
    const held = holdSignature(desk.slot);
    await requestSignature(desk.sand.socketPath);
    await held.reached;
    expect(await agent.stop("SIGKILL")).toBe("SIGKILL");
    held.letGo();
    await until("the card has no power", () => !card.powered);
    await startAgent();
    expect(await signature()).toHaveLength(256);
  });

  it.each(["SIGHUP", "SIGUSR1"] as const)(
    "%s: lets go of the card and forgets the PIN; the agent goes on",
    async (signal) => {
      const agent = await startAgent(["--card-hold", "3600"]);
      expect(await signature()).toHaveLength(256);
      const asked = (await desk.sand.questions()).length;
      expect(await signature()).toHaveLength(256);
      expect((await desk.sand.questions()).length).toBe(asked);
      expect(card.powered && card.isVerified("auth"), "the card is held").toBe(true);
      agent.child.kill(signal);
      await until("the agent has let go", () => agent.log().includes('"event":"hang-up"'));
      await expectLetGo();
      expect(await signature()).toHaveLength(256);
      expect((await desk.sand.questions()).length).toBe(asked + 1);
      expect(agent.log()).not.toContain("Debugger listening");
    },
  );

  it("SIGTERM while the card is held for the next request", async () => {
    const agent = await startAgent(["--card-hold", "3600"]);
    expect(await signature()).toHaveLength(256);
    expect(card.isVerified("auth")).toBe(true);
    expect(await agent.stop()).toBe(0);
    await expectLetGo();
  });
});

it("a defect in the middle of a signature: the agent ends in order, and fails", async () => {
  const env = { ...desk.sand.env, NODE_OPTIONS: `--import=${DEFECT}` };
  const agent = await startAgent([], { ...desk.sand, env });
  const held = holdSignature(desk.slot);
  const client = await requestSignature(desk.sand.socketPath);
  await held.reached;
  agent.child.kill("SIGUSR2");
  await client.ended;
  held.letGo();
  expect(await agent.exited).toBe(1);
  await expectLetGo();
});

it("a cancelled question: no signature, no power, no try", async () => {
  await desk.sand.answer(null);
  await startAgent();
  expect(await signature()).toBeUndefined();
  await expectLetGo();
  expect(card.triesLeft.auth).toBe(3);
});

it.each(["SIGINT", "SIGHUP"] as const)("%s during export-key's question for a phone", async (signal) => {
  card = await desk.layCard({ profile: "phone" });
  const question = await openQuestion(desk.sand);
  const command = spawn(process.execPath, [JPKI_AGENT, "export-key"], { env: question.sand.env, stdio: "ignore" });
  await question.shown();
  await expectLetGo();
  const ended = once(command, "exit");
  command.kill(signal);
  expect(await ended).toEqual([1, null]);
  await question.gone();
  expect(card.powered).toBe(false);
  expect(await readFile(desk.at("state/jpki-agent/keys.json"), "utf8")).not.toContain("phone");
});
