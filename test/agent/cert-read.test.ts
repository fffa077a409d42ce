import { beforeAll, describe, expect, it } from "vitest";
import { CardLogin } from "../../agent/card-login.ts";
import { readCertificates } from "../../agent/cert-read.ts";
import { nothingRemembered } from "../../agent/nothing-remembered.ts";
import { utf8 } from "../../lib/bytes.ts";
import type { CertificateName } from "../../lib/card/files.ts";
import { silentLogger } from "../../lib/log.ts";
import { pinFromBytes } from "../../lib/pin/pin.ts";
import { type EmulatedCard, VirtualCard, type VirtualCardOptions } from "../../lib/virtual-card/card.ts";
import type { VirtualPki } from "../../lib/virtual-card/pki.ts";
import { setUpCardKeys } from "../helpers/card-keys.ts";
import { FakePrompt } from "../helpers/fake-prompt.ts";
import { testPki } from "../helpers/pki.ts";
import { tappedCard } from "../helpers/tapped-card.ts";

const never = new AbortController().signal;
let pki: VirtualPki;
beforeAll(async () => {
  pki = await testPki();
});

interface Reading {
  readonly names: readonly CertificateName[];
  readonly answers?: readonly (string | boolean)[];
  readonly card?: Omit<VirtualCardOptions, "pki">;
  readonly tries?: number;
  /** Files that the card does not have, by their short id. */
  readonly without?: number;
}

/** A person types these answers. */
async function read({ names, answers = [], card: options, tries, without }: Reading) {
  const card = new VirtualCard({ pki, ...options });
  if (tries !== undefined) card.setTries("sign", tries);
  const left = [...answers];
  const prompt = new FakePrompt((question) => {
    const answer = left.shift();
    if (question.kind === "confirm") question.answer(answer === true);
    else question.answer(pinFromBytes(question.request.pin, utf8(String(answer))));
  });
  const shown = without === undefined ? card : lacking(card, without);
  const desk = await setUpCardKeys({ cards: [shown], prompt });
  const { registry, broker } = desk;
  const newLogin = (pin: "auth" | "sign") =>
    new CardLogin({ registry, broker, remembered: nothingRemembered, pin, hold: false, log: silentLogger });
  const outcome = await readCertificates({ registry, newLogin }, { names, command: "cert sign" }, never).catch(
    (error: unknown) => error,
  );
  expect(card.powered).toBe(false);
  await desk.close();
  return { card, prompt, outcome };
}

/** The same card without one file. */
function lacking(card: VirtualCard, shortId: number): EmulatedCard {
  return tappedCard(card, {
    onCommand: (_, command) => {
      const select = command[1] === 0xa4 && command[2] === 0x02 && command.at(-1) === shortId;
      const readShort = command[1] === 0xb0 && command[2] === 0x80 + shortId;
      return select || readShort ? Uint8Array.of(0x6a, 0x82) : undefined;
    },
  });
}

const fails = (code: string, details: object = {}) =>
  expect.objectContaining({ code, details: expect.objectContaining(details) });

describe("certificates", () => {
  it("that need no PIN: nobody is asked", async () => {
    const { card, prompt, outcome } = await read({ names: ["auth", "auth-ca", "sign-ca"] });
    expect(outcome).toEqual([pki.authCertificate, pki.authCaCertificate, pki.signCaCertificate]);
    expect([card.pinAttempts, prompt.shown.length]).toEqual([0, 0]);
  });

  it("the signature one: its password is asked for with the tries left and the purpose", async () => {
    const { card, prompt, outcome } = await read({ names: ["sign", "sign-ca"], answers: ["TEST1234"] });
    expect(outcome).toEqual([pki.signCertificate, pki.signCaCertificate]);
    expect(prompt.shown.map(({ request }) => request)).toMatchObject([
      { pin: "sign", triesLeft: 5, purpose: { kind: "command", command: "cert sign" } },
    ]);
    expect(card.pinAttempts).toBe(1);
  });

  it("a phone's: the authentication PIN", async () => {
    const phone = { names: ["auth"], answers: ["1234"], card: { profile: "phone" } } as const;
    const { prompt, outcome } = await read(phone);
    expect(outcome).toEqual([pki.authCertificate]);
    expect(prompt.shown.map(({ request }) => request.pin)).toEqual(["auth"]);
  });
});

describe("the signature password", () => {
  it("wrong: asked again while two or more tries are left, and no try is ever the last one", async () => {
    const { card, prompt, outcome } = await read({
      names: ["sign"],
      answers: ["WRONG1", "WRONG2", "WRONG3", "WRONG4", "WRONG5"],
    });
    expect(outcome).toEqual(fails("PIN_WRONG", { pin: "sign", triesLeft: 1 }));
    expect(prompt.shown.map(({ request }) => [request.triesLeft, request.previous])).toEqual([
      [5, undefined],
      [4, "wrong"],
      [3, "wrong"],
      [2, "wrong"],
    ]);
    expect(card.triesLeft).toMatchObject({ auth: 3, sign: 1 });
  });

  it("wrong and the same again: not sent, and nobody is asked a third time", async () => {
    const { card, prompt, outcome } = await read({
      names: ["sign"],
      answers: ["WRONG1", "WRONG2", "wrong1", "TEST1234"],
    });
    expect(outcome).toEqual(fails("PIN_WRONG", { problem: "same-again", pin: "sign", triesLeft: 3 }));
    expect([card.pinAttempts, card.triesLeft.sign, prompt.shown.length]).toEqual([2, 3, 3]);
  });

  it("one try left: only after a yes of its own", async () => {
    const no = await read({ names: ["sign"], tries: 1, answers: [false] });
    expect([no.outcome, no.card.pinAttempts]).toEqual([fails("PIN_CANCELLED"), 0]);
    const yes = await read({ names: ["sign"], tries: 1, answers: [true, "TEST1234"] });
    expect(yes.outcome).toEqual([pki.signCertificate]);
    expect(yes.card.triesLeft.sign).toBe(5);
  });

  it("blocked: nobody is asked", async () => {
    const { prompt, outcome } = await read({ names: ["sign"], tries: 0 });
    expect(outcome).toEqual(fails("PIN_BLOCKED", { pin: "sign" }));
    expect(prompt.shown).toEqual([]);
  });

  it("is not asked for where there is no signature certificate", async () => {
    const { card, prompt, outcome } = await read({ names: ["sign"], without: 0x01 });
    expect(outcome).toEqual(fails("KEY_UNKNOWN", { problem: "no-certificate", certificate: "sign" }));
    expect([card.pinAttempts, prompt.shown.length]).toEqual([0, 0]);
  });
});
