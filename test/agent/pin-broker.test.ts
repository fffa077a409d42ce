import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { PinBroker, type PinBrokerOptions } from "../../agent/pin-broker.ts";
import { PinError } from "../../lib/errors.ts";
import type { SignPurpose } from "../../lib/keys.ts";
import type { PinRequest } from "../../lib/pin/prompt.ts";
import { FakeClock } from "../helpers/fake-clock.ts";
import { FakePrompt, type Question } from "../helpers/fake-prompt.ts";
import { recordingLogger } from "../helpers/recording-logger.ts";
import { digitsOf, type SpyPin, spyPin, unwiped } from "../helpers/spy-pin.ts";

const never = new AbortController().signal;
const login: SignPurpose = { kind: "ssh-login", user: "git", hosts: [], forwarded: false };
const request: PinRequest = { pin: "auth", card: "My Number card 01234567", reader: "R", purpose: login, triesLeft: 3 };
const cancelled = () => new PinError("PIN_CANCELLED", "no");
const malformed = () => new PinError("PIN_FORMAT", "5 digits");

function setUp(answer?: (question: Question) => void, options: Partial<PinBrokerOptions> = {}) {
  const clock = new FakeClock();
  const prompt = new FakePrompt(answer);
  const log = recordingLogger();
  const broker = new PinBroker({ prompt, now: clock.now, log, ...options });
  return { clock, prompt, log, broker };
}

/** Answers each question in turn: digits, true or false, or an error; fails the test if there are more. */
function answers(...list: readonly (string | boolean | Error)[]): (question: Question) => void {
  const left = [...list];
  return (question) => {
    const next = left.shift();
    if (question.kind === "pin" && typeof next === "string") question.answer(spyPin(next));
    else if (question.kind === "confirm" && typeof next === "boolean") question.answer(next);
    else question.fail(next ?? new Error(`unexpected question: ${question.kind}`));
  };
}

