import { beforeAll, describe, expect, it } from "vitest";
import { utf8 } from "../../lib/bytes.ts";
import { pinFromBytes } from "../../lib/pin/pin.ts";
import { VirtualCard } from "../../lib/virtual-card/card.ts";
import { createVirtualPki, type VirtualPki } from "../../lib/virtual-card/pki.ts";
import { type CardKeysSetUp, person, READER, setUpCardKeys } from "../helpers/card-keys.ts";
import { FakeVault } from "../helpers/fake-vault.ts";
import { testPki } from "../helpers/pki.ts";
import { spyPin, unwiped } from "../helpers/spy-pin.ts";

const never = new AbortController().signal;
const DIGEST_INFO = new Uint8Array(51);
const purpose = { kind: "sshsig", namespace: "git" } as const;
const given = (digits: string) => pinFromBytes("auth", utf8(digits));

let pki: VirtualPki;
let otherPki: VirtualPki;
beforeAll(async () => {
  [pki, otherPki] = await Promise.all([testPki(), createVirtualPki(new Date())]);
});

async function setUp(options: Omit<CardKeysSetUp, "cards"> = {}, card = new VirtualCard({ pki })) {
  const desk = await setUpCardKeys({ prompt: person(), cards: [card], ...options });
  const sign = async () => {
    const id = desk.keys.list()[0]?.id ?? "";
    return (await desk.keys.sign(id, DIGEST_INFO, { purpose, signal: never })).length;
  };
  return { ...desk, card, sign };
}

describe("a PIN given to the agent", () => {
  it("is verified at once, then used without a question, and all copies are wiped in the end", async () => {
    const { token, card, prompt, sign, close } = await setUp();
    const pin = spyPin("1234");
    await token.give(pin, undefined, never);
    expect([card.pinAttempts, unwiped(pin)]).toEqual([1, 1]);
    expect(await sign()).toBe(256);
    expect(prompt.shown).toHaveLength(0);
    await close();
    expect(unwiped(pin)).toBe(0);
  });

  it("that is wrong costs one try, and is kept to be told again, until the card leaves", async () => {
    const { token, card, transport, sign, close } = await setUp();
    const pin = spyPin("9999");
    await expect(token.give(pin, undefined, never)).rejects.toMatchObject({ code: "PIN_WRONG" });
    expect([card.pinAttempts, unwiped(pin), card.powered]).toEqual([1, 1, false]);
    await expect(sign()).rejects.toMatchObject({ code: "PIN_CANCELLED" });
    expect(card.pinAttempts).toBe(1);
    transport.remove(READER);
    expect(unwiped(pin)).toBe(0);
    await close();
  });

  it("that was wrong is not sent a second time, whoever brings it", async () => {
    const { token, card, clock, sign, close } = await setUp({ prompt: person("1234") });
    for (let i = 0; i < 5; i++) {
      await expect(token.give(given("9999"), undefined, never)).rejects.toMatchObject({ code: "PIN_WRONG" });
      clock.advance(60_000);
    }
    expect([card.pinAttempts, card.triesLeft.auth, card.powered]).toEqual([1, 2, false]);
    expect(await sign()).toBe(256);
    await expect(token.give(given("9999"), undefined, never)).rejects.toMatchObject({ code: "PIN_WRONG" });
    expect([card.pinAttempts, card.triesLeft.auth]).toEqual([2, 3]);
    await close();
  });

  it("after a wrong one: not sent for a moment, and for longer while it is repeated", async () => {
    const { token, card, clock, close } = await setUp();
    await expect(token.give(given("9999"), undefined, never)).rejects.toMatchObject({ code: "PIN_WRONG" });
    for (let i = 0; i < 5; i++) {
      clock.advance(2000);
      await expect(token.give(given("1234"), undefined, never)).rejects.toMatchObject({ code: "PIN_PROTECTED" });
    }
    expect([card.pinAttempts, card.triesLeft.auth, card.powered]).toEqual([1, 2, false]);
    clock.advance(5000);
    await token.give(given("1234"), undefined, never);
    expect([card.pinAttempts, card.triesLeft.auth]).toEqual([2, 3]);
    await close();
  });

  it("of several at once that are wrong, one is sent", async () => {
    const { token, card, close } = await setUp();
    const guesses = ["9999", "9998", "9997"].map((digits) => token.give(given(digits), undefined, never));
    const outcomes = await Promise.allSettled(guesses);
    expect(outcomes.map(({ status }) => status)).toEqual(["rejected", "rejected", "rejected"]);
    expect([card.pinAttempts, card.triesLeft.auth]).toEqual([1, 2]);
    await close();
  });

  it("that was wrong is sent once more after the card was taken out and put back", async () => {
    const { token, card, transport, registry, close } = await setUp();
    await expect(token.give(given("9999"), undefined, never)).rejects.toMatchObject({ code: "PIN_WRONG" });
    transport.remove(READER);
    await registry.settled();
    transport.insert(READER, card);
    await registry.settled();
    await expect(token.give(given("9999"), undefined, never)).rejects.toMatchObject({ code: "PIN_WRONG" });
    expect([card.pinAttempts, card.triesLeft.auth]).toEqual([2, 1]);
    await close();
  });

  it("is verified though the card is logged in: a wrong one is not remembered in the place of the right one", async () => {
    const { token, card, sign, close } = await setUp({ prompt: person("1234") });
    await sign();
    expect(card.isVerified("auth")).toBe(true);
    await expect(token.give(given("9999"), undefined, never)).rejects.toMatchObject({ code: "PIN_WRONG" });
    expect(card.triesLeft.auth).toBe(2);
    await close();
  });

  it.each([0, 1])("is not sent with %s tries left", async (tries) => {
    const { token, card, close } = await setUp();
    card.setTries("auth", tries);
    const code = tries === 0 ? "PIN_BLOCKED" : "PIN_PROTECTED";
    await expect(token.give(given("1234"), undefined, never)).rejects.toMatchObject({ code });
    expect(card.pinAttempts).toBe(0);
    await close();
  });

  it("with --pin-cache off: only for a time", async () => {
    const { token, card, clock, sign, close } = await setUp({ cache: "off" });
    await expect(token.give(given("1234"), undefined, never)).rejects.toMatchObject({ code: "POLICY_REFUSED" });
    expect(card.pinAttempts).toBe(0);
    await token.give(given("1234"), 30_000, never);
    expect(await sign()).toBe(256);
    clock.advance(30_000);
    await expect(sign()).rejects.toMatchObject({ code: "PIN_CANCELLED" });
    await close();
  });

  it("is taken back", async () => {
    const { token, card, sign, close } = await setUp();
    await token.give(given("1234"), undefined, never);
    await token.takeBack();
    expect(card.powered).toBe(false);
    await expect(sign()).rejects.toMatchObject({ code: "PIN_CANCELLED" });
    await close();
  });

  it("is for no card where there are two, or none", async () => {
    const cards = [new VirtualCard({ pki }), new VirtualCard({ pki: otherPki })];
    const two = await setUpCardKeys({ cards });
    await expect(two.token.give(given("1234"), undefined, never)).rejects.toMatchObject({ code: "CONFIG_INVALID" });
    expect(cards.map(({ pinAttempts }) => pinAttempts)).toEqual([0, 0]);
    await two.close();
    const none = await setUpCardKeys({});
    await expect(none.token.give(given("1234"), undefined, never)).rejects.toMatchObject({ code: "CARD_ABSENT" });
    await none.close();
  });

  it("shows which phone it is", async () => {
    const { token, keys, sign, close } = await setUp({}, new VirtualCard({ pki, profile: "phone" }));
    const id = await token.give(given("1234"), undefined, never);
    expect(keys.list()).toMatchObject([{ id, present: true }]);
    expect(await sign()).toBe(256);
    await close();
  });
});

