import { beforeAll, describe, expect, it } from "vitest";
import { readCardAttributes, readCardFace, readCardNumber } from "../../agent/card-commands.ts";
import type { AgentParts } from "../../agent/cards.ts";
import { utf8 } from "../../lib/bytes.ts";
import { PcscError } from "../../lib/errors.ts";
import { pinFromBytes } from "../../lib/pin/pin.ts";
import { type EmulatedCard, VirtualCard, type VirtualCardOptions } from "../../lib/virtual-card/card.ts";
import { codesOf, FICTIONAL_HOLDER } from "../../lib/virtual-card/holder.ts";
import type { VirtualPinName } from "../../lib/virtual-card/pins.ts";
import type { VirtualPki } from "../../lib/virtual-card/pki.ts";
import { createVirtualTransport } from "../../lib/virtual-card/transport.ts";
import { FakePrompt } from "../helpers/fake-prompt.ts";
import { testPki } from "../helpers/pki.ts";
import { recordingLogger } from "../helpers/recording-logger.ts";
import { tappedCard } from "../helpers/tapped-card.ts";

const never = new AbortController().signal;
const { number: CODE_A } = FICTIONAL_HOLDER;
const PARTS = ["平成2年4月1日", "2032", "5678"];
const ALL_PINS = ["auth", "sign", "text", "text-a", "text-b", "surface-a", "surface-b"] as const;
const JPKI = "00 A4 04 0C 0A D3 92 F0 00 26 01 00 00 00 01";
const TEXT = "00 A4 04 0C 0A D3 92 10 00 31 00 01 01 04 08";
const SURFACE = "00 A4 04 0C 0A D3 92 10 00 31 00 01 01 04 02";

let pki: VirtualPki;
beforeAll(async () => {
  pki = await testPki();
});

interface Scene {
  /** What a person types, or says to the question of the last try. */
  readonly answers?: readonly (string | boolean)[];
  readonly card?: Omit<VirtualCardOptions, "pki">;
  readonly tries?: readonly [VirtualPinName, number];
  /** The card as the reader sees it. */
  readonly through?: (card: VirtualCard) => EmulatedCard;
}

/** One command of `read`, from an empty desk to a closed one. */
async function command(read: (parts: AgentParts) => Promise<unknown>, scene: Scene = {}) {
  const card = new VirtualCard({ pki, ...scene.card });
  if (scene.tries !== undefined) card.setTries(...scene.tries);
  const before = Object.fromEntries(ALL_PINS.map((pin) => [pin, card.triesLeftOf(pin)]));
  const left = [...(scene.answers ?? [])];
  const prompt = new FakePrompt((question) => {
    const answer = left.shift();
    if (question.kind === "confirm") return question.answer(answer === true);
    const { part, pin } = question.request;
    try {
      question.answer(pinFromBytes(part ?? pin, utf8(String(answer ?? ""))));
    } catch (error) {
      question.fail(error);
    }
  });
  const log = recordingLogger();
  const transport = createVirtualTransport({ slots: [{ reader: "R", card: scene.through?.(card) ?? card }] });
  const known = { list: () => [], remember: async () => {} };
  const parts = { transport, prompt, known, log, now: () => performance.now() };
  const outcome = await read(parts).catch((error: unknown) => error);
  const asked = prompt.shown.map(({ request: { pin, part, triesLeft } }) => [part ?? pin, triesLeft]);
  const lost = ALL_PINS.filter((pin) => card.triesLeftOf(pin) < (before[pin] ?? 0));
  const verified = ALL_PINS.filter((pin) => card.isVerified(pin));
  expect([card.powered, verified]).toEqual([false, []]);
  return { card, prompt, outcome, asked, lost, logged: JSON.stringify(log.lines), left };
}

const attributes =
  (pin: "text" | "code-b" = "text") =>
  (parts: AgentParts) =>
    readCardAttributes(parts, { pin, command: "card attributes" }, never);
const number = (parts: AgentParts) => readCardNumber(parts, { pin: "text", command: "card number" }, never);
const face =
  (pin: "code-a" | "code-b" = "code-b", withNumber = false) =>
  (parts: AgentParts) =>
    readCardFace(parts, { pin, withNumber, command: "card face" }, never);

const fails = (code: string, details: object = {}) =>
  expect.objectContaining({ code, details: expect.objectContaining(details) });
