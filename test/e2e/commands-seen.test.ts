/**
 * What the card sees, command by command: over a reader each costs 20 to 50 ms, and a person waits for every one.
 *
 * OpenSSH with OpenSC's module does the same three jobs on the same pcscd, for comparison.
 */

import { writeFile } from "node:fs/promises";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { encodeDigestInfo } from "../../lib/digest-info.ts";
import type { VirtualCard } from "../../lib/virtual-card/card.ts";
import { type AgentProcess, startAgentProcess } from "../helpers/agent-process.ts";
import { type Desk, openDesk } from "../helpers/desk.ts";
import { OPENSC_MODULE, type OpenscAgent, startOpenscAgent } from "../helpers/opensc-agent.ts";
import { VPCD_READERS } from "../helpers/pcscd.ts";
import { runOk } from "../helpers/run.ts";
import { type Sshd, startSshd } from "../helpers/sshd.ts";

const SELECT = "00 A4 04 0C 0A D3 92 F0 00 26 01 00 00 00 01";
const READ_CERTIFICATE = "00 B0 8A 00 00 08 00";
const TRIES_LEFT = "00 20 00 98";
const VERIFY = "00 20 00 98 Lc=04 [hidden]";
/** COMPUTE DIGITAL SIGNATURE over the 83 bytes of a SHA-512 DigestInfo. */
const SIGN = /^80 2A 00 97 53 ([0-9A-F]{2} ){83}00$/;

let desk: Desk;
let card: VirtualCard;
let sshd: Sshd;

beforeAll(async () => {
  desk = await openDesk();
  await desk.sand.answer("1234");
  await desk.layCard();
  sshd = await startSshd(desk.folder, (await desk.jpkiAgent("export-key")).stdout);
});

afterAll(async () => {
  await sshd?.close();
  await desk?.close();
});

beforeEach(async () => {
  card = await desk.layCard();
});

/** The commands that `job` causes. */
async function seenDuring(job: () => Promise<unknown>): Promise<readonly string[]> {
  const before = card.log.length;
  await job();
  return card.log.slice(before).map(({ command }) => command);
}

async function logIn(socketPath: string): Promise<void> {
  const args = ["-F", sshd.clientConfig, "-o", `IdentityAgent=${socketPath}`, "127.0.0.1", "echo in"];
  expect((await runOk("ssh", args, { env: desk.sand.env })).stdout).toBe("in\n");
}

describe("ours", () => {
  let agent: AgentProcess;
  const login = () => logIn(desk.sand.socketPath);

  async function withAgent(args: readonly string[], use: () => Promise<void>): Promise<void> {
    agent = await startAgentProcess(desk.sand, args);
    try {
      await use();
    } finally {
      await agent.stop();
    }
  }

  it("export-key: the fresh card's 6F00, SELECT, the certificate", async () => {
    const seen = await seenDuring(() => desk.jpkiAgent("export-key"));
    expect(seen).toEqual([SELECT, SELECT, READ_CERTIFICATE]);
  });

  it("a cold login with a remembered PIN", () =>
    withAgent(["--card-hold", "0"], async () => {
      await login();
      const seen = await seenDuring(login);
      expect(seen).toEqual([SELECT, SELECT, TRIES_LEFT, VERIFY, expect.stringMatching(SIGN)]);
    }));

  it("a warm login", () =>
    withAgent(["--card-hold", "3600"], async () => {
      await login();
      expect(await seenDuring(login)).toEqual([expect.stringMatching(SIGN)]);
    }));

  it("ssh-add -l: nothing", () =>
    withAgent([], async () => {
      expect(await seenDuring(() => runOk("ssh-add", ["-l"], { env: desk.sand.env }))).toEqual([]);
    }));
});

describe("a document", () => {
  /** The first session shows the card, the second its tries, and in the third, after the question, it signs. */
  const CARD = [SELECT, SELECT, READ_CERTIFICATE];
  const TRIES = (reference: string) => [SELECT, SELECT, `00 20 00 ${reference}`];
  const signature = (reference: string) => expect.stringMatching(new RegExp(`^80 2A 00 ${reference} 33 `));
  const sign = async (...args: readonly string[]) => {
    const result = await desk.jpkiAgent("sign", desk.at("doc"), "-o", desk.at("doc.sig"), ...args);
    expect(result.status, result.stderr).toBe(0);
  };

  beforeAll(() => writeFile(desk.at("doc"), "a document\n"));
  afterAll(() => desk.sand.answer("1234"));

  it("raw, by the authentication key: 11; pkcs15-crypt needs more", async () => {
    await desk.sand.answer("1234");
    const seen = await seenDuring(() => sign("--key", "auth", "--format", "raw"));
    expect(seen).toEqual([...CARD, ...TRIES("98"), ...TRIES("98"), VERIFY, signature("97")]);
    card = await desk.layCard();
    await writeFile(desk.at("digest-info"), encodeDigestInfo("sha256", new Uint8Array(32)));
    const files = ["--input", desk.at("digest-info"), "--output", desk.at("opensc.sig")];
    const key = ["--sign", "--key", "1", "--pkcs1", "--raw", "--pin", "1234"];
    const theirs = await seenDuring(() => runOk("pkcs15-crypt", ["--reader", VPCD_READERS[0], ...key, ...files]));
    expect(theirs.length).toBeGreaterThan(seen.length);
  });

  it("CMS, by the signature key: two certificates more", async () => {
    await desk.sand.answer("TEST1234");
    const seen = await seenDuring(() => sign());
    const password = "00 20 00 9B Lc=08 [hidden]";
    const certificates = ["00 B0 81 00 00 08 00", "00 B0 82 00 00 08 00"];
    expect(seen).toEqual([...CARD, ...TRIES("9B"), ...TRIES("9B"), password, ...certificates, signature("9A")]);
  });
});

describe("certificates", () => {
  it("cert auth: 6; pkcs15-tool needs more", async () => {
    const seen = await seenDuring(() => desk.jpkiAgent("cert", "auth"));
    expect(seen).toEqual([SELECT, SELECT, READ_CERTIFICATE, SELECT, SELECT, READ_CERTIFICATE]);
    card = await desk.layCard();
    const read = ["--reader", VPCD_READERS[0], "--read-certificate", "1"];
    expect((await seenDuring(() => runOk("pkcs15-tool", read))).length).toBeGreaterThan(seen.length);
  });

  it("verify-cert sign: 16", async () => {
    await desk.sand.answer("TEST1234");
    expect(await seenDuring(() => desk.jpkiAgent("verify-cert", "sign"))).toHaveLength(16);
    await desk.sand.answer("1234");
  });
});

it("OpenSSH with OpenSC needs more for each of them", async () => {
  const listed = await seenDuring(() => runOk("ssh-keygen", ["-D", OPENSC_MODULE], { env: desk.sand.env }));
  expect(listed.length).toBeGreaterThan(50); // 73 with OpenSC 0.23
  let opensc: OpenscAgent | undefined;
  const loaded = await seenDuring(async () => {
    opensc = await startOpenscAgent(desk.sand);
  });
  const first = await seenDuring(() => logIn(opensc?.socketPath ?? ""));
  const second = await seenDuring(() => logIn(opensc?.socketPath ?? ""));
  await opensc?.stop();
  // It reads everything once, and then keeps the card: 71 commands, then 2 for each login.
  expect(loaded.length).toBeGreaterThan(50);
  expect(first.length).toBeGreaterThanOrEqual(2);
  expect(second.length).toBeGreaterThanOrEqual(2);
});
