/** `status`, `release` and `doctor` of the built program, with a real pcscd and cards on its reader. */

import { chmod } from "node:fs/promises";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { utf8 } from "../../lib/bytes.ts";
import { BELIEFS } from "../../lib/card/probe-notes.ts";
import type { VirtualCard } from "../../lib/virtual-card/card.ts";
import type { ProfileName } from "../../lib/virtual-card/profiles.ts";
import { connectAgent } from "../helpers/agent-client.ts";
import { type AgentProcess, startAgentProcess } from "../helpers/agent-process.ts";
import { askSignature } from "../helpers/ask-signature.ts";
import { type Desk, openDesk } from "../helpers/desk.ts";
import { startOpenscAgent } from "../helpers/opensc-agent.ts";
import { VPCD_READERS } from "../helpers/pcscd.ts";
import type { RunResult } from "../helpers/run.ts";
import { startSshd } from "../helpers/sshd.ts";
import { foreignCard } from "../helpers/tapped-card.ts";

const PROFILES: readonly ProfileName[] = ["card", "old", "phone", "t0"];
const [READER] = VPCD_READERS;

let desk: Desk;
const agents: AgentProcess[] = [];
beforeAll(async () => {
  desk = await openDesk();
});
afterAll(() => desk?.close());
beforeEach(() => desk.sand.answer("1234"));
afterEach(async () => {
  for (const agent of agents.splice(0)) expect(await agent.stop()).toBe(0);
});

async function startAgent(...args: readonly string[]): Promise<AgentProcess> {
  const agent = await startAgentProcess(desk.sand, args);
  agents.push(agent);
  return agent;
}

/** With the environment's language for this one run. */
async function inLanguage(language: string, ...args: readonly string[]): Promise<RunResult> {
  const { env } = desk.sand;
  env["LANG"] = language;
  try {
    return await desk.jpkiAgent(...args);
  } finally {
    env["LANG"] = "C.UTF-8";
  }
}

const status = async (...args: readonly string[]) => {
  const ended = await desk.jpkiAgent("--json", ...args, "status");
  return { exit: ended.status, ...JSON.parse(ended.stdout) };
};

const doctor = async (...args: readonly string[]) => {
  const ended = await desk.jpkiAgent("--json", "doctor", ...args);
  const { findings } = JSON.parse(ended.stdout);
  const levels: Record<string, string> = {};
  for (const { id, level } of findings) levels[id] = level;
  return { exit: ended.status, levels, findings };
};

/** All programs that are connected to a pcscd, also to one of other tests. */
function holdersIn(findings: readonly { id: string; facts: { programs?: readonly object[] } }[]): readonly object[] {
  return findings.find(({ id }) => id === "holders-some")?.facts.programs ?? [];
}

describe.each(PROFILES)("status with the profile %s", (profile) => {
  let card: VirtualCard;
  beforeAll(async () => {
    card = await desk.layCard({ profile });
  });

  const tries = { auth: 3, sign: 5, ...(profile === "phone" ? {} : { text: 3 }) };

  it("without an agent reads the card itself, and leaves it without power", async () => {
    const found = await status();
    expect(found).toMatchObject({ exit: 1, agent: { kind: "absent" }, devices: { binding: "pcsc-mini" } });
    expect(found.devices.cards[0]).toMatchObject({ reader: READER, triesLeft: tries });
    expect([card.powered && card.isVerified("auth"), card.pinAttempts]).toEqual([false, 0]);
  });

  it("asks the running agent, which goes on", async () => {
    const agent = await startAgent();
    const found = await status();
    expect(found).toMatchObject({ exit: 0, agent: { kind: "running", pid: agent.child.pid } });
    expect(found.devices.cards[0]).toMatchObject({ reader: READER, triesLeft: tries });
    expect(await status()).toMatchObject({ exit: 0 });
    expect(card.pinAttempts).toBe(0);
  });

  it("by pcsclite too", async () => {
    const found = await status("--pcsc-binding", "pcsclite");
    expect(found.devices.binding).toBe("pcsclite");
    expect(found.devices.cards[0]).toMatchObject({ reader: READER, triesLeft: tries });
  });
});

