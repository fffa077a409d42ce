/**
 * Every way in which a PIN can arrive times every way in which it can be wrong: how often a person is asked, how the
 * request ends, and how many attempts the card has seen. Never more than one for each answer of a person.
 */

import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { CardLogin } from "../../agent/card-login.ts";
import { CardRegistry } from "../../agent/card-registry.ts";
import { nothingRemembered } from "../../agent/nothing-remembered.ts";
import { PinBroker } from "../../agent/pin-broker.ts";
import { createChoosingPrompt } from "../../lib/pin/choosing-prompt.ts";
import type { Prompt } from "../../lib/pin/prompt.ts";
import { VirtualCard } from "../../lib/virtual-card/card.ts";
import type { VirtualPki } from "../../lib/virtual-card/pki.ts";
import { createVirtualTransport } from "../../lib/virtual-card/transport.ts";
import { type Answer, ARRIVALS, type Arrival } from "../helpers/pin-arrivals.ts";
import { testPki } from "../helpers/pki.ts";
import { findSecret } from "../helpers/process-secrets.ts";
import { type RecordingLogger, recordingLogger } from "../helpers/recording-logger.ts";
import { type TempDir, tempDir } from "../helpers/temp-dir.ts";

const PIN = "7391";
const RIGHT: Answer = { typed: PIN };
const WRONG: Answer = { typed: "7390" };
const WRONG_TOO: Answer = { typed: "7389" };
const never = new AbortController().signal;

interface Row {
  readonly title: string;
  readonly answers: readonly Answer[];
  /** Before; default 3. */
  readonly triesLeft?: number;
  /** "signed", or the error's code. */
  readonly outcome: string;
  /** That the card has seen. */
  readonly attempts: number;
  readonly questions: number;
}

const TABLE: readonly Row[] = [
  { title: "right", answers: [RIGHT], outcome: "signed", attempts: 1, questions: 1 },
  { title: "empty", answers: [{ typed: "" }], outcome: "PIN_CANCELLED", attempts: 0, questions: 1 },
  ...[
    ["short", "739"],
    ["long", "73911"],
    ["letters", "abcd"],
    ["full-width digits", "７３９１"],
  ].map(([title = "", typed = ""]) => ({
    title,
    answers: [{ typed }, { typed }, { typed }],
    outcome: "PIN_FORMAT",
    attempts: 0,
    questions: 3,
  })),
  { title: "short, then right", answers: [{ typed: "739" }, RIGHT], outcome: "signed", attempts: 1, questions: 2 },
  { title: "wrong once", answers: [WRONG, RIGHT], outcome: "signed", attempts: 2, questions: 2 },
  { title: "wrong twice", answers: [WRONG, WRONG_TOO], outcome: "PIN_WRONG", attempts: 2, questions: 2 },
  { title: "the same wrong one twice", answers: [WRONG, WRONG], outcome: "PIN_WRONG", attempts: 1, questions: 2 },
  { title: "wrong, then cancelled", answers: [WRONG, "cancel"], outcome: "PIN_CANCELLED", attempts: 1, questions: 2 },
  { title: "cancelled", answers: ["cancel"], outcome: "PIN_CANCELLED", attempts: 0, questions: 1 },
  { title: "one try left, no", answers: ["no"], triesLeft: 1, outcome: "PIN_CANCELLED", attempts: 0, questions: 1 },
  {
    ...{ title: "one try left, yes, right", answers: ["yes", RIGHT], triesLeft: 1 },
    ...{ outcome: "signed", attempts: 1, questions: 2 },
  },
  {
    ...{ title: "one try left, yes, wrong", answers: ["yes", WRONG], triesLeft: 1 },
    ...{ outcome: "PIN_BLOCKED", attempts: 1, questions: 2 },
  },
  {
    ...{ title: "one try left, yes, cancelled", answers: ["yes", "cancel"], triesLeft: 1 },
    ...{ outcome: "PIN_CANCELLED", attempts: 0, questions: 2 },
  },
  { title: "blocked", answers: [], triesLeft: 0, outcome: "PIN_BLOCKED", attempts: 0, questions: 0 },
  { title: "prompt crashes", answers: ["crash"], outcome: "PIN_NO_PROMPT", attempts: 0, questions: 1 },
  {
    ...{ title: "prompt crashes after a wrong PIN", answers: [WRONG, "crash"] },
    ...{ outcome: "PIN_NO_PROMPT", attempts: 1, questions: 2 },
  },
];

/** What the client that repeats its request at once gets, without a question and without an attempt. */
const HOLDS = ["PIN_CANCELLED", "PIN_FORMAT", "PIN_WRONG", "PIN_BLOCKED"];

let dir: TempDir;
let pki: VirtualPki;
let folders = 0;
beforeAll(async () => {
  [dir, pki] = await Promise.all([tempDir(), testPki()]);
});
afterAll(() => dir.remove());

async function emptyFolder(): Promise<string> {
  const path = join(dir.path, `${folders++}`);
  await mkdir(path);
  return path;
}

