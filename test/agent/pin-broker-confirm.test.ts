/** The broker where it asks whether to use a key. */

import { beforeEach, describe, expect, it } from "vitest";
import { PinBroker } from "../../agent/pin-broker.ts";
import { utf8 } from "../../lib/bytes.ts";
import { PinError } from "../../lib/errors.ts";
import { pinFromBytes } from "../../lib/pin/pin.ts";
import type { PinRequest, UseRequest } from "../../lib/pin/prompt.ts";
import { FakeClock } from "../helpers/fake-clock.ts";
import { FakePrompt } from "../helpers/fake-prompt.ts";
import { type RecordingLogger, recordingLogger } from "../helpers/recording-logger.ts";

const purpose = { kind: "sshsig", namespace: "git" } as const;
const USE: UseRequest = { kind: "use", card: "card", purpose, program: "git" };
const hop = (fingerprint: string) => ({ names: [], fingerprint });
const FORWARDED: UseRequest = { kind: "forwarded", card: "card", purpose, hops: [hop("SHA256:a")] };
const PIN: PinRequest = { pin: "auth", card: "card", reader: "reader", purpose, triesLeft: 3 };
const REFUSAL_MS = 10_000;
const never = new AbortController().signal;

let clock: FakeClock;
let prompt: FakePrompt;
let log: RecordingLogger;
let broker: PinBroker;

beforeEach(() => {
  clock = new FakeClock();
  prompt = new FakePrompt();
  log = recordingLogger();
  broker = new PinBroker({ prompt, now: clock.now, log, refusalMs: REFUSAL_MS });
});

/** The question number `n` (from 1), once it is on the screen. */
async function question(n: number) {
  await expect.poll(() => prompt.uses.length).toBe(n);
  const shown = prompt.uses[n - 1];
  if (shown === undefined) throw new Error(`no question ${n}`);
  return shown;
}

describe("confirm", () => {
  it("gives a person's answer; a yes is for one use alone", async () => {
    for (const n of [1, 2]) {
      const answer = broker.confirm(USE, never);
      (await question(n)).answer(true);
      expect(await answer).toBe(true);
    }
    expect(prompt.uses[0]?.request).toEqual(USE);
  });

  it.each([
    { what: "a no", answer: (shown: Awaited<ReturnType<typeof question>>) => shown.answer(false) },
    {
      what: "a cancel",
      answer: (shown: Awaited<ReturnType<typeof question>>) => shown.fail(new PinError("PIN_CANCELLED", "cancelled")),
    },
  ])("$what holds for a moment for the same, and for nothing else", async ({ answer }) => {
    const refused = broker.confirm(USE, never);
    answer(await question(1));
    expect(await refused).toBe(false);
    expect(await broker.confirm(USE, never)).toBe(false);
    const others: UseRequest[] = [
      { ...USE, program: "ssh" },
      { ...USE, card: "other card" },
      { ...USE, purpose: { kind: "sshsig", namespace: "file" } },
      FORWARDED,
      { ...FORWARDED, hops: [hop("SHA256:a"), hop("SHA256:b")] },
    ];
    for (const [i, request] of others.entries()) {
      const asked = broker.confirm(request, never);
      (await question(i + 2)).answer(true);
      expect(await asked).toBe(true);
    }
    clock.advance(REFUSAL_MS);
    const again = broker.confirm(USE, never);
    (await question(others.length + 2)).answer(true);
    expect(await again).toBe(true);
  });

  it("is one question at a time, with those about PINs too", async () => {
    const pin = broker.ask(PIN, never);
    const use = broker.confirm(USE, never);
    const forwarded = broker.confirm(FORWARDED, never);
    const [first] = prompt.shown;
    if (first?.kind !== "pin") throw new Error("the PIN is not asked for first");
    expect(prompt.uses).toEqual([]);
    first.answer(pinFromBytes("auth", utf8("1234")));
    (await pin).wipe();
    (await question(1)).answer(true);
    (await question(2)).answer(true);
    expect(await Promise.all([use, forwarded])).toEqual([true, true]);
    expect(prompt.mostOpen).toBe(1);
  });

  it("fails where no question can be shown, and asks again next time", async () => {
    const failed = broker.confirm(USE, never);
    (await question(1)).fail(new PinError("PIN_NO_PROMPT", "no terminal", { hint: "open one" }));
    await expect(failed).rejects.toMatchObject({ code: "PIN_NO_PROMPT" });
    // For the log and `status`: the reason and the mend.
    expect(broker.lastRefusal).toMatchObject({ message: "no terminal", hint: "open one" });
    const fields = { reason: "PIN_NO_PROMPT", text: "no terminal", hint: "open one" };
    expect(log.lines).toContainEqual(expect.objectContaining({ level: "error", fields }));
    const next = broker.confirm(USE, never);
    (await question(2)).answer(true);
    expect(await next).toBe(true);
    expect(broker.lastRefusal).toBeUndefined();
  });

  it("goes away with its client, and with the agent; neither is a no", async () => {
    const leaving = new AbortController();
    const gone = broker.confirm(USE, leaving.signal);
    await question(1);
    leaving.abort(new Error("gone"));
    await expect(gone).rejects.toThrow("gone");
    expect(prompt.open).toBe(0);
    const stopped = broker.confirm(USE, never);
    await question(2);
    broker.close();
    await expect(stopped).rejects.toMatchObject({ code: "PIN_CANCELLED" });
  });
});