const PERSONAL = [/見本/, /123456789018/, /19900401/, /\b2345\b/, /5678/, /2032/, /020401/];
const secretsIn = (text: string) => PERSONAL.filter((secret) => secret.test(text));

describe("the text application", () => {
  it("attributes by the PIN: asked once, with the tries left and the purpose", async () => {
    const { outcome, asked, prompt, card, logged } = await command(attributes(), { answers: ["2345"] });
    expect(outcome).toMatchObject({ name: "見本　花子", sex: "female", birthDate: { year: 1990 } });
    expect(asked).toEqual([["text", 3]]);
    expect(prompt.shown[0]?.request.purpose).toEqual({ kind: "command", command: "card attributes" });
    expect(card.pinAttempts).toBe(1);
    expect(secretsIn(logged)).toEqual([]);
    expect(logged).toContain("Lc=04 [hidden]");
  });

  it("attributes by 照合番号B, part by part", async () => {
    const { outcome, asked, logged } = await command(attributes("code-b"), { answers: PARTS });
    expect(outcome).toMatchObject({ name: "見本　花子" });
    expect(asked).toEqual([
      ["birth-date", 10],
      ["expiry-year", 10],
      ["security-code", 10],
    ]);
    expect(secretsIn(logged)).toEqual([]);
  });

  it("the number by the PIN", async () => {
    const { outcome, logged } = await command(number, { answers: ["2345"] });
    expect(outcome).toBe(CODE_A);
    expect(secretsIn(logged)).toEqual([]);
  });

  it("on a card that opens the attributes by the PIN alone, 照合番号B says so; no try is lost", async () => {
    const refusing = (card: VirtualCard) =>
      tappedCard(card, {
        onCommand: (_, [, ins, p1]) => (ins === 0xb0 && p1 === 0x82 ? Uint8Array.of(0x69, 0x82) : undefined),
      });
    const { outcome, lost } = await command(attributes("code-b"), { answers: PARTS, through: refusing });
    expect([outcome, lost]).toEqual([fails("CARD_STATUS", { problem: "not-opened", statusWord: "6982" }), []]);
  });

  it("on a card whose text application has no 照合番号B nobody is asked", async () => {
    const lacking = (card: VirtualCard) =>
      tappedCard(card, {
        onCommand: (_, bytes) => {
          const select = bytes[1] === 0xa4 && bytes[2] === 0x02 && bytes.at(-1) === 0x15;
          return select || (bytes[1] === 0x20 && bytes[3] === 0x95) ? Uint8Array.of(0x6a, 0x82) : undefined;
        },
      });
    const { outcome, asked, card } = await command(attributes("code-b"), { answers: PARTS, through: lacking });
    expect([outcome, asked, card.pinAttempts]).toEqual([fails("CARD_STATUS", { statusWord: "6A82" }), [], 0]);
  });
});

describe("the surface application", () => {
  it("the face by 照合番号B: images, dates, photo; not the number", async () => {
    const { outcome, logged, card } = await command(face(), { answers: PARTS });
    expect(outcome).toMatchObject({ sex: "female", expires: { year: 2032 }, photo: FICTIONAL_HOLDER.photo });
    expect(outcome).not.toHaveProperty("number");
    expect(card.pinAttempts).toBe(1);
    expect(secretsIn(logged)).toEqual([]);
  });

  it("all 14 digits at once", async () => {
    const { outcome, asked } = await command(face(), { answers: [codesOf(FICTIONAL_HOLDER).b] });
    expect(outcome).toMatchObject({ sex: "female" });
    expect(asked).toEqual([["birth-date", 10]]);
  });

  it("the face and the number's image by 照合番号A", async () => {
    const { outcome, asked, logged } = await command(face("code-a", true), { answers: ["1234 5678 9018"] });
    expect(outcome).toMatchObject({ sex: "female", number: expect.any(Uint8Array) });
    expect(asked).toEqual([["code-a", 10]]);
    expect(secretsIn(logged)).toEqual([]);
  });

  it("照合番号B does not open the number's image", async () => {
    const { outcome, lost } = await command(face("code-b", true), { answers: PARTS });
    expect([outcome, lost]).toEqual([fails("CARD_STATUS", { problem: "not-opened" }), []]);
  });

  it("tells how far it has come", async () => {
    const told: number[] = [];
    const read = (parts: AgentParts) =>
      readCardFace(
        parts,
        { pin: "code-b", withNumber: false, command: "card photo", onProgress: (done, size) => told.push(done / size) },
        never,
      );
    await command(read, { answers: PARTS });
    expect(told.length).toBeGreaterThan(1);
    expect(told.at(-1)).toBe(1);
    expect(told).toEqual(told.toSorted((a, b) => a - b));
  });
});

