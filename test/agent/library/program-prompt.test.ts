import { describe, expect, it } from "vitest";
import { ProgramPrompt } from "../../../agent/library/program-prompt.ts";
import type { PinRequest } from "../../../lib/pin/prompt.ts";
import { deferred } from "../../helpers/deferred.ts";

const REQUEST: PinRequest = {
  pin: "auth",
  card: "My Number card 0123abcd",
  reader: "R",
  purpose: { kind: "any-data", description: "a contract" },
  triesLeft: 3,
};
const never = new AbortController().signal;

function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

describe("askPin", () => {
  it("takes the bytes over and wipes them", async () => {
    const typed = bytes("1234\n");
    const prompt = new ProgramPrompt({ askPin: async () => typed });
    const pin = await prompt.askPin(REQUEST, never);
    expect(pin.expose((digits) => [...digits])).toEqual([...bytes("1234")]);
    expect([...typed]).toEqual([0, 0, 0, 0, 0]);
  });

  it.each([
    ["nothing", undefined, "PIN_CANCELLED"],
    ["empty bytes", bytes(""), "PIN_CANCELLED"],
    ["what cannot be this PIN", bytes("12345"), "PIN_FORMAT"],
  ])("%s is no PIN", async (_, typed, code) => {
    const prompt = new ProgramPrompt({ askPin: async () => typed });
    await expect(prompt.askPin(REQUEST, never)).rejects.toMatchObject({ code });
  });

  it("passes on what the program throws", async () => {
    const fault = new Error("no window");
    const prompt = new ProgramPrompt({ askPin: () => Promise.reject(fault) });
    await expect(prompt.askPin(REQUEST, never)).rejects.toBe(fault);
  });

  it("does not wait for a program that ignores the signal, and wipes what comes too late", async () => {
    const answer = deferred<Uint8Array | undefined>();
    const prompt = new ProgramPrompt({ askPin: () => answer.promise });
    const stop = new AbortController();
    const asked = prompt.askPin(REQUEST, stop.signal);
    const reason = new Error("hung up");
    stop.abort(reason);
    await expect(asked).rejects.toBe(reason);
    const late = bytes("1234");
    answer.resolve(late);
    await answer.promise;
    expect([...late]).toEqual([0, 0, 0, 0]);
  });
});

describe("the last try", () => {
  const question = { kind: "last-try", request: REQUEST } as const;

  it("is not spent where the program cannot ask for a yes", async () => {
    const prompt = new ProgramPrompt({ askPin: async () => bytes("1234") });
    await expect(prompt.confirm(question, never)).rejects.toMatchObject({ code: "PIN_PROTECTED" });
  });

  it.each([true, false])("is the program's to decide: %s", async (yes) => {
    const prompt = new ProgramPrompt({ askPin: async () => undefined, confirmLastTry: async () => yes });
    expect(await prompt.confirm(question, never)).toBe(yes);
  });
});
