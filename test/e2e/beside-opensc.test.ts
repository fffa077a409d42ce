/**
 * Beside OpenSC, which many have: ssh-agent with its module keeps a shared connection to the card for its whole life.
 * And OpenSC as a witness: what the agent makes of a card is what a program by other people makes of it.
 */

import { createHash, createPublicKey, X509Certificate } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { digestInfo } from "../../lib/ssh/signature.ts";
import type { CardLogEntry, VirtualCard } from "../../lib/virtual-card/card.ts";
import { type AgentProcess, startAgentProcess } from "../helpers/agent-process.ts";
import { askSignature, sshsigData } from "../helpers/ask-signature.ts";
import { type Desk, openDesk } from "../helpers/desk.ts";
import { type OpenscAgent, startOpenscAgent } from "../helpers/opensc-agent.ts";
import { VPCD_READERS } from "../helpers/pcscd.ts";
import { run, runOk } from "../helpers/run.ts";
import { type Sshd, startSshd } from "../helpers/sshd.ts";
import { until } from "../helpers/until.ts";

const SELECT = "00 A4 04 0C 0A D3 92 F0 00 26 01 00 00 00 01";
const OUR_TRIES_LEFT = "00 20 00 98";
const OUR_VERIFY = "00 20 00 98 Lc=04 [hidden]";
/** By short EF id; OpenSC selects the key first: `80 2A 00 80`. */
const OUR_SIGN = "80 2A 00 97";
const OPENSC_SIGN = "80 2A 00 80";
const EXIT_CARD_BUSY = 7;

let desk: Desk;

beforeAll(async () => {
  desk = await openDesk();
  await desk.sand.answer("1234");
});

afterAll(() => desk?.close());

describe("ssh-agent with OpenSC's module on the same card", () => {
  let card: VirtualCard;
  let sshd: Sshd;
  let opensc: OpenscAgent;
  let agent: AgentProcess;

  beforeAll(async () => {
    // OpenSC 0.23 gives up for good when its SELECT after a loss of power meets the fresh card's 6F00 (see below).
    card = await desk.layCard({ changes: { firstCommandFails: false } });
    sshd = await startSshd(desk.folder, (await desk.jpkiAgent("export-key")).stdout);
    opensc = await startOpenscAgent(desk.sand);
    agent = await startAgentProcess(desk.sand, ["--card-hold", "0", "--pcsc-binding", "pcsc-mini"]);
  });

  afterAll(async () => {
    await agent?.stop();
    await opensc?.stop();
    await sshd?.close();
  });

  async function logIn(socketPath: string): Promise<string> {
    const args = ["-F", sshd.clientConfig, "-o", `IdentityAgent=${socketPath}`, "127.0.0.1", "echo in"];
    return (await runOk("ssh", args, { env: desk.sand.env })).stdout;
  }
  const ours = () => logIn(desk.sand.socketPath);
  const theirs = () => logIn(opensc.socketPath);

  it("each logs in after the other, and ours leaves no verified PIN", async () => {
    for (const login of [theirs, ours, theirs, ours]) expect(await login()).toBe("in\n");
    expect(card.isVerified("auth")).toBe(false);
  });

  it("both log in at once, and nothing of OpenSC's lands inside our session", async () => {
    const before = card.log.length;
    const logins = [theirs(), ours(), theirs(), ours(), ours(), theirs()];
    expect(await Promise.all(logins)).toEqual(logins.map(() => "in\n"));
    const log = card.log.slice(before);
    expect(log.filter(({ command }) => command.startsWith(OPENSC_SIGN)).length).toBeGreaterThanOrEqual(3);
    const sessions = sessionsOf(log);
    expect(sessions).toHaveLength(3);
    for (const session of sessions)
      expect(session).toEqual([SELECT, OUR_TRIES_LEFT, OUR_VERIFY, expect.stringMatching(`^${OUR_SIGN}`), "power cut"]);
    expect(card.triesLeft.auth).toBe(3);
  });

  it("export-key reads the key meanwhile", async () => {
    const { status, stdout } = await desk.jpkiAgent("--pcsc-binding", "pcsc-mini", "export-key");
    expect(status).toBe(0);
    expect(stdout).toMatch(/^ssh-rsa /);
  });

  it("pcsclite, which must have the card for itself, says that it is busy", async () => {
    const { status, stderr } = await desk.jpkiAgent("--json", "--pcsc-binding", "pcsclite", "export-key");
    expect(JSON.parse(stderr.trim().split("\n").at(-1) ?? "")).toMatchObject({ code: "CARD_BUSY" });
    expect(status).toBe(EXIT_CARD_BUSY);
  });
});