describe("the tries", () => {
  it("wrong: asked again while two or more are left, and the last one is never spent unasked", async () => {
    const { outcome, asked, card, lost } = await command(attributes(), { answers: ["1111", "2222", "3333"] });
    expect(outcome).toEqual(fails("PIN_WRONG", { pin: "text", triesLeft: 1 }));
    expect(asked).toEqual([
      ["text", 3],
      ["text", 2],
    ]);
    expect([card.triesLeft.text, lost]).toEqual([1, ["text"]]);
  });

  it("照合番号B wrong: told with its first part, and right the second time", async () => {
    const answers = ["020401", "2031", "5678", ...PARTS];
    const { outcome, prompt, card } = await command(face(), { answers });
    expect(outcome).toMatchObject({ sex: "female" });
    expect(prompt.shown.map(({ request }) => [request.part, request.triesLeft, request.previous])).toEqual([
      ["birth-date", 10, undefined],
      ["expiry-year", 10, undefined],
      ["security-code", 10, undefined],
      ["birth-date", 9, "wrong"],
      ["expiry-year", 9, undefined],
      ["security-code", 9, undefined],
    ]);
    expect([card.pinAttempts, card.triesLeftOf("surface-b")]).toEqual([2, 10]);
  });

  it.each([
    ["text", attributes(), ["2345"]],
    ["surface-a", face("code-a"), [CODE_A]],
    ["surface-b", face(), PARTS],
    ["text-b", attributes("code-b"), PARTS],
  ] as const)("%s with one try left: only after one yes of its own", async (pin, read, typed) => {
    const no = await command(read, { tries: [pin, 1], answers: [false] });
    expect([no.outcome, no.card.pinAttempts]).toEqual([fails("PIN_CANCELLED"), 0]);
    const yes = await command(read, { tries: [pin, 1], answers: [true, ...typed] });
    expect(yes.outcome).not.toBeInstanceOf(Error);
    expect(yes.prompt.shown.filter(({ kind }) => kind === "confirm")).toHaveLength(1);
    const blocked = await command(read, { tries: [pin, 0], answers: [] });
    expect([blocked.outcome, blocked.asked]).toEqual([fails("PIN_BLOCKED"), []]);
  });

  it.each([
    ["a number with a wrong digit, three times", face("code-a"), Array(3).fill("123456789012"), "PIN_FORMAT"],
    ["a Gregorian year, three times", face(), Array(3).fill("1990-04-01"), "PIN_FORMAT"],
    ["a cancel at the first part", face(), [""], "PIN_CANCELLED"],
    ["a cancel at the third part", face(), ["020401", "2032", ""], "PIN_CANCELLED"],
    ["a PIN of five digits, three times", attributes(), Array(3).fill("23456"), "PIN_FORMAT"],
  ])("%s: nothing reaches the card", async (_, read, answers, code) => {
    const { outcome, card, lost } = await command(read, { answers });
    expect([outcome, card.pinAttempts, lost]).toEqual([fails(code), 0, []]);
  });

  it("a malformed part is asked again alone", async () => {
    const { outcome, asked } = await command(face(), { answers: ["020401", "32", "2032", "5678"] });
    expect(outcome).toMatchObject({ sex: "female" });
    expect(asked.map(([name]) => name)).toEqual(["birth-date", "expiry-year", "expiry-year", "security-code"]);
  });

  it("a right answer for one application leaves every other PIN as it was", async () => {
    const { card } = await command(face(), { answers: PARTS, tries: ["text-b", 4] });
    expect(card.triesLeftOf("text-b")).toBe(4);
  });

  it("a card that is taken out while it is read: an error, no second PIN", async () => {
    const pulled = (card: VirtualCard) =>
      tappedCard(card, {
        onCommand: (_, [, ins, p1]) => {
          if (ins === 0xb0 && p1 === 0x82) throw new PcscError("CARD_RESET", "taken out");
          return undefined;
        },
      });
    const { outcome, card, lost } = await command(face(), { answers: PARTS, through: pulled });
    expect([outcome, card.pinAttempts, lost]).toEqual([fails("CARD_RESET"), 1, []]);
  });

  it("Ctrl-C while it is read: the card has no power, and what was read goes nowhere", async () => {
    const controller = new AbortController();
    const reason = new Error("stopped");
    const stopping = (card: VirtualCard) =>
      tappedCard(card, {
        onCommand: (_, [, ins, p1]) => {
          if (ins === 0xb0 && p1 === 0x82) controller.abort(reason);
          return undefined;
        },
      });
    const read = (parts: AgentParts) =>
      readCardFace(parts, { pin: "code-b", withNumber: false, command: "card face" }, controller.signal);
    const { outcome, card, lost } = await command(read, { answers: PARTS, through: stopping });
    expect([outcome, card.pinAttempts, lost]).toEqual([reason, 1, []]);
    expect(card.log.filter(({ command: line }) => line.startsWith("00 B0 0"))).toEqual([]);
  });

  it("a file that is no such file: an error after the right PIN, no try lost", async () => {
    const damaged = (card: VirtualCard) =>
      tappedCard(card, {
        onCommand: (_, [, ins, p1]) => (ins === 0xb0 && p1 === 0x82 ? Uint8Array.of(0xff, 0xff, 0x90, 0) : undefined),
      });
    const { outcome, lost } = await command(attributes(), { answers: ["2345"], through: damaged });
    expect([outcome, lost]).toEqual([fails("MALFORMED"), []]);
  });
});