describe("PinBroker.ask", () => {
  test("asks and hands over the PIN", async () => {
    const { broker, prompt } = setUp(answers("1234"));
    expect(digitsOf(await broker.ask(request, never))).toBe("1234");
    expect(prompt.shown.map(({ request }) => request)).toEqual([request]);
  });

  test.each([undefined, 2, 3])("%s tries left: no separate yes is asked for", async (triesLeft) => {
    const { broker, prompt } = setUp(answers("1234"));
    await broker.ask({ ...request, triesLeft }, never);
    expect(prompt.shown.map(({ kind }) => kind)).toEqual(["pin"]);
  });

  test("one try left: asked for a yes, then for the PIN", async () => {
    const { broker, prompt } = setUp(answers(true, "1234"));
    expect(digitsOf(await broker.ask({ ...request, triesLeft: 1 }, never))).toBe("1234");
    expect(prompt.shown.map(({ kind }) => kind)).toEqual(["confirm", "pin"]);
  });

  test("one try left: anything but a yes is a cancel, and no PIN is asked for", async () => {
    const { broker, prompt } = setUp(answers(false));
    await expect(broker.ask({ ...request, triesLeft: 1 }, never)).rejects.toMatchObject({ code: "PIN_CANCELLED" });
    expect(prompt.shown.map(({ kind }) => kind)).toEqual(["confirm"]);
  });

  test("one try left and a malformed answer: the yes still stands, nothing was spent", async () => {
    const { broker, prompt } = setUp(answers(true, malformed(), "1234"));
    await broker.ask({ ...request, triesLeft: 1 }, never);
    expect(prompt.shown.map(({ kind }) => kind)).toEqual(["confirm", "pin", "pin"]);
  });

  test("no try left: nobody is asked", async () => {
    const { broker, prompt } = setUp();
    await expect(broker.ask({ ...request, triesLeft: 0 }, never)).rejects.toMatchObject({ code: "PIN_BLOCKED" });
    expect(prompt.shown).toEqual([]);
  });

  test("malformed: asked again, saying so", async () => {
    const { broker, prompt } = setUp(answers(malformed(), malformed(), "1234"));
    expect(digitsOf(await broker.ask({ ...request, previous: "wrong" }, never))).toBe("1234");
    expect(prompt.shown.map(({ request }) => request.previous)).toEqual(["wrong", "malformed", "malformed"]);
  });

  test("malformed three times is the end, and holds as a no does", async () => {
    const { broker, clock, prompt } = setUp(answers(malformed(), malformed(), malformed(), "1234"));
    for (let i = 0; i < 3; i++) await expect(broker.ask(request, never)).rejects.toMatchObject({ code: "PIN_FORMAT" });
    expect(prompt.shown).toHaveLength(3);
    clock.advance(10_000);
    expect(digitsOf(await broker.ask(request, never))).toBe("1234");
  });

  test.each(["PIN_NO_PROMPT", "PIN_CANCELLED"] as const)("%s ends it at once", async (code) => {
    const { broker, prompt } = setUp(answers(malformed(), new PinError(code, "no")));
    await expect(broker.ask(request, never)).rejects.toMatchObject({ code });
    expect(prompt.shown).toHaveLength(2);
  });

  test("no prompt does not hold: the next request asks again", async () => {
    const { broker, prompt } = setUp(answers(new PinError("PIN_NO_PROMPT", "no display"), "1234"));
    await expect(broker.ask(request, never)).rejects.toMatchObject({ code: "PIN_NO_PROMPT" });
    await broker.ask(request, never);
    expect(prompt.shown).toHaveLength(2);
  });

  test("no prompt: the reason and the mend are logged and kept, until a question is shown again", async () => {
    const none = () => new PinError("PIN_NO_PROMPT", "no display", { hint: "import it" });
    const { broker, log } = setUp(answers(none(), "1234", none(), cancelled()));
    const asked = () => broker.ask(request, never).catch(() => {});
    expect(broker.lastRefusal).toBeUndefined();
    await asked();
    expect(broker.lastRefusal).toMatchObject({ message: "no display", hint: "import it" });
    const fields = { reason: "PIN_NO_PROMPT", text: "no display", hint: "import it" };
    expect(log.lines).toContainEqual(expect.objectContaining({ level: "error", fields }));
    await asked();
    expect(broker.lastRefusal).toBeUndefined();
    await asked();
    expect(broker.lastRefusal).toBeDefined();
    await asked(); // a no: the question was shown
    expect(broker.lastRefusal).toBeUndefined();
  });

  test("a client that hangs up takes its question away and is no refusal", async () => {
    const { broker, prompt } = setUp();
    const client = new AbortController();
    const asked = broker.ask(request, client.signal);
    expect(prompt.open).toBe(1);
    const reason = cancelled(); // whatever the reason is: it was no person's no
    client.abort(reason);
    await expect(asked).rejects.toBe(reason);
    expect(prompt.open).toBe(0);
    const again = broker.ask(request, never);
    expect(prompt.open).toBe(1);
    broker.close();
    await expect(again).rejects.toMatchObject({ code: "PIN_CANCELLED" });
  });

  test("a client that hangs up just as the person answers: the PIN is wiped", async () => {
    const client = new AbortController();
    const pin = spyPin("1234");
    const reason = new Error("hung up");
    const { broker } = setUp((question) => {
      if (question.kind === "pin") question.answer(pin);
      client.abort(reason);
    });
    await expect(broker.ask(request, client.signal)).rejects.toBe(reason);
    expect(unwiped(pin)).toBe(0);
  });

  test("a PIN that was handed over is the caller's to wipe: the broker keeps no copy of its own", async () => {
    const pin = spyPin("1234");
    const { broker } = setUp((question) => question.kind === "pin" && question.answer(pin));
    const mine = await broker.ask(request, never);
    expect(pin.family).toHaveLength(1);
    mine.wipe();
    expect(unwiped(pin)).toBe(0);
  });

  test("close takes away the question and all that wait; later questions fail", async () => {
    const { broker, prompt } = setUp();
    const asked = [broker.ask(request, never), broker.ask(request, never)];
    broker.close();
    for (const each of [...asked, broker.ask(request, never)])
      await expect(each).rejects.toMatchObject({ code: "PIN_CANCELLED" });
    expect(prompt.shown).toHaveLength(1);
    expect(prompt.open).toBe(0);
  });

  test("no PIN in the log", async () => {
    const { broker, log } = setUp(answers("8642", cancelled()));
    await broker.ask(request, never);
    await expect(broker.ask(request, never)).rejects.toMatchObject({ code: "PIN_CANCELLED" });
    await expect(broker.ask(request, never)).rejects.toMatchObject({ code: "PIN_CANCELLED" });
    expect(log.lines.length).toBeGreaterThan(0);
    expect(JSON.stringify(log.lines)).not.toContain("8642");
  });
});

