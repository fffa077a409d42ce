/** What is not as it should be: each case has its error code, its exit status, and costs no try of the PIN. */

import { chmod, mkdir, writeFile } from "node:fs/promises";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { VirtualCard } from "../../lib/virtual-card/card.ts";
import type { BlockedAnswer } from "../../lib/virtual-card/pins.ts";
import { type AgentProcess, startAgentProcess } from "../helpers/agent-process.ts";
import { askSignature } from "../helpers/ask-signature.ts";
import { type Desk, openDesk } from "../helpers/desk.ts";
import { VPCD_READERS } from "../helpers/pcscd.ts";
import { testPki } from "../helpers/pki.ts";
import type { RunResult } from "../helpers/run.ts";
import { foreignCard, type Tap, tappedCard } from "../helpers/tapped-card.ts";
import { until } from "../helpers/until.ts";
import { OtherProgram } from "../lib/card/other-program.ts";
import { VpcdSlot } from "../vpcd/bridge.ts";

let desk: Desk;
const agents: AgentProcess[] = [];

beforeAll(async () => {
  desk = await openDesk();
});

afterAll(() => desk?.close());

afterEach(() => stopAgents());

async function stopAgents(): Promise<void> {
  for (const agent of agents.splice(0)) expect(await agent.stop()).toBe(0);
}

async function startAgent(sand = desk.sand, args: readonly string[] = []): Promise<AgentProcess> {
  const agent = await startAgentProcess(sand, args);
  agents.push(agent);
  return agent;
}

/** The code that `--json` tells, and the exit status. */
function outcome({ status, stderr }: RunResult): { code: string | undefined; status: number } {
  const last = stderr.trim().split("\n").at(-1);
  return { code: last ? JSON.parse(last).code : undefined, status };
}

const exportKey = async (...args: readonly string[]) => outcome(await desk.jpkiAgent("--json", ...args, "export-key"));

/** Why the agent made no signature, each time. */
function reasons({ log }: AgentProcess): readonly string[] {
  const lines = log()
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  return lines.flatMap(({ event, result, reason }) => (event === "sign" && result !== "signed" ? [reason] : []));
}

describe("before the card", () => {
  it("no pcscd", async () => {
    await desk.pcscd.halt();
    expect(await exportKey()).toEqual({ code: "PCSC_UNAVAILABLE", status: 3 });
  });

  it("no pcscd, in Japanese: other words, the same status", async () => {
    const { env } = desk.sand;
    env["LANG"] = "ja_JP.UTF-8";
    const { status, stderr } = await desk.jpkiAgent("export-key");
    env["LANG"] = "C.UTF-8";
    expect(status).toBe(3);
    expect(stderr).toMatch(/[ぁ-ん]/);
  });

  it("no reader", async () => {
    await desk.pcscd.startAgain({ reader: false });
    expect(await exportKey()).toEqual({ code: "READER_ABSENT", status: 3 });
  });

  it("an empty reader", async () => {
    await desk.pcscd.restart();
    expect(await exportKey()).toEqual({ code: "CARD_ABSENT", status: 4 });
  });

  it("a reader of another name", async () => {
    expect(await exportKey("--reader", "no such reader")).toEqual({ code: "READER_ABSENT", status: 3 });
  });
});

describe("a card that", () => {
  async function lay(tap: Tap): Promise<VirtualCard> {
    const card = new VirtualCard({ pki: await testPki() });
    await desk.slot.insert(tappedCard(card, tap));
    return card;
  }

  it("is not a JPKI card", async () => {
    await desk.slot.insert(foreignCard());
    expect(await exportKey()).toEqual({ code: "NOT_JPKI", status: 4 });
  });

  it("answers the READ with one byte", async () => {
    await lay({ onCommand: (_, command, answer) => (command[1] === 0xb0 ? answer.subarray(0, 1) : undefined) });
    expect(await exportKey()).toEqual({ code: "MALFORMED", status: 1 });
  });

  it("answers everything with one byte", async () => {
    await lay({ onCommand: (_, _command, answer) => answer.subarray(0, 1) });
    expect(await exportKey()).toEqual({ code: "MALFORMED", status: 1 });
  });

  /** For vpcd that is a card pulled out, and put back at once: which of the two is seen first is a matter of moments. */
  it("answers once with no bytes: an error, or the key at the second reading; then it works", async () => {
    let answered = false;
    await lay({
      onCommand: (_, command) => {
        if (answered || command[1] !== 0xb0) return undefined;
        answered = true;
        return new Uint8Array(0);
      },
    });
    const { code, status } = await exportKey();
    expect([
      [undefined, 0],
      ["MALFORMED", 1],
      ["CARD_RESET", 4],
      ["CARD_ABSENT", 4],
    ]).toContainEqual([code, status]);
    expect(answered).toBe(true);
    // pcscd may still see an empty reader, until it looks again.
    await until("it works", async () => (await exportKey()).status === 0);
  });

  it("breaks off in the middle of the certificate", async () => {
    const done = Uint8Array.of(0x90, 0x00);
    await lay({
      onCommand: (_, [, ins, p1 = 0, p2 = 0], answer) => {
        if (ins !== 0xb0) return undefined;
        const isFirst = p1 >= 0x80 || (p1 === 0 && p2 === 0);
        return isFirst ? Uint8Array.of(...answer.subarray(0, 300), ...done) : done;
      },
    });
    expect(await exportKey()).toEqual({ code: "MALFORMED", status: 1 });
  });

  it("fails at everything (6F00)", async () => {
    await lay({ onCommand: () => Uint8Array.of(0x6f, 0x00) });
    expect(await exportKey()).toEqual({ code: "CARD_STATUS", status: 1 });
  });

  it("another program has for itself: by a transaction, by an exclusive connection", async () => {
    await desk.layCard();
    const taken = await OtherProgram.connect(VPCD_READERS[0], "shared");
    await taken.begin();
    const second = new VpcdSlot(desk.pcscd.port + 1);
    await second.insert(new VirtualCard({ pki: await testPki() }));
    const exclusive = await OtherProgram.connect(VPCD_READERS[1], "exclusive");
    expect(await exportKey("--reader", VPCD_READERS[1], "--pcsc-binding", "pcsc-mini")).toEqual({
      code: "CARD_BUSY",
      status: 7,
    });
    for (const binding of ["pcsc-mini", "pcsclite"])
      expect(await exportKey("--reader", VPCD_READERS[0], "--pcsc-binding", binding)).toEqual({
        code: "CARD_BUSY",
        status: 7,
      });
    await taken.leave();
    await exclusive.leave();
    await second.remove();
  });
});