interface LoggedIn {
  readonly card: VirtualCard;
  readonly log: RecordingLogger;
  /** "signed", or the error's code, or what was thrown. */
  sign(signal: AbortSignal): Promise<unknown>;
  close(): Promise<void>;
}

async function cardWith(prompt: Prompt, triesLeft = 3): Promise<LoggedIn> {
  const card = new VirtualCard({ pki, authPin: PIN });
  card.setTries("auth", triesLeft);
  const log = recordingLogger();
  const transport = createVirtualTransport({ slots: [{ reader: "R", card }] });
  const broker = new PinBroker({ prompt, now: () => performance.now(), log });
  const registry = new CardRegistry({ transport, holdMs: 0, log });
  const login = new CardLogin({ registry, broker, remembered: nothingRemembered, hold: false, log });
  registry.start();
  await registry.settled();
  const request = { card: "C", purpose: { kind: "sshsig", namespace: "git" } } as const;
  return {
    card,
    log,
    sign: async (signal) => {
      const [record] = registry.cards();
      if (record === undefined) throw new Error("there is no card");
      try {
        const signature = await login.run(record, request, signal, (jpki) => jpki.sign("auth", new Uint8Array(51)));
        return signature.length === 256 ? "signed" : signature;
      } catch (error) {
        return error instanceof Error && "code" in error ? error.code : error;
      }
    },
    close: async () => {
      broker.close();
      await registry.close();
      await transport.close();
    },
  };
}

describe.each(ARRIVALS)("$name", (arrival: Arrival) => {
  it.each(TABLE)("$title: $outcome, $attempts attempts", async ({ answers, triesLeft, ...expected }) => {
    const person = await arrival.open(await emptyFolder(), answers);
    const { card, sign, log, close } = await cardWith(person.prompt, triesLeft);
    try {
      expect(await sign(never)).toBe(expected.outcome);
      const seen = { attempts: card.pinAttempts, questions: person.questions() };
      expect(seen).toEqual({ attempts: expected.attempts, questions: expected.questions });
      if (HOLDS.includes(expected.outcome)) {
        expect(await sign(never)).toBe(expected.outcome);
        expect({ attempts: card.pinAttempts, questions: person.questions() }).toEqual(seen);
      }
      expect(JSON.stringify(log.lines)).not.toMatch(/739/);
    } finally {
      await close();
      await person.close();
    }
  });

  it("prompt hangs, then the client is gone: no attempt, and the question is taken away", async () => {
    const person = await arrival.open(await emptyFolder(), ["hang"]);
    const { card, sign, close } = await cardWith(person.prompt);
    try {
      const client = new AbortController();
      const reason = new Error("hung up");
      const signed = sign(client.signal);
      await person.hanging();
      client.abort(reason);
      expect(await signed).toBe(reason);
      await person.gone();
      expect({ attempts: card.pinAttempts, questions: person.questions() }).toEqual({ attempts: 0, questions: 1 });
    } finally {
      await close();
      await person.close();
    }
  });

  it("client gone before its turn: it is not asked", async () => {
    const person = await arrival.open(await emptyFolder(), ["hang"]);
    const { card, sign, close } = await cardWith(person.prompt);
    try {
      const [first, second] = [new AbortController(), new AbortController()];
      const signed = [sign(first.signal), sign(second.signal)];
      await person.hanging();
      second.abort("second");
      first.abort("first");
      expect(await Promise.all(signed)).toEqual(["first", "second"]);
      expect({ attempts: card.pinAttempts, questions: person.questions() }).toEqual({ attempts: 0, questions: 1 });
    } finally {
      await close();
      await person.close();
    }
  });

  it("prompt missing: PIN_NO_PROMPT, 0 attempts", async () => {
    const { card, sign, close } = await cardWith(arrival.missing());
    expect(await sign(never)).toBe("PIN_NO_PROMPT");
    expect(card.pinAttempts).toBe(0);
    await close();
  });

  it("while a question is open after a wrong PIN, no process has the PIN in its arguments or environment", async () => {
    const person = await arrival.open(await emptyFolder(), [{ typed: "7392" }, "hang"]);
    const { sign, close } = await cardWith(person.prompt);
    const client = new AbortController();
    try {
      const signed = sign(client.signal);
      await person.hanging();
      expect(findSecret("7392")).toEqual([]);
      client.abort("hung up");
      await signed;
    } finally {
      await close();
      await person.close();
    }
  });
});

it("none: PIN_NO_PROMPT at once, 0 attempts", async () => {
  const log = recordingLogger();
  const prompt = createChoosingPrompt({
    choose: () => ({ kind: "none", problem: "turned-off", reason: "prompts are turned off", hint: "choose another" }),
    open: () => Promise.reject(new Error("there is nothing to open")),
    log,
  });
  const { card, sign, close } = await cardWith(prompt);
  expect(await sign(never)).toBe("PIN_NO_PROMPT");
  expect(card.pinAttempts).toBe(0);
  await close();
});