describe("a person's no holds for a moment", () => {
  const others: readonly (readonly [string, Partial<PinRequest>])[] = [
    ["another user name", { purpose: { ...login, user: "root" } }],
    ["another bound host", { purpose: { ...login, hostKeyFingerprint: "SHA256:b" } }],
    ["a signature", { purpose: { kind: "sshsig", namespace: "git" } }],
    ["other data", { purpose: { kind: "any-data", description: "git" } }],
    ["a command", { purpose: { kind: "command", command: "git" } }],
    ["a program's login", { purpose: { kind: "pkcs11-login", key: "auth", maxSignatures: 1000, seconds: 3600 } }],
    ["a program's signature", { purpose: { kind: "pkcs11-sign", key: "auth", mechanism: "CKM_RSA_PKCS" } }],
    ["another card", { card: "My Number card 89abcdef" }],
    ["another PIN", { pin: "sign" }],
  ];

  test("one refusal is one prompt, however often the client repeats", async () => {
    const { broker, clock, log, prompt } = setUp(answers(cancelled()));
    for (let i = 0; i < 10; i++) {
      await expect(broker.ask(request, never)).rejects.toMatchObject({ code: "PIN_CANCELLED" });
      clock.advance(900);
    }
    expect(prompt.shown).toHaveLength(1);
    expect(log.lines.filter(({ level }) => level === "info")).toHaveLength(9);
  });

  test("also for those who already wait", async () => {
    const { broker, prompt } = setUp();
    const asked = [1, 2, 3].map(() => broker.ask(request, never));
    prompt.shown[0]?.fail(cancelled());
    for (const each of asked) await expect(each).rejects.toMatchObject({ code: "PIN_CANCELLED" });
    expect(prompt.shown).toHaveLength(1);
  });

  test("a no to the last try holds too", async () => {
    const { broker, prompt } = setUp(answers(false));
    for (let i = 0; i < 3; i++)
      await expect(broker.ask({ ...request, triesLeft: 1 }, never)).rejects.toMatchObject({ code: "PIN_CANCELLED" });
    expect(prompt.shown).toHaveLength(1);
  });

  test("a wrong PIN that ended its request holds too, and says so", async () => {
    const { broker, clock, prompt } = setUp(answers("1234", true, "1234"));
    const other = { ...request, purpose: { ...login, user: "root" }, triesLeft: 1 };
    broker.holdWrong({ ...request, triesLeft: 2 });
    for (let i = 0; i < 19; i++)
      await expect(broker.ask({ ...request, triesLeft: 1 }, never)).rejects.toMatchObject({ code: "PIN_WRONG" });
    expect(prompt.shown).toHaveLength(0);
    clock.advance(10_000);
    expect(digitsOf(await broker.ask(request, never))).toBe("1234");
    broker.holdWrong(request);
    expect(digitsOf(await broker.ask(other, never))).toBe("1234");
  });

  test("10 seconds where nobody repeats it", async () => {
    const { broker, clock } = setUp(answers(cancelled(), "1234"));
    await expect(broker.ask(request, never)).rejects.toMatchObject({ code: "PIN_CANCELLED" });
    clock.advance(10_000);
    expect(digitsOf(await broker.ask(request, never))).toBe("1234");
  });

  test("as long as rclone repeats it, waiting longer each time", async () => {
    const { broker, clock, prompt } = setUp(answers(cancelled()));
    for (const pauseMs of [0, 200, 400, 800, 1600, 2000, 2000, 2000, 2000, 2000]) {
      clock.advance(pauseMs + 500); // the next connection takes its time too
      await expect(broker.ask(request, never)).rejects.toMatchObject({ code: "PIN_CANCELLED" });
    }
    expect(prompt.shown).toHaveLength(1);
  });

  test("5 seconds after a repeat a person is asked again", async () => {
    const { broker, clock, prompt } = setUp(answers(cancelled(), "1234"));
    await expect(broker.ask(request, never)).rejects.toMatchObject({ code: "PIN_CANCELLED" });
    for (const ms of [9_999, 4_999]) {
      clock.advance(ms);
      await expect(broker.ask(request, never)).rejects.toMatchObject({ code: "PIN_CANCELLED" });
    }
    expect(prompt.shown).toHaveLength(1);
    clock.advance(5_000);
    expect(digitsOf(await broker.ask(request, never))).toBe("1234");
  });

  test("30 seconds at most, whoever repeats it", async () => {
    const { broker, clock } = setUp(answers(cancelled(), "1234"));
    await expect(broker.ask(request, never)).rejects.toMatchObject({ code: "PIN_CANCELLED" });
    for (let seconds = 1; seconds < 30; seconds++) {
      clock.advance(1_000);
      await expect(broker.ask(request, never)).rejects.toMatchObject({ code: "PIN_CANCELLED" });
    }
    clock.advance(1_000);
    expect(digitsOf(await broker.ask(request, never))).toBe("1234");
  });

  test("or as long as is asked for", async () => {
    const { broker, clock } = setUp(answers(cancelled(), "1234"), { refusalMs: 5 });
    await expect(broker.ask(request, never)).rejects.toMatchObject({ code: "PIN_CANCELLED" });
    clock.advance(5);
    expect(digitsOf(await broker.ask(request, never))).toBe("1234");
  });

  test.each(others)("%s is asked for all the same", async (_, other) => {
    const { broker } = setUp(answers(cancelled(), "1234"));
    await expect(broker.ask(request, never)).rejects.toMatchObject({ code: "PIN_CANCELLED" });
    expect(digitsOf(await broker.ask({ ...request, ...other }, never))).toBe("1234");
  });

  test("the tries left, the reader and the program make no difference", async () => {
    const { broker, prompt } = setUp(answers(cancelled()));
    await expect(broker.ask(request, never)).rejects.toMatchObject({ code: "PIN_CANCELLED" });
    const same = { ...request, triesLeft: 2, reader: "S", program: "rclone" };
    await expect(broker.ask(same, never)).rejects.toMatchObject({ code: "PIN_CANCELLED" });
    expect(prompt.shown).toHaveLength(1);
  });

  test("phones not seen yet are told apart by their readers", async () => {
    const { broker } = setUp(answers(cancelled(), "1234"));
    await expect(broker.ask({ ...request, card: "" }, never)).rejects.toMatchObject({ code: "PIN_CANCELLED" });
    expect(digitsOf(await broker.ask({ ...request, card: "", reader: "S" }, never))).toBe("1234");
  });
});