describe("other cards", () => {
  it("a phone has no such application: nobody is asked", async () => {
    for (const read of [attributes(), number, face()]) {
      const { outcome, asked } = await command(read, { card: { profile: "phone" } });
      expect([outcome, asked]).toEqual([fails("CARD_STATUS", { problem: "no-application" }), []]);
    }
  });

  it.each(["old", "t0"] as const)("profile %s: everything is read", async (profile) => {
    const scene = { card: { profile } };
    const text = await command(attributes(), { ...scene, answers: ["2345"] });
    expect(text.outcome).toMatchObject({ name: "見本　花子" });
    const whole = await command(face("code-a", true), { ...scene, answers: [CODE_A] });
    expect(whole.outcome).toMatchObject({ photo: FICTIONAL_HOLDER.photo, number: expect.any(Uint8Array) });
    expect([whole.card.pinAttempts, whole.lost]).toEqual([1, []]);
  });

  it("short file ids in one application only", async () => {
    const withoutShortIds = (card: VirtualCard) => {
      let other = false;
      return tappedCard(card, {
        onCommand: (_, [, ins = 0, p1 = 0, p2 = 0], answer) => {
          if (ins === 0xa4 && p1 === 0x04) other = answer.length === 2 && card.log.at(-1)?.command !== JPKI;
          const short = (ins === 0xb0 && p1 > 0x80) || (ins === 0x20 && p2 > 0x80);
          return other && short ? Uint8Array.of(0x6a, 0x86) : undefined;
        },
      });
    };
    const { outcome, lost } = await command(attributes(), { answers: ["2345"], through: withoutShortIds });
    expect([outcome, lost]).toEqual([expect.objectContaining({ sex: "female" }), []]);
  });
});

describe("what the card sees", () => {
  const seen = (card: VirtualCard) => card.log.map(({ command: line }) => line);
  /** The fresh card's 6F00 and the certificate, by which every command learns which card there is. */
  const FIRST = [JPKI, JPKI, "00 B0 8A 00 00 08 00"];

  it("attributes: ask how many tries, then verify and read in one command each", async () => {
    const { card } = await command(attributes(), { answers: ["2345"] });
    const query = [JPKI, JPKI, TEXT, "00 20 00 91"];
    expect(seen(card)).toEqual([
      ...FIRST,
      ...query,
      ...[...query, "00 20 00 91 Lc=04 [hidden]", "00 B0 82 00 00 08 00"],
    ]);
  });

  it("face: 2 KiB a command", async () => {
    const { card } = await command(face(), { answers: PARTS });
    const query = [JPKI, JPKI, SURFACE, "00 20 00 92"];
    expect(seen(card).slice(FIRST.length)).toEqual([
      ...query,
      ...[...query, "00 20 00 92 Lc=0E [hidden]", "00 B0 82 00 00 08 00", "00 B0 08 00 00 08 00"],
      expect.stringMatching(/^00 B0 10 00 00 0[0-9A-F]/),
    ]);
  });
});