describe("status and release around a login", () => {
  it("tell that the PIN is remembered; release ends the held session, and the next login needs no question", async () => {
    const card = await desk.layCard();
    await startAgent("--card-hold", "600");
    expect(await askSignature(desk.sand.socketPath)).toBeDefined();
    expect(card.isVerified("auth")).toBe(true);
    const released = await desk.jpkiAgent("release");
    expect([released.status, card.isVerified("auth")]).toEqual([0, false]);
    expect((await status()).devices.cards[0]).toMatchObject({ pinRemembered: true });
    expect(await askSignature(desk.sand.socketPath)).toBeDefined();
    expect((await desk.sand.questions()).length).toBe(1);
  });

  it("name the last failure, and why nobody could be asked", async () => {
    await desk.layCard();
    const { env } = desk.sand;
    const { SSH_ASKPASS: askpass = "" } = env;
    env["SSH_ASKPASS"] = "/nonexistent/askpass";
    await startAgent();
    env["SSH_ASKPASS"] = askpass;
    expect(await askSignature(desk.sand.socketPath)).toBeUndefined();
    const found = await status();
    expect(found).toMatchObject({ exit: 5, agent: { promptFault: { code: "PIN_NO_PROMPT" } } });
    expect(found.lastRefusal).toMatchObject({ result: "failed", reason: "PIN_NO_PROMPT" });
    expect((await doctor()).levels["prompt-agent-fault"]).toBe("fail");
  });

  it("a locked agent tells that it is locked, and nothing else", async () => {
    await desk.layCard();
    await startAgent();
    const client = await connectAgent(desk.sand.socketPath);
    await client.ask({ kind: "lock", passphrase: utf8("secret") });
    expect(await status()).toEqual({ exit: 8, agent: { kind: "locked", socket: desk.sand.socketPath } });
    expect((await inLanguage("ja_JP.UTF-8", "status")).stdout).toContain("ロック中");
    await client.ask({ kind: "unlock", passphrase: utf8("secret") });
    client.close();
  });
});

describe("what stands in the way, by exit status", () => {
  it("a blocked PIN", async () => {
    (await desk.layCard()).setTries("auth", 0);
    expect(await status()).toMatchObject({ exit: 6, devices: { cards: [{ triesLeft: { auth: 0 } }] } });
    expect((await doctor()).levels).toMatchObject({ "tries-blocked": "fail" });
  });

  it("another card", async () => {
    await desk.slot.insert(foreignCard());
    expect(await status()).toMatchObject({ exit: 4, devices: { cards: [{ state: "not-jpki" }, {}] } });
    expect((await doctor()).levels).toMatchObject({ "card-foreign": "fail" });
  });

  it("an empty reader: the card that was seen is away", async () => {
    await desk.slot.remove();
    await desk.pcscd.restart();
    expect(await status()).toMatchObject({ exit: 4, devices: { cards: [{ state: "away" }] } });
    expect((await doctor()).levels).toMatchObject({ "card-none": "fail", "reader-some": "ok" });
  });

  it("no reader", async () => {
    await desk.pcscd.restart({ reader: false });
    expect(await status()).toMatchObject({ exit: 3, devices: { readers: [] } });
    expect((await doctor()).levels).toMatchObject({ "reader-none": "fail", "pcscd-runs": "ok" });
  });

  it.each([
    ["C.UTF-8", /PC\/SC service: does not run/, /systemctl enable --now pcscd\.socket/],
    ["ja_JP.UTF-8", /PC\/SC サービスが動作していません/, /systemctl enable --now pcscd\.socket/],
  ])("no pcscd, in %s", async (language, text, mend) => {
    await desk.pcscd.halt();
    expect(await status()).toMatchObject({ exit: 3, devices: { fault: { code: "PCSC_UNAVAILABLE" } } });
    const { status: exit, stdout } = await inLanguage(language, "doctor");
    expect(exit).toBe(1);
    expect(stdout).toMatch(text);
    expect(stdout).toMatch(mend);
    await desk.pcscd.startAgain();
  });
});

