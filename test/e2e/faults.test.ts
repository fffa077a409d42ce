/**
 * Everything that can go away, at every moment of a login, under one agent that is never restarted: each request ends
 * in a signature or a named error, the next login works, and no try of the PIN is lost.
 *
 * Real pcscd, real PC/SC binding, the agent's own parts in this process.
 */

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type RunningAgent, startAgent } from "../../agent/main.ts";
import { createPcscMiniTransport } from "../../lib/card/pcsc-mini.ts";
import { type CardKey, cardKeyOf } from "../../lib/card-key.ts";
import { INS_PERFORM_SECURITY_OPERATION, INS_VERIFY } from "../../lib/iso7816/command.ts";
import { pinFromBytes } from "../../lib/pin/pin.ts";
import { decodeSignature, SSH_AGENT_RSA_SHA2_256 } from "../../lib/ssh/signature.ts";
import { VirtualCard } from "../../lib/virtual-card/card.ts";
import { createVirtualPki } from "../../lib/virtual-card/pki.ts";
import { connectAgent } from "../helpers/agent-client.ts";
import { sshsigData } from "../helpers/ask-signature.ts";
import { type Desk, openDesk } from "../helpers/desk.ts";
import { FakePrompt, type Question } from "../helpers/fake-prompt.ts";
import { testPki } from "../helpers/pki.ts";
import { recordingLogger } from "../helpers/recording-logger.ts";
import { tappedCard } from "../helpers/tapped-card.ts";
import { until } from "../helpers/until.ts";

const PATIENT_MS = 30_000;
/** Commands of a login after a question for the PIN, of one without a question, and of the reading of a new card. */
const [COLD, WARM, READING] = [8, 5, 3];

let desk: Desk;
let card: VirtualCard;
let other: VirtualCard;
let key: CardKey;
let agent: RunningAgent;
let prompt: FakePrompt;
let log = recordingLogger();
/** Whether the person leaves the question open. */
let hesitates = false;
/** The card loses its power instead of answering this command, counted down. */
let cutIn = Number.POSITIVE_INFINITY;

beforeAll(async () => {
  desk = await openDesk();
  const [pki, otherPki] = await Promise.all([testPki(), createVirtualPki(new Date())]);
  card = new VirtualCard({ pki });
  other = new VirtualCard({ pki: otherPki });
  key = cardKeyOf(pki.authCertificate, "card");
});

afterAll(async () => {
  await desk?.close();
  expect([card.triesLeft.auth, other.pinAttempts]).toEqual([3, 0]);
});

beforeEach(() => {
  hesitates = false;
});

function type(question: Question | undefined): void {
  if (question?.kind === "pin") question.answer(pinFromBytes("auth", new TextEncoder().encode("1234")));
}

/** The same card, which {@link cutIn} can cut off. */
async function lay(): Promise<void> {
  const onCommand = () => {
    if (--cutIn !== 0) return undefined;
    card.powerOff();
    return new Uint8Array();
  };
  await desk.slot.insert(tappedCard(card, { onCommand }));
}

/** One agent for all cases of a table. */
async function start(waitCardMs: number): Promise<void> {
  log = recordingLogger();
  prompt = new FakePrompt((question) => {
    if (!hesitates) type(question);
  });
  const known: CardKey[] = [key];
  const remember = async (seen: CardKey) => void (known.some(({ id }) => id === seen.id) || known.push(seen));
  const transport = createPcscMiniTransport({ log, leaveWatch: true });
  const now = () => performance.now();
  agent = await startAgent(
    { transport, prompt, known: { list: () => known, remember }, log, now },
    {
      socketPath: desk.at("agent.sock"),
      pinCache: { mode: "session", ttlMs: 3_600_000 },
      cardHoldMs: 0,
      waitCardMs,
      policy: { allowSha1: false, allowAnyData: false },
    },
  );
  await lay();
  await nextLogin();
}

function isOurs({ comment }: { readonly comment: Uint8Array }): boolean {
  return new TextDecoder().decode(comment) === key.comment;
}