describe("a PIN", () => {
  it.each(["123", "12345", "12345678", "abcd"])("of the wrong form (%s): export-key of a phone", async (pin) => {
    const card = await desk.layCard({ profile: "phone" });
    await desk.sand.answer(pin);
    expect(await exportKey()).toEqual({ code: "PIN_FORMAT", status: 5 });
    expect(card.pinAttempts).toBe(0);
  });

  it("that nobody gives: export-key of a phone", async () => {
    const card = await desk.layCard({ profile: "phone" });
    await desk.sand.answer(null);
    expect(await exportKey()).toEqual({ code: "PIN_CANCELLED", status: 5 });
    expect(card.pinAttempts).toBe(0);
  });

  it("that is wrong: asked again until one try is left", async () => {
    const card = await desk.layCard({ profile: "phone" });
    await desk.sand.answer("0000", "0001");
    expect(await exportKey()).toEqual({ code: "PIN_WRONG", status: 5 });
    expect(card.triesLeft.auth).toBe(1);
  });

  it("that is wrong, from a program that has no other answer: sent once", async () => {
    const card = await desk.layCard({ profile: "phone" });
    await desk.sand.answer("0000");
    expect(await exportKey()).toEqual({ code: "PIN_WRONG", status: 5 });
    expect(card.triesLeft.auth).toBe(2);
  });

  it.each([
    ["63C0", 0x63c0],
    ["6983", 0x6983],
    ["6984", 0x6984],
  ] as const)("that is blocked (%s): export-key of a phone", async (_, blockedAnswer) => {
    await layBlocked("phone", blockedAnswer);
    expect(await exportKey()).toEqual({ code: "PIN_BLOCKED", status: 6 });
  });

  async function layBlocked(profile: "card" | "phone", blockedAnswer: BlockedAnswer): Promise<VirtualCard> {
    const card = await desk.layCard({ profile, blockedAnswer });
    card.setTries("auth", 0);
    return card;
  }

  it("of the wrong form, blocked: the agent says why, asks no more than it must, and goes on", async () => {
    let card = await desk.layCard();
    const agent = await startAgent();
    for (const pin of ["123", "12345", "12345678", "abcd"]) {
      await desk.sand.answer(pin);
      expect(await askSignature(desk.sand.socketPath)).toBeUndefined();
    }
    expect(reasons(agent)).toEqual(Array(4).fill("PIN_FORMAT"));
    expect(card.pinAttempts).toBe(0);
    await desk.sand.answer("1234");
    const asked = (await desk.sand.questions()).length;
    for (const blockedAnswer of [0x63c0, 0x6983, 0x6984] as const) {
      card = await layBlocked("card", blockedAnswer);
      expect(await askSignature(desk.sand.socketPath)).toBeUndefined();
      expect(card.pinAttempts).toBe(0);
    }
    expect(reasons(agent).slice(4)).toEqual(Array(3).fill("PIN_BLOCKED"));
    expect((await desk.sand.questions()).length).toBe(asked);
  });
});

describe("a socket's path that", () => {
  const agent = async (path: string) => outcome(await desk.jpkiAgent("--json", "agent", "--socket", path));

  it("is too long", async () => {
    expect(await agent(desk.at("x".repeat(120)))).toEqual({ code: "SOCKET_UNSAFE", status: 1 });
  });

  it("is a live agent's", async () => {
    await startAgent();
    expect(await agent(desk.sand.socketPath)).toEqual({ code: "SOCKET_IN_USE", status: 1 });
  });

  it("is a plain file: the card is not touched", async () => {
    const card = await desk.layCard();
    await writeFile(desk.at("run/file"), "mine\n");
    expect(await agent(desk.at("run/file"))).toEqual({ code: "SOCKET_UNSAFE", status: 1 });
    expect(card.log).toEqual([]);
  });

  it("lies in a folder others can write", async () => {
    await mkdir(desk.at("open"));
    await chmod(desk.at("open"), 0o777);
    expect(await agent(desk.at("open/socket"))).toEqual({ code: "SOCKET_UNSAFE", status: 1 });
  });
});
