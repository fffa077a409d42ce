import { beforeAll, describe, expect, it } from "vitest";
import { changePin } from "../../agent/pin-change.ts";
import { readPinStates } from "../../agent/pin-commands.ts";
import { fromHex, utf8 } from "../../lib/bytes.ts";
import { PcscError } from "../../lib/errors.ts";
import { INS_CHANGE_REFERENCE_DATA } from "../../lib/iso7816/command.ts";
import type { ChosenPinName } from "../../lib/pin/pin.ts";
import { VirtualCard, type VirtualCardOptions } from "../../lib/virtual-card/card.ts";
import type { VirtualPki } from "../../lib/virtual-card/pki.ts";
import { READER, setUpCardKeys } from "../helpers/card-keys.ts";
import { FakePrompt } from "../helpers/fake-prompt.ts";
import { testPki } from "../helpers/pki.ts";
import { type SpyPin, spyPin, unwiped } from "../helpers/spy-pin.ts";

const never = new AbortController().signal;
let pki: VirtualPki;
beforeAll(async () => {
  pki = await testPki();
});

interface Changing {
  readonly answers: readonly (string | boolean)[];
  readonly pin?: ChosenPinName;
  readonly force?: boolean;
  readonly card?: Omit<VirtualCardOptions, "pki">;
  readonly tries?: number;
  readonly refuse?: (command: Uint8Array) => void;
}

/** A person types these answers; what is typed is known to be wiped or not. */
async function change({ answers, pin = "auth", force = false, card: options, tries, refuse }: Changing) {
  const card = new VirtualCard({ pki, ...options });
  if (tries !== undefined) card.setTries(pin, tries);
  const left = [...answers];
  const typed: SpyPin[] = [];
  const prompt = new FakePrompt((question) => {
    const answer = left.shift();
    if (question.kind === "confirm") return question.answer(answer === true);
    const spy = spyPin(String(answer));
    typed.push(spy);
    question.answer(spy);
  });
  const desk = await setUpCardKeys({ cards: [card], prompt, ...(refuse ? { refuse } : {}) });
  const [record] = desk.registry.cards();
  if (record === undefined) throw new Error("there is no card");
  const requireCurrent = () => desk.registry.requireCurrent(record);
  const outcome = await changePin({ card: record, pin, force, broker: desk.broker, requireCurrent }, never).catch(
    (error: unknown) => error,
  );
  expect(typed.map(unwiped)).toEqual(typed.map(() => 0));
  expect(card.powered).toBe(false);
  await desk.close();
  const isNow = (value: string) => {
    card.powerOn();
    const before = card.triesLeft[pin];
    const select = pin === "text" ? SELECT_TEXT : SELECT_JPKI;
    for (const hex of [select, select, `00a4020c0200${EF[pin]}`]) card.transmit(fromHex(hex));
    const [sw1] = card.transmit(Uint8Array.of(0x00, 0x20, 0x00, 0x80, value.length, ...utf8(value)));
    card.setTries(pin, before);
    card.powerOff();
    return sw1 === 0x90;
  };
  return { card, prompt, outcome, isNow };
}

/** The first one is for the 6F00 of a fresh card. */
const SELECT_JPKI = "00a4040c0ad392f000260100000001";
const SELECT_TEXT = "00a4040c0ad3921000310001010408";
const EF: Readonly<Record<ChosenPinName, string>> = { auth: "18", sign: "1b", text: "11" };
const fails = (code: string, pinState = "old") =>
  expect.objectContaining({ code, details: expect.objectContaining({ pinState }) });

describe("a change", () => {
  it.each<[ChosenPinName, string, string]>([
    ["auth", "1234", "7391"],
    ["sign", "TEST1234", "ABCDEF7"],
    ["text", "2345", "7391"],
  ])("of %s: one VERIFY, one change, every try left", async (pin, old, fresh) => {
    const { card, prompt, outcome, isNow } = await change({ pin, answers: [old, fresh, fresh] });
    expect(outcome).toBeUndefined();
    expect(card.pinAttempts).toBe(1);
    expect(card.log.filter(({ command }) => command.startsWith("00 24 01"))).toHaveLength(1);
    expect([isNow(fresh), isNow(old)]).toEqual([true, false]);
    expect(prompt.shown.map(({ request }) => [request.role, request.triesLeft])).toEqual([
      ["old", pin === "sign" ? 5 : 3],
      ["new", undefined],
      ["repeat", undefined],
    ]);
  });

  it.each(["old", "t0"] as const)("on a card of the kind %s", async (profile) => {
    const { outcome, isNow } = await change({ card: { profile }, answers: ["1234", "7391", "7391"] });
    expect(outcome).toBeUndefined();
    expect(isNow("7391")).toBe(true);
  });
});