/** Whether our key is listed. */
async function list(): Promise<string> {
  const client = await connectAgent(agent.socketPath);
  const answer = await client.ask({ kind: "list" });
  client.close();
  const listed = answer?.kind === "identities" && answer.identities.some(isOurs);
  return listed ? "success" : "not listed";
}

/** @returns "success", or the code in the log. */
async function sign(): Promise<string> {
  const client = await connectAgent(agent.socketPath);
  const from = log.lines.length;
  const listed = await client.ask({ kind: "list" });
  const identities = listed?.kind === "identities" ? listed.identities : [];
  const identity = identities.find(isOurs);
  if (identity === undefined) throw new Error("the key is not listed");
  const { keyBlob } = identity;
  const answer = await client.ask({ kind: "sign", keyBlob, data: sshsigData("m"), flags: SSH_AGENT_RSA_SHA2_256 });
  client.close();
  if (answer?.kind === "signature") return decodeSignature(answer.signature).bytes.length === 256 ? "success" : "short";
  const reasons = log.lines
    .slice(from)
    .flatMap(({ message, fields }) => (message === "not signed" ? fields["reason"] : []));
  return String(reasons[0]);
}

/** Without any mend but what the owner would do: the card lies on the reader, pcscd runs. */
async function nextLogin(): Promise<void> {
  cutIn = Number.POSITIVE_INFINITY;
  desk.slot.beforeCommand = undefined;
  hesitates = false;
  await until("the next login works", async () => (await sign()) === "success", 20_000);
  expect(card.triesLeft.auth, "tries left").toBe(3);
  expect(other.pinAttempts).toBe(0);
}

interface Fault {
  strike(): Promise<void>;
  /** What the owner does. */
  mend(): Promise<void>;
}

interface Holder extends Fault {
  /** Resolves when it has the card. */
  holds(): Promise<void>;
}

/** Another program, alone with the card until it lets go. */
function otherProgram(): Holder {
  const transport = createPcscMiniTransport({ leaveWatch: true });
  let held = Promise.resolve();
  return {
    strike: async () => {
      if (desk.slot.card === undefined) await lay();
      await transport.ready();
      await until("it sees the card", () => transport.slots().some(({ state }) => state === "present"));
      const [slot] = transport.slots().filter(({ state }) => state === "present");
      if (slot === undefined) throw new Error("no card");
      held = transport.connect(slot, { busyTimeoutMs: PATIENT_MS }).then(() => {});
    },
    holds: () => held,
    mend: async () => {
      await held;
      await transport.close();
    },
  };
}

const FAULTS: Readonly<Record<string, () => Fault>> = {
  "card pulled out": () => ({
    strike: async () => {
      if (desk.slot.card === undefined) await lay();
      desk.slot.eject();
    },
    mend: lay,
  }),
  "reader gone": () => ({
    strike: () => desk.pcscd.restart({ reader: false }),
    mend: () => desk.pcscd.restart(),
  }),
  "pcscd killed": () => ({ strike: () => desk.pcscd.kill(), mend: () => desk.pcscd.startAgain() }),
  "pcscd restarted": () => ({ strike: () => desk.pcscd.restart(), mend: async () => {} }),
  "card swapped": () => ({ strike: () => desk.slot.insert(other), mend: lay }),
  "another program holds it": otherProgram,
};

/** Strikes when this command is at the card, which may still answer it. */
function strikeAt(ins: number, { strike }: Fault): Promise<void> {
  return new Promise((resolve) => {
    desk.slot.beforeCommand = (command) => {
      if (command[1] !== ins || command.length === 4) return undefined;
      desk.slot.beforeCommand = undefined;
      // Not waited for: pcscd and the slot wait for this command themselves.
      resolve(strike());
      return undefined;
    };
  });
}

type Mend = "meanwhile" | "afterwards";

async function finish(request: Promise<string>, { mend }: Fault, when: Mend): Promise<string> {
  if (when === "afterwards") {
    const outcome = await request;
    await mend();
    return outcome;
  }
  await mend();
  if (desk.slot.card === undefined) await lay();
  return request;
}