type Reply = "pin" | "pin, then hang up" | "no" | "malformed" | "hang up" | "crash";

/** What a person and a client do, given by the property below. */
function reply(question: Question, how: Reply | undefined, hangUp: () => void): SpyPin | undefined {
  const pin = spyPin("1234");
  switch (how) {
    case "pin":
    case "pin, then hang up":
      if (question.kind === "pin") question.answer(pin);
      else question.answer(true);
      if (how === "pin, then hang up") hangUp();
      return question.kind === "pin" ? pin : undefined;
    case "hang up":
      hangUp();
      return undefined;
    case "no":
      if (question.kind === "pin") question.fail(cancelled());
      else question.answer(false);
      return undefined;
    default:
      question.fail(how === "malformed" ? malformed() : new PinError("PIN_NO_PROMPT", "crashed"));
      return undefined;
  }
}

test("property: one question at a time, in order of asking, none after a no; all settle, no PIN is left over", async () => {
  const replies = ["pin", "pin, then hang up", "no", "malformed", "hang up", "crash"] as const;
  const client = fc.record({
    user: fc.constantFrom("a", "b", "c"),
    triesLeft: fc.constantFrom(undefined, 0, 1, 2, 3),
    replies: fc.array(fc.constantFrom(...replies), { minLength: 4, maxLength: 4 }),
    hangsUpWaiting: fc.boolean(),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(client, { maxLength: 12 }), async (clients) => {
      const pins: SpyPin[] = [];
      const wrongly: number[] = [];
      const refused = new Set<string | undefined>();
      const left = clients.map(({ replies }) => [...replies]);
      const controllers = clients.map(() => new AbortController());
      const hangUp = (id: number) => controllers[id]?.abort(new Error("hung up"));
      const { broker, prompt } = setUp((question) => {
        const id = Number(question.request.program);
        const user = clients[id]?.user;
        if (refused.has(user) || clients[id]?.triesLeft === 0) wrongly.push(id);
        setImmediate(() => {
          if (controllers[id]?.signal.aborted) return;
          const how = left[id]?.shift();
          if (how === "no") refused.add(user);
          const pin = reply(question, how, () => hangUp(id));
          if (pin !== undefined) pins.push(pin);
        });
      });
      const asked = clients.map(({ user, triesLeft, hangsUpWaiting }, id) => {
        const one = { ...request, program: String(id), triesLeft, purpose: { ...login, user } };
        const result = broker.ask(one, controllers[id]?.signal ?? never);
        if (hangsUpWaiting) hangUp(id);
        return result.then(
          (pin) => pin.wipe(),
          (error: unknown) => error,
        );
      });
      for (const outcome of await Promise.all(asked)) expect([undefined, expect.any(Error)]).toContainEqual(outcome);
      expect(wrongly).toEqual([]);
      const order = prompt.shown.map(({ request }) => Number(request.program));
      expect(order).toEqual([...order].sort((a, b) => a - b));
      expect([prompt.mostOpen <= 1, prompt.open]).toEqual([true, 0]);
      for (const id of new Set(order))
        expect(prompt.shown[order.indexOf(id)]?.kind).toBe(clients[id]?.triesLeft === 1 ? "confirm" : "pin");
      expect(pins.map(unwiped)).toEqual(pins.map(() => 0));
    }),
    { numRuns: 300 },
  );
});
