/**
 * A day with a card, under one agent that is never restarted: pcscd comes late, the machine sleeps, another's card lies
 * on the reader, submodules of git fetched all at once, a reader that is unplugged.
 */

import { afterAll, beforeAll, expect, it } from "vitest";
import { type RunningAgent, startAgent } from "../../agent/main.ts";
import { createPcscMiniTransport } from "../../lib/card/pcsc-mini.ts";
import { type CardKey, cardKeyOf } from "../../lib/card-key.ts";
import { pinFromBytes } from "../../lib/pin/pin.ts";
import { encodeRsaBlob } from "../../lib/ssh/public-key.ts";
import { VirtualCard } from "../../lib/virtual-card/card.ts";
import { createVirtualPki } from "../../lib/virtual-card/pki.ts";
import { askSignature } from "../helpers/ask-signature.ts";
import { type Desk, openDesk } from "../helpers/desk.ts";
import { FakePrompt } from "../helpers/fake-prompt.ts";
import { openSubmodules, type Submodules } from "../helpers/git-submodules.ts";
import { testPki } from "../helpers/pki.ts";
import { recordingLogger } from "../helpers/recording-logger.ts";
import { type Sshd, startSshd } from "../helpers/sshd.ts";
import { until } from "../helpers/until.ts";

const SUBMODULES = 4;

let desk: Desk;
let mine: VirtualCard;
let theirs: VirtualCard;
let agent: RunningAgent;
let sshd: Sshd;
let submodules: Submodules;
/** While the machine sleeps, the monotonic clock stands still and the wall clock does not. */
let sleptMs = 0;
const log = recordingLogger();
const prompt = new FakePrompt((question) => {
  if (question.kind === "pin") question.answer(pinFromBytes("auth", new TextEncoder().encode("1234")));
});

beforeAll(async () => {
  desk = await openDesk();
  const [pki, otherPki] = await Promise.all([testPki(), createVirtualPki(new Date())]);
  mine = new VirtualCard({ pki });
  theirs = new VirtualCard({ pki: otherPki });
  const key = cardKeyOf(pki.authCertificate, "card");
  const publicKey = Buffer.from(encodeRsaBlob(key.publicKey)).toString("base64");
  sshd = await startSshd(desk.folder, `ssh-rsa ${publicKey}\n`);
  submodules = await openSubmodules(desk.folder, { count: SUBMODULES, host: "127.0.0.1", env: desk.sand.env });
  await desk.pcscd.halt();
  const known: CardKey[] = [key];
  agent = await startAgent(
    {
      transport: createPcscMiniTransport({ log, leaveWatch: true }),
      prompt,
      known: { list: () => known, remember: async () => {} },
      log,
      now: () => performance.now() - sleptMs,
    },
    {
      socketPath: desk.at("agent.sock"),
      pinCache: { mode: "session", ttlMs: 3_600_000 },
      cardHoldMs: 0,
      waitCardMs: 30_000,
      policy: { allowSha1: false, allowAnyData: false },
    },
  );
});

afterAll(async () => {
  await agent?.close();
  await sshd?.close();
  await desk?.close();
});

const login = () => askSignature(agent.socketPath);
const messages = () => prompt.messages.length;
const asked = (count: number) => until("the card is asked for", () => messages() === count);

/** Prompts for a PIN, messages, and commands to the card since the last time. */
let [pins, cards, commands] = [0, 0, 0];
function figures(): Readonly<Record<"pins" | "cards" | "commands", number>> {
  const now = { pins: prompt.shown.length - pins, cards: messages() - cards, commands: mine.log.length - commands };
  [pins, cards, commands] = [prompt.shown.length, messages(), mine.log.length];
  return now;
}

it("each of its logins works, and no try is lost", async () => {
  const early = login(); // before pcscd
  await desk.pcscd.startAgain();
  await asked(1);
  await desk.slot.insert(mine);
  expect(await early).toHaveLength(256);
  // Reading the card: 3. A login with a question: 3 before it, 5 after it (6F00, SELECT, tries, VERIFY, signature).
  expect(figures()).toEqual({ pins: 1, cards: 1, commands: 11 });
  expect(await login()).toHaveLength(256);
  expect(figures()).toEqual({ pins: 0, cards: 0, commands: 5 });

  sleptMs += 3_600_000;
  expect(await login()).toHaveLength(256);
  expect(log.lines.some(({ fields }) => fields["event"] === "suspend")).toBe(true);
  expect(figures()).toEqual({ pins: 1, cards: 0, commands: 8 });

  await desk.slot.remove();
  const noon = login();
  await asked(2);
  await desk.slot.insert(theirs);
  await until("the message says so", () => prompt.messages.at(-1)?.request.otherCard === true);
  await desk.slot.insert(mine);
  expect(await noon).toHaveLength(256);
  // The card is asked for; another one lies there; it is gone.
  expect(figures()).toEqual({ pins: 1, cards: 3, commands: 11 });

  expect(await submodules.fetch(`ssh -F ${sshd.clientConfig} -o IdentityAgent=${agent.socketPath}`)).toBe(SUBMODULES);
  expect(figures()).toEqual({ pins: 0, cards: 0, commands: 5 * SUBMODULES });

  await desk.pcscd.restart({ reader: false });
  const evening = login();
  await asked(5);
  await desk.pcscd.restart();
  expect(await evening).toHaveLength(256);
  // While PC/SC is away the message is too; it may come back before the card is seen.
  expect(figures()).toMatchObject({ pins: 1, commands: 11 });
  expect(messages()).toBeLessThanOrEqual(6);

  expect([mine.triesLeft.auth, theirs.pinAttempts]).toEqual([3, 0]);
  expect(prompt.mostOpen).toBe(1);
});