const MOMENTS: Readonly<Record<string, (fault: Fault, when: Mend) => Promise<string>>> = {
  list: async (fault, when) => {
    const struck = fault.strike();
    const during = await list();
    await struck;
    const after = list();
    return during === "success" ? finish(after, fault, when) : during;
  },
  "cold sign": async (fault, when) => {
    await agent.forget();
    const struck = strikeAt(INS_VERIFY, fault);
    const request = sign();
    await await struck;
    return finish(request, fault, when);
  },
  "warm sign": async (fault, when) => {
    const struck = strikeAt(INS_PERFORM_SECURITY_OPERATION, fault);
    const request = sign();
    await await struck;
    return finish(request, fault, when);
  },
  "PIN prompt open": async (fault, when) => {
    await agent.forget();
    hesitates = true;
    const shown = prompt.shown.length;
    const request = sign();
    await until("the PIN is asked for", () => prompt.shown.length > shown);
    await fault.strike();
    hesitates = false;
    type(prompt.shown.at(-1));
    return finish(request, fault, when);
  },
  "waiting for the card": async (fault, when) => {
    desk.slot.eject();
    const shown = prompt.messages.length;
    // Until pcscd has noticed, the request may still go to the card; then it waits for it all the same.
    const request = sign();
    await until("the card is asked for", () => prompt.messages.length > shown);
    await fault.strike();
    return finish(request, fault, when);
  },
};

function table(moments: readonly string[], faults: readonly string[]): readonly (readonly [string, string])[] {
  return moments.flatMap((moment) => faults.map((fault) => [moment, fault] as const));
}

async function run(moment: string, fault: string, when: Mend): Promise<string> {
  const [begin, make] = [MOMENTS[moment], FAULTS[fault]];
  if (begin === undefined || make === undefined) throw new Error("no such case");
  return begin(make(), when);
}

describe("mended while the agent waits for the card: the same request succeeds", () => {
  beforeAll(() => start(PATIENT_MS));
  afterAll(() => agent.close());
  afterEach(nextLogin);

  it.each(table(Object.keys(MOMENTS), Object.keys(FAULTS)))("%s: %s", async (moment, fault) => {
    const asked = prompt.shown.length;
    expect(await run(moment, fault, "meanwhile")).toBe("success");
    // A typed PIN lasts over the fault; a remembered one ends with the insertion.
    expect(prompt.shown.length - asked).toBeLessThanOrEqual(1);
  });
});

describe("mended only afterwards, by an agent that waits for no card: a named error", () => {
  beforeAll(() => start(0));
  afterAll(() => agent.close());
  afterEach(nextLogin);

  it.each(table(["cold sign", "warm sign", "PIN prompt open"], Object.keys(FAULTS).slice(0, 5)))(
    "%s: %s",
    async (moment, fault) => {
      expect(["CARD_RESET", "CARD_ABSENT", "READER_ABSENT", "PCSC_UNAVAILABLE", "success"]).toContain(
        await run(moment, fault, "afterwards"),
      );
    },
  );

  it("another program keeps the card: told in the end", async () => {
    const program = otherProgram();
    await program.strike();
    await program.holds();
    expect(await finish(sign(), program, "afterwards")).toBe("CARD_BUSY");
  });

  /** The last where pcscd looks at its reader in the moment before the card is back. */
  const CUT_OFF = ["CARD_RESET", "MALFORMED", "CARD_ABSENT"];
  const numbers = (count: number) => Array.from({ length: count }, (_, i) => i + 1);

  it.each(numbers(COLD))("cold sign: power cut at command %i", async (command) => {
    await agent.forget();
    cutIn = command;
    expect(CUT_OFF).toContain(await sign());
  });

  it.each(numbers(WARM))("warm sign: power cut at command %i", async (command) => {
    cutIn = command;
    expect(CUT_OFF).toContain(await sign());
  });

  it.each(numbers(READING))("a new card: power cut at command %i", async (command) => {
    cutIn = command;
    await lay();
    expect(await list()).toBe("success");
  });
});