it("on a card with the 6F00, where OpenSC does not survive a loss of power, ours goes on", async () => {
  const card = await desk.layCard();
  const opensc = await startOpenscAgent(desk.sand);
  const agent = await startAgentProcess(desk.sand, ["--card-hold", "0"]);
  expect(await askSignature(desk.sand.socketPath)).toHaveLength(256);
  await askSignature(opensc.socketPath);
  expect(await askSignature(desk.sand.socketPath)).toHaveLength(256);
  expect(card.isVerified("auth")).toBe(false);
  await agent.stop();
  await opensc.stop();
});

describe("a card held for the next request", () => {
  let card: VirtualCard;
  let agent: AgentProcess;

  beforeAll(async () => {
    card = await desk.layCard({ changes: { firstCommandFails: false } });
    agent = await startAgentProcess(desk.sand, ["--card-hold", "3600", "--pcsc-binding", "pcsc-mini"]);
  });

  afterAll(() => agent?.stop());

  beforeEach(async () => {
    expect(await askSignature(desk.sand.socketPath)).toHaveLength(256);
    expect(card.isVerified("auth"), "held").toBe(true);
  });

  it("is given up at once when OpenSC comes", async () => {
    const args = ["--reader", VPCD_READERS[0], "--read-certificate", "1"];
    expect((await runOk("pkcs15-tool", args)).stdout).toMatch(/BEGIN CERTIFICATE/);
    expect(card.isVerified("auth")).toBe(false);
  });

  it("is not held beside a program that stays connected", async () => {
    const opensc = await startOpenscAgent(desk.sand);
    for (const _ of [1, 2]) {
      expect(await askSignature(desk.sand.socketPath)).toHaveLength(256);
      await until("the card is let go of", () => !card.isVerified("auth"));
    }
    await opensc.stop();
  });
});

describe.each(["card", "old"] as const)("OpenSC as a witness, profile %s", (profile) => {
  beforeAll(async () => {
    await desk.layCard({ profile });
  });

  it("pkcs15-tool's certificate has the key of export-key", async () => {
    const { stdout: pem } = await runOk("pkcs15-tool", ["--reader", VPCD_READERS[0], "--read-certificate", "1"]);
    const { stdout: exported } = await desk.jpkiAgent("export-key", "--format", "pkcs8");
    expect(createPublicKey(exported).equals(new X509Certificate(pem).publicKey)).toBe(true);
  });

  it("pkcs15-crypt's signature over the same DigestInfo is the agent's, byte for byte", async () => {
    const agent = await startAgentProcess(desk.sand);
    const data = sshsigData("witnessed");
    const signature = await askSignature(desk.sand.socketPath, data);
    await agent.stop();
    await writeFile(desk.at("digest-info"), digestInfo("rsa-sha2-256", createHash("sha256").update(data).digest()));
    const files = ["--input", desk.at("digest-info"), "--output", desk.at("signature")];
    const key = ["--sign", "--key", "1", "--pkcs1", "--raw", "--pin", "1234"];
    expect((await run("pkcs15-crypt", ["--reader", VPCD_READERS[0], ...key, ...files])).status).toBe(0);
    expect(signature).toEqual(new Uint8Array(await readFile(desk.at("signature"))));
  });
});

/** Our sessions as the card saw them: all from the last SELECT of the application to what followed our signature. */
function sessionsOf(log: readonly CardLogEntry[]): readonly (readonly string[])[] {
  return log.flatMap(({ command, powerCycle }, end) => {
    if (!command.startsWith(OUR_SIGN)) return [];
    const start = log.slice(0, end).findLastIndex((entry) => entry.command === SELECT);
    const next = log[end + 1];
    const after = next === undefined || next.powerCycle > powerCycle ? "power cut" : next.command;
    return [[...log.slice(start, end + 1).map((entry) => entry.command), after]];
  });
}