describe("doctor", () => {
  it("finds all well, without a try of the PIN, with the agent running", async () => {
    const card = await desk.layCard();
    const agent = await startAgent();
    const { exit, levels, findings } = await doctor();
    expect(holdersIn(findings)).toContainEqual({ name: expect.any(String), pid: agent.child.pid, kind: "jpki-agent" });
    expect(levels).toMatchObject({
      "node-ok": "ok",
      "binding-loads": "ok",
      "pcscd-runs": "ok",
      "driver-found": "ok",
      "polkit-allows": "ok",
      "pcsc-works": "ok",
      "card-ready": "ok",
      "tries-left": "ok",
      "certificate-valid": "ok",
      "agent-runs": "ok",
      "auth-sock-ours": "ok",
      "prompt-way": "ok",
      "files-private": "ok",
    });
    expect([exit, card.pinAttempts]).toEqual([0, 0]);
  });

  it("names the program that keeps the card open", async () => {
    await desk.layCard();
    const opensc = await startOpenscAgent(desk.sand);
    try {
      const { findings } = await doctor();
      const ofOpensc = { name: expect.any(String), pid: expect.any(Number), kind: "opensc" };
      expect(holdersIn(findings)).toContainEqual(ofOpensc);
    } finally {
      await opensc.stop();
    }
  });

  it("shows the prompt and sends what was typed nowhere", async () => {
    const card = await desk.layCard();
    const before = (await desk.sand.questions()).length;
    expect((await doctor("--show-prompt")).levels["prompt-shown"]).toBe("ok");
    expect((await desk.sand.questions()).length).toBe(before + 1);
    expect(card.pinAttempts).toBe(0);
  });

  it("tells an open state folder, and the mend works", async () => {
    const folder = desk.at("state/jpki-agent");
    await chmod(folder, 0o755);
    const { findings } = await doctor();
    const open = findings.find(({ id }: { id: string }) => id === "files-open");
    expect(open.mend).toBe(`chmod 0700 ${folder}`);
    await chmod(folder, 0o700);
    expect((await doctor()).levels["files-private"]).toBe("ok");
  });

  it("asks a real sshd for its algorithms without logging in", async () => {
    const sshd = await startSshd(desk.folder, "");
    try {
      const { levels } = await doctor("--server", `127.0.0.1:${sshd.port}`);
      expect(levels).toMatchObject({ "server-modern": "ok", "server-permissions": "skipped" });
      expect(await sshd.log()).not.toMatch(/Accepted|publickey for/);
    } finally {
      await sshd.close();
    }
    expect((await doctor("--server", "127.0.0.1:9")).levels).toMatchObject({ "server-unreachable": "fail" });
  });
});

describe.each(PROFILES)("doctor --report with the profile %s", (profile) => {
  const report = async () => {
    const { status: exit, stdout } = await desk.jpkiAgent("--json", "doctor", "--report");
    const { cards } = JSON.parse(stdout);
    const verdicts: Record<string, string> = {};
    for (const { belief, verdict } of cards[0].observations) verdicts[belief] = verdict;
    return { exit, stdout, verdicts };
  };

  it("needs no PIN; a no leaves the rest untried", async () => {
    await desk.sand.answer(null);
    const card = await desk.layCard({ profile });
    const { exit, stdout, verdicts } = await report();
    expect([exit, Object.keys(verdicts).sort()]).toEqual([0, [...BELIEFS].sort()]);
    expect(verdicts).toMatchObject({ "tries-query": "confirmed", "query-after-verify": "not-tried" });
    expect([card.pinAttempts, card.signatures.auth]).toEqual([0, 0]);
    expect(stdout).not.toMatch(/3082[0-9a-f]{4}/i);
  });

  it("with a yes to each step tries all of it with one right PIN", async () => {
    await desk.sand.answer("yes", "yes", "1234");
    const card = await desk.layCard({ profile });
    const { exit, verdicts } = await report();
    expect(exit).toBe(0);
    expect(verdicts).toMatchObject({
      "sign-256-bytes": "confirmed",
      "select-keeps-verified": "confirmed",
      "power-clears-verified": "confirmed",
    });
    expect([card.pinAttempts, card.triesLeft.auth, card.isVerified("auth")]).toEqual([1, 3, false]);
  });
});