describe("nothing is sent to the card", () => {
  it.each<[string, Changing]>([
    ["not-new", { answers: ["1234", "1234", "1234"] }],
    ["entries-differ", { answers: ["1234", "7391", "7392"] }],
    ["not-mixed", { pin: "sign", answers: ["TEST1234", "ABCDEFG", "ABCDEFG"] }],
    ["not-mixed", { pin: "sign", answers: ["TEST1234", "1234567", "1234567"] }],
    ["no-such-pin", { pin: "text", card: { profile: "phone" }, answers: [] }],
  ])("%s %j", async (problem, changing) => {
    const { card, outcome } = await change(changing);
    expect(outcome).toMatchObject({ code: "PIN_FORMAT", details: { problem, pinState: "old" } });
    expect(card.pinAttempts).toBe(0);
  });

  it("one try left, without asking anybody", async () => {
    const { card, prompt, outcome } = await change({ tries: 1, answers: [] });
    expect(outcome).toEqual(fails("PIN_PROTECTED"));
    expect([card.pinAttempts, prompt.shown.length]).toEqual([0, 0]);
  });

  it("one try left and --force, but the person says no", async () => {
    const { card, prompt, outcome } = await change({ tries: 1, force: true, answers: [false] });
    expect(outcome).toEqual(fails("PIN_CANCELLED"));
    expect([card.pinAttempts, prompt.shown.length]).toEqual([0, 1]);
  });

  it("a blocked one", async () => {
    const { outcome } = await change({ tries: 0, force: true, answers: [] });
    expect(outcome).toEqual(fails("PIN_BLOCKED"));
  });
});

it("--force with the last try, after a separate yes", async () => {
  const { outcome, isNow } = await change({ tries: 1, force: true, answers: [true, "1234", "7391", "7391"] });
  expect(outcome).toBeUndefined();
  expect(isNow("7391")).toBe(true);
});

it("a wrong old one costs one try and changes nothing", async () => {
  const { card, outcome, isNow } = await change({ answers: ["9999", "7391", "7391"] });
  expect(outcome).toEqual(fails("PIN_WRONG"));
  expect([card.pinAttempts, card.triesLeft.auth, isNow("1234")]).toEqual([1, 2, true]);
});

describe("a failure in the middle", () => {
  it("a change that the card refuses: the old one", async () => {
    // The card takes digits alone: the prompt of this test does not check.
    const { outcome, isNow } = await change({ answers: ["1234", "739A", "739A"] });
    expect(outcome).toEqual(fails("CARD_STATUS"));
    expect(isNow("1234")).toBe(true);
  });

  it("the card is pulled out before VERIFY: the old one", async () => {
    const refuse = pulledAt(0x20, 5);
    const { card, outcome } = await change({ answers: ["1234", "7391", "7391"], refuse });
    expect(outcome).toEqual(fails("CARD_RESET"));
    expect(card.pinAttempts).toBe(0);
  });

  it("no answer to the change: either", async () => {
    const refuse = pulledAt(INS_CHANGE_REFERENCE_DATA, 0);
    const { card, outcome } = await change({ answers: ["1234", "7391", "7391"], refuse });
    expect(outcome).toEqual(fails("CARD_RESET", "unknown"));
    expect(card.triesLeft.auth).toBe(3);
  });
});

describe("the tries left", () => {
  it("of every PIN, costing none", async () => {
    const card = new VirtualCard({ pki });
    card.setTries("auth", 0);
    card.setTries("sign", 2);
    card.setTries("text-b", 0);
    card.setTries("surface-b", 7);
    const desk = await setUpCardKeys({ cards: [card] });
    const [states] = await readPinStates(desk.registry, never);
    await desk.close();
    expect(states?.reader).toBe(READER);
    expect(states?.pins).toEqual([
      { pin: "auth", state: "blocked", triesLeft: 0, maxTries: 3 },
      { pin: "sign", state: "usable", triesLeft: 2, maxTries: 5 },
      { pin: "text", state: "usable", triesLeft: 3, maxTries: 3 },
      { pin: "text-a", state: "usable", triesLeft: 10, maxTries: 10 },
      { pin: "text-b", state: "blocked", triesLeft: 0, maxTries: 10 },
      { pin: "surface-a", state: "usable", triesLeft: 10, maxTries: 10 },
      { pin: "surface-b", state: "usable", triesLeft: 7, maxTries: 10 },
    ]);
    expect(card.pinAttempts).toBe(0);
    expect(card.triesLeft).toEqual({ auth: 0, sign: 2, text: 3 });
  });

  it("of a phone, which has no text application", async () => {
    const desk = await setUpCardKeys({ cards: [new VirtualCard({ pki, profile: "phone" })] });
    const [states] = await readPinStates(desk.registry, never);
    await desk.close();
    expect(states).toMatchObject({ card: "", pins: [{ pin: "auth" }, { pin: "sign" }] });
  });

  it("of a PIN that somebody left verified", async () => {
    const card = new VirtualCard({ pki, profile: "old" });
    const desk = await setUpCardKeys({ cards: [card] });
    card.powerOn();
    for (const hex of [SELECT_JPKI, "00a4020c020018", "002000800431323334"]) card.transmit(fromHex(hex));
    const [states] = await readPinStates(desk.registry, never);
    await desk.close();
    expect(states?.pins[0]).toEqual({ pin: "auth", state: "usable", triesLeft: 3, maxTries: 3 });
  });
});

/** From the command of this kind and length of body on, nothing reaches the card. */
function pulledAt(ins: number, minBytes: number): (command: Uint8Array) => void {
  return (command) => {
    if (command[1] === ins && command.length > minBytes) throw new PcscError("CARD_RESET", "pulled out");
  };
}
