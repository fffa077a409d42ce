import { describe, expect, test } from "vitest";
import { PinError } from "../../../lib/errors.ts";
import { createChoosingPrompt } from "../../../lib/pin/choosing-prompt.ts";
import type { Prompt } from "../../../lib/pin/prompt.ts";
import type { PromptChoice, PromptWay } from "../../../lib/pin/select-prompt.ts";
import { recordingLogger } from "../../helpers/recording-logger.ts";
import { digitsOf, spyPin } from "../../helpers/spy-pin.ts";

const never = new AbortController().signal;
const request = {
  pin: "auth",
  card: "C",
  reader: "R",
  purpose: { kind: "sshsig", namespace: "git" },
  triesLeft: 3,
} as const;
const question = { kind: "last-try", request } as const;

const ASKPASS: PromptWay = { kind: "askpass", program: "/a" };
const PINENTRY: PromptWay = { kind: "pinentry", program: "/p", windowOnly: true };
const TTY: PromptWay = { kind: "tty" };

/** Answers by the kind of way: an error fails. */
type Answers = Partial<Record<PromptWay["kind"], string | Error>>;

function setUp(choose: () => PromptChoice, answers: Answers) {
  const asked: string[] = [];
  const log = recordingLogger();
  const open = async (way: PromptWay): Promise<Prompt> => {
    const answer = answers[way.kind];
    const say = () => {
      asked.push(way.kind);
      if (typeof answer === "string") return answer;
      throw answer;
    };
    return {
      name: way.kind,
      askPin: async () => spyPin(say()),
      confirm: async () => say() === "yes",
      askForCard: async () => (say() === "cancelled" ? "cancelled" : "closed"),
    };
  };
  return { prompt: createChoosingPrompt({ choose, open, log }), asked, log };
}

const ways =
  (...all: readonly PromptWay[]) =>
  (): PromptChoice => ({ kind: "ways", ways: all });
const noPrompt = (message: string) => new PinError("PIN_NO_PROMPT", message, { hint: `mend ${message}` });

describe("createChoosingPrompt", () => {
  test("asks in the first way, and in no other", async () => {
    const { prompt, asked } = setUp(ways(PINENTRY, TTY), { pinentry: "1234", tty: "9999" });
    expect(digitsOf(await prompt.askPin(request, never))).toBe("1234");
    expect(asked).toEqual(["pinentry"]);
  });

  test("a way that cannot show the question leads to the next one, each is tried once", async () => {
    const answers = { pinentry: noPrompt("p"), askpass: noPrompt("a"), tty: "yes" };
    const { prompt, asked, log } = setUp(ways(PINENTRY, ASKPASS, TTY), answers);
    expect(await prompt.confirm(question, never)).toBe(true);
    expect(asked).toEqual(["pinentry", "askpass", "tty"]);
    expect(log.lines.filter(({ level }) => level === "info").map(({ fields }) => fields["kind"])).toEqual([
      "pinentry",
      "askpass",
    ]);
  });

  test.each(["PIN_CANCELLED", "PIN_FORMAT"] as const)(
    "%s is a person's answer: no other way is tried",
    async (code) => {
      const { prompt, asked } = setUp(ways(PINENTRY, TTY), { pinentry: new PinError(code, "no"), tty: "1234" });
      await expect(prompt.askPin(request, never)).rejects.toMatchObject({ code });
      expect(asked).toEqual(["pinentry"]);
    },
  );

  test("a no is a no", async () => {
    const { prompt, asked } = setUp(ways(PINENTRY, TTY), { pinentry: "no", tty: "yes" });
    expect(await prompt.confirm(question, never)).toBe(false);
    expect(asked).toEqual(["pinentry"]);
  });

  test("no way works: the error is that of the first", async () => {
    const { prompt } = setUp(ways(PINENTRY, TTY), { pinentry: noPrompt("p"), tty: noPrompt("t") });
    const expected = { code: "PIN_NO_PROMPT", message: "p", hint: "mend p" };
    await expect(prompt.askPin(request, never)).rejects.toMatchObject(expected);
  });

  test("no way: the reason, the hint and what is missing", async () => {
    const { prompt } = setUp(
      () => ({ kind: "none", problem: "no-display", reason: "no display", hint: "import it", missing: ["DISPLAY"] }),
      {},
    );
    const expected = {
      code: "PIN_NO_PROMPT",
      hint: "import it",
      message: expect.stringContaining("no display"),
      details: { problem: "no-display", missing: ["DISPLAY"] },
    };
    await expect(prompt.askPin(request, never)).rejects.toMatchObject(expected);
    await expect(prompt.confirm(question, never)).rejects.toMatchObject(expected);
  });

  test("chooses anew for each question", async () => {
    const choices: PromptChoice[] = [
      { kind: "none", problem: "no-terminal", reason: "none yet", hint: "wait" },
      { kind: "ways", ways: [TTY] },
      { kind: "ways", ways: [ASKPASS] },
    ];
    const { prompt, asked } = setUp(
      () => choices.shift() ?? { kind: "none", problem: "no-terminal", reason: "over", hint: "" },
      {
        tty: "1234",
        askpass: "1234",
      },
    );
    await expect(prompt.askPin(request, never)).rejects.toMatchObject({ code: "PIN_NO_PROMPT" });
    await prompt.askPin(request, never);
    await prompt.askPin(request, never);
    expect(asked).toEqual(["tty", "askpass"]);
  });

  test("a client that hung up before gets its own reason, and nothing is looked at", async () => {
    const reason = new Error("hung up");
    const choose = () => {
      throw new Error("looked");
    };
    await expect(setUp(choose, {}).prompt.askPin(request, AbortSignal.abort(reason))).rejects.toBe(reason);
  });
});
