/**
 * The PIN in the OS keychain, end to end: the built program, a real pcscd, a real gnome-keyring. Each attempt is
 * counted by the card.
 */

import { dirname, join } from "node:path";
import { execPath } from "node:process";
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from "vitest";
import { cardKeyOf } from "../../lib/card-key.ts";
import { createKeychain } from "../../lib/pin/keychain.ts";
import type { PinVault } from "../../lib/pin/vault.ts";
import type { VirtualCard } from "../../lib/virtual-card/card.ts";
import { type AgentProcess, JPKI_AGENT, startAgentProcess } from "../helpers/agent-process.ts";
import { askSignature } from "../helpers/ask-signature.ts";
import { type Desk, openDesk } from "../helpers/desk.ts";
import { type Keyring, startKeyring } from "../helpers/keyring.ts";
import { testPki } from "../helpers/pki.ts";
import { findSecret } from "../helpers/process-secrets.ts";
import { recordingLogger } from "../helpers/recording-logger.ts";
import { type RunResult, run } from "../helpers/run.ts";
import { digitsOf, spyPin } from "../helpers/spy-pin.ts";

const PIN = "7391";
const NEW_PIN = "8264";

let desk: Desk;
let keyring: Keyring;
let vault: PinVault;
let env: Record<string, string>;
let card: VirtualCard;
let agent: AgentProcess;
/** Under which the keyring has the card's PIN. */
let cardId: string;

beforeAll(async () => {
  desk = await openDesk();
  keyring = await startKeyring({ folder: desk.at("keyring") });
  env = { ...desk.sand.env, DBUS_SESSION_BUS_ADDRESS: keyring.env["DBUS_SESSION_BUS_ADDRESS"] ?? "" };
  const child = join(dirname(JPKI_AGENT), "keychain-child.js");
  vault = createKeychain({ command: [execPath, child], env, timeoutMs: 20_000, log: recordingLogger() });
  cardId = cardKeyOf((await testPki()).authCertificate, "card").id;
});
afterAll(async () => {
  await keyring.stop();
  await desk.close();
});

const startAgent = () => startAgentProcess({ ...desk.sand, env }, ["--pin-cache", "keychain", "--card-hold", "0"]);
const pin = (...args: readonly string[]): Promise<RunResult> => run(execPath, [JPKI_AGENT, "pin", ...args], { env });
const saved = async () => digitsOf(await vault.read(cardId));

/** One signature: whether there is one, and what it cost. */
async function sign() {
  const before = { attempts: card.pinAttempts, questions: (await desk.sand.questions()).length };
  const signed = (await askSignature(desk.sand.socketPath)) !== undefined;
  const questions = (await desk.sand.questions()).length - before.questions;
  return { signed, attempts: card.pinAttempts - before.attempts, questions };
}
const UNASKED = { signed: true, attempts: 1, questions: 0 };
/** The person cancels. */
const ASKED = { signed: false, attempts: 0, questions: 1 };

/** The agent forgets that this question was cancelled a moment ago, and all else. */
async function restart(): Promise<void> {
  await agent.stop();
  agent = await startAgent();
}

/** A card with {@link PIN}, which is in the keyring, and an agent that may use it. */
beforeEach(async () => {
  card = await desk.layCard({ authPin: PIN });
  agent = await startAgent();
  await desk.sand.answer(PIN);
  expect(await pin("save")).toMatchObject({ status: 0 });
  await desk.sand.answer(null);
});
afterEach(async () => {
  await agent.stop();
  for (const secret of [PIN, NEW_PIN]) {
    expect(agent.log()).not.toMatch(new RegExp(`(?<![0-9A-Za-z])${secret}(?![0-9A-Za-z])`));
    expect(findSecret(secret)).toEqual([]);
  }
});

it("pin save asks once and checks the PIN; then nobody is asked, however often the card and the agent come anew", async () => {
  expect(card.pinAttempts).toBe(1);
  expect(await saved()).toBe(PIN);
  expect([await sign(), await sign()]).toEqual([UNASKED, UNASKED]);
  await desk.slot.insert(card);
  await restart();
  expect(await sign()).toEqual(UNASKED);
});

it("pin save does not save a wrong PIN", async () => {
  await desk.sand.answer(NEW_PIN, null);
  expect(await pin("save")).toMatchObject({ status: 5 });
  expect([card.pinAttempts, await saved()]).toEqual([2, PIN]);
});

it("a PIN that another program changed: the saved one is sent once, erased from the keyring, never sent again", async () => {
  card.setPin("auth", NEW_PIN);
  expect(await sign()).toEqual({ signed: false, attempts: 1, questions: 1 });
  expect([card.triesLeft.auth, await saved()]).toEqual([2, undefined]);
  expect((await desk.sand.questions()).at(-1)).toContain("Tries left: 2");
  await restart();
  card.setTries("auth", 3);
  expect(await sign()).toEqual(ASKED);
  await restart();
  await desk.sand.answer(NEW_PIN);
  expect(await sign()).toEqual({ signed: true, attempts: 1, questions: 1 });
  expect(await saved()).toBeUndefined();
});

it("while a try is lost the saved PIN is not sent, and stays", async () => {
  card.setTries("auth", 2);
  expect(await sign()).toEqual(ASKED);
  expect(await saved()).toBe(PIN);
});

it("pin change erases it from the keyring and from the agent: the old one is not sent even once", async () => {
  expect(await sign()).toEqual(UNASKED);
  await desk.sand.answer(PIN, NEW_PIN, NEW_PIN);
  expect(await pin("change", "auth")).toMatchObject({ status: 0 });
  expect(await saved()).toBeUndefined();
  await desk.sand.answer(NEW_PIN);
  expect(await sign()).toEqual({ signed: true, attempts: 1, questions: 1 });
  expect(card.triesLeft.auth).toBe(3);
});

it("pin forget erases it", async () => {
  expect(await pin("forget", "--json")).toMatchObject({
    status: 0,
    stdout: `${JSON.stringify({ agents: [desk.sand.socketPath], erased: 1 })}\n`,
  });
  expect(await saved()).toBeUndefined();
  expect(await sign()).toEqual(ASKED);
  expect(JSON.parse((await pin("forget", "--json")).stdout)).toMatchObject({ erased: 0 });
});

it("a PIN that another program put there, and that is none, is not sent", async () => {
  await vault.save(cardId, spyPin("73911"));
  expect(await sign()).toEqual(ASKED);
});