describe("a PIN saved in the keychain", () => {
  it.each([
    ["right", "1234", { attempts: 1, asked: 0, kept: 1 }],
    ["wrong", "9999", { attempts: 2, asked: 1, kept: 0 }],
  ])("that is %s: sent once, erased if it fails", async (_, saved, { attempts, asked, kept }) => {
    const vault = new FakeVault();
    const { keys, card, prompt, sign, close } = await setUp({ cache: "keychain", vault, prompt: person("1234") });
    vault.saved.set(keys.list()[0]?.id ?? "", saved);
    expect(await sign()).toBe(256);
    expect([card.pinAttempts, prompt.shown.length, vault.saved.size]).toEqual([attempts, asked, kept]);
    await keys.forget();
    card.setTries("auth", 3);
    if (kept === 0) await expect(sign()).rejects.toMatchObject({ code: "PIN_CANCELLED" });
    expect(card.pinAttempts).toBe(attempts);
    await close();
  });

  it("is not sent while a try is lost, and stays", async () => {
    const vault = new FakeVault();
    const { keys, card, sign, close } = await setUp({ cache: "keychain", vault });
    vault.saved.set(keys.list()[0]?.id ?? "", "1234");
    card.setTries("auth", 2);
    await expect(sign()).rejects.toMatchObject({ code: "PIN_CANCELLED" });
    expect([card.pinAttempts, vault.saved.size]).toEqual([0, 1]);
    await close();
  });

  it("is not sent again when the answer to it was lost", async () => {
    const vault = new FakeVault();
    const { keys, card, transmitting, sign, close } = await setUp({ cache: "keychain", vault, prompt: person("4321") });
    card.setPin("auth", "4321");
    vault.saved.set(keys.list()[0]?.id ?? "", "1234");
    transmitting.losesAnswer = (command) => command[1] === 0x20 && command.length > 5;
    await expect(sign()).rejects.toMatchObject({ code: "CARD_RESET" });
    transmitting.losesAnswer = undefined;
    expect([card.pinAttempts, card.triesLeft.auth]).toEqual([1, 2]);
    expect(await sign()).toBe(256);
    await keys.forget();
    expect(card.triesLeft.auth).toBe(3);
    await expect(sign()).rejects.toMatchObject({ code: "PIN_CANCELLED" });
    expect(card.pinAttempts).toBe(2);
    await close();
  });
});
