import { createHash, createPublicKey, verify as verifySignature, X509Certificate } from "node:crypto";
import { beforeAll, describe, expect, it } from "vitest";
import { fromHex } from "../../lib/bytes.ts";
import { cardKeyOf } from "../../lib/card-key.ts";
import { PcscError } from "../../lib/errors.ts";
import type { SignContext } from "../../lib/keys.ts";
import { pinFromBytes } from "../../lib/pin/pin.ts";
import { VirtualCard } from "../../lib/virtual-card/card.ts";
import type { VirtualPki } from "../../lib/virtual-card/pki.ts";
import { createVirtualPki } from "../../lib/virtual-card/pki.ts";
import { person, READER, setUpCardKeys as setUp } from "../helpers/card-keys.ts";
import { FakeClock } from "../helpers/fake-clock.ts";
import { FakePrompt } from "../helpers/fake-prompt.ts";
import { testPki } from "../helpers/pki.ts";
import { tappedCard } from "../helpers/tapped-card.ts";
import { until } from "../helpers/until.ts";

const DIGEST_INFO_PREFIX = fromHex("3031300d060960864801650304020105000420");
const message = new TextEncoder().encode("log me in");
const digestInfo = new Uint8Array([...DIGEST_INFO_PREFIX, ...createHash("sha256").update(message).digest()]);

let pki: VirtualPki;
let otherPki: VirtualPki;

beforeAll(async () => {
  [pki, otherPki] = await Promise.all([testPki(), createVirtualPki(new Date())]);
});

function context(signal: AbortSignal = new AbortController().signal): SignContext {
  return { purpose: { kind: "ssh-login", user: "taro", hosts: [], forwarded: false }, signal };
}

function idOf(of: VirtualPki): string {
  return createHash("sha256").update(of.authCertificate).digest("hex");
}

function expectGood(signature: Uint8Array, of: VirtualPki): void {
  const key = createPublicKey(
    new X509Certificate(of.authCertificate).publicKey.export({ type: "spki", format: "pem" }),
  );
  expect(verifySignature("sha256", message, key, signature)).toBe(true);
}

describe("CardKeyStore", () => {
  it("lists a card's key as soon as it has been read, and signs with it", async () => {
    const card = new VirtualCard({ pki });
    const { keys, prompt, close } = await setUp({ cards: [card] });
    expect(keys.list()).toMatchObject([{ id: idOf(pki), present: true }]);
    expectGood(await keys.sign(idOf(pki), digestInfo, context()), pki);
    expect(prompt.shown).toHaveLength(1);
    await close();
    expect(card.powered).toBe(false);
  });

  it("asks once, then signs with one command while the card is held, and with five after that", async () => {
    const card = new VirtualCard({ pki });
    const { keys, registry, prompt, close } = await setUp({ cards: [card] });
    await keys.sign(idOf(pki), digestInfo, context());
    const warm = card.log.length;
    await keys.sign(idOf(pki), digestInfo, context());
    expect(card.log.length - warm).toBe(1);
    await registry.release();
    expect(card.powered).toBe(false);
    const cold = card.log.length;
    await keys.sign(idOf(pki), digestInfo, context());
    expect(card.log.slice(cold).map(({ sw }) => sw)).toEqual([0x6f00, 0x9000, 0x63c3, 0x9000, 0x9000]);
    expect(prompt.shown).toHaveLength(1);
    await close();
  });

  it("has no power on the card while the person types", async () => {
    const card = new VirtualCard({ pki });
    let powered: boolean | undefined;
    const prompt = new FakePrompt((question) => {
      powered = card.powered;
      if (question.kind === "pin") question.answer(pinFromBytes("auth", new TextEncoder().encode("1234")));
    });
    const { keys, close } = await setUp({ cards: [card], prompt });
    await keys.sign(idOf(pki), digestInfo, context());
    expect(powered).toBe(false);
    await close();
  });

  it("asks again after a wrong PIN, saying so, while two tries are left", async () => {
    const card = new VirtualCard({ pki });
    const { keys, prompt, close } = await setUp({ cards: [card], prompt: person("9999", "1234") });
    expectGood(await keys.sign(idOf(pki), digestInfo, context()), pki);
    expect(prompt.shown.map(({ request }) => [request.triesLeft, request.previous])).toEqual([
      [3, undefined],
      [2, "wrong"],
    ]);
    expect(card.triesLeft.auth).toBe(3);
    await close();
  });

  it("ends the request when one try is left", async () => {
    const card = new VirtualCard({ pki });
    const { keys, prompt, close } = await setUp({ cards: [card], prompt: person("9999", "9998", "9997") });
    await expect(keys.sign(idOf(pki), digestInfo, context())).rejects.toMatchObject({
      code: "PIN_WRONG",
      details: { triesLeft: 1 },
    });
    expect(prompt.shown).toHaveLength(2);
    expect(card.triesLeft.auth).toBe(1);
    expect(card.powered).toBe(false);
    await close();
  });

  it("spends the last try only after a yes", async () => {
    const card = new VirtualCard({ pki });
    card.setTries("auth", 1);
    const no = await setUp({ cards: [card], prompt: person(false, "1234") });
    await expect(no.keys.sign(idOf(pki), digestInfo, context())).rejects.toMatchObject({ code: "PIN_CANCELLED" });
    expect(card.pinAttempts).toBe(0);
    await no.close();
    const yes = await setUp({ cards: [card], prompt: person(true, "1234") });
    expectGood(await yes.keys.sign(idOf(pki), digestInfo, context()), pki);
    await yes.close();
  });

  it.each([0x63c0, 0x6983, 0x6984] as const)(
    "asks nothing of a blocked card that answers %i",
    async (blockedAnswer) => {
      const card = new VirtualCard({ pki, blockedAnswer });
      card.setTries("auth", 0);
      const { keys, prompt, close } = await setUp({ cards: [card] });
      await expect(keys.sign(idOf(pki), digestInfo, context())).rejects.toMatchObject({ code: "PIN_BLOCKED" });
      expect([prompt.shown.length, card.pinAttempts]).toEqual([0, 0]);
      await close();
    },
  );

  it.each(["123", "12345", "12345678", "abcd", "１２３４"])("never sends the malformed PIN %s", async (typed) => {
    const card = new VirtualCard({ pki });
    const { keys, close } = await setUp({ cards: [card], prompt: person(typed, typed, typed, typed) });
    await expect(keys.sign(idOf(pki), digestInfo, context())).rejects.toMatchObject({ code: "PIN_FORMAT" });
    expect(card.pinAttempts).toBe(0);
    await close();
  });

  it("sends a remembered PIN that became wrong once, then asks", async () => {
    const card = new VirtualCard({ pki });
    const { keys, registry, prompt, close } = await setUp({ cards: [card], prompt: person("1234", "4321") });
    await keys.sign(idOf(pki), digestInfo, context());
    await registry.release();
    card.setPin("auth", "4321");
    expectGood(await keys.sign(idOf(pki), digestInfo, context()), pki);
    expect(card.pinAttempts).toBe(3);
    expect(prompt.shown.map(({ request }) => request.triesLeft)).toEqual([3, 2]);
    await close();
  });

  it("never sends a remembered PIN again that failed while the client hung up", async () => {
    const card = new VirtualCard({ pki });
    const hangUp = new AbortController();
    let armed = false;
    const refuse = (command: Uint8Array) => {
      if (armed && command[1] === 0x20 && command.length > 5) hangUp.abort(new Error("gone"));
    };
    const { keys, registry, prompt, close } = await setUp({ cards: [card], prompt: person("1234", "4321"), refuse });
    await keys.sign(idOf(pki), digestInfo, context());
    await registry.release();
    card.setPin("auth", "4321");
    armed = true;
    await expect(keys.sign(idOf(pki), digestInfo, context(hangUp.signal))).rejects.toThrow("gone");
    expect(card.pinAttempts).toBe(2);
    card.setTries("auth", 3);
    expectGood(await keys.sign(idOf(pki), digestInfo, context()), pki);
    expect([card.pinAttempts, prompt.shown.length, card.triesLeft.auth]).toEqual([3, 2, 3]);
    await close();
  });

  it("does not send a remembered PIN once a try was lost elsewhere", async () => {
    const card = new VirtualCard({ pki });
    const { keys, registry, prompt, close } = await setUp({ cards: [card], prompt: person("1234", null) });
    await keys.sign(idOf(pki), digestInfo, context());
    await registry.release();
    card.setTries("auth", 2);
    await expect(keys.sign(idOf(pki), digestInfo, context())).rejects.toMatchObject({ code: "PIN_CANCELLED" });
    expect([prompt.shown.length, card.pinAttempts]).toEqual([2, 1]);
    await close();
  });

  it("asks anew when tries were lost while the person typed", async () => {
    const card = new VirtualCard({ pki });
    const prompt = new FakePrompt((question) => {
      if (prompt.shown.length === 1) card.setTries("auth", 2);
      if (question.kind === "pin") question.answer(pinFromBytes("auth", new TextEncoder().encode("1234")));
    });
    const { keys, close } = await setUp({ cards: [card], prompt });
    expectGood(await keys.sign(idOf(pki), digestInfo, context()), pki);
    expect(prompt.shown.map(({ request }) => request.triesLeft)).toEqual([3, 2]);
    expect(card.pinAttempts).toBe(1);
    await close();
  });

  it("forgets the PIN when the card leaves", async () => {
    const card = new VirtualCard({ pki });
    const { keys, transport, registry, prompt, close } = await setUp({ cards: [card], prompt: person("1234", "1234") });
    await keys.sign(idOf(pki), digestInfo, context());
    transport.remove(READER);
    await expect(keys.sign(idOf(pki), digestInfo, context())).rejects.toMatchObject({ code: "CARD_ABSENT" });
    transport.insert(READER, card);
    await registry.settled();
    await keys.sign(idOf(pki), digestInfo, context());
    expect(prompt.shown).toHaveLength(2);
    await close();
  });

  it("never sends one card's PIN to another", async () => {
    const mine = new VirtualCard({ pki });
    const theirs = new VirtualCard({ pki: otherPki, authPin: "8888" });
    const { keys, transport, registry, prompt, close } = await setUp({ cards: [mine], prompt: person("1234", null) });
    await keys.sign(idOf(pki), digestInfo, context());
    transport.insert(READER, theirs);
    await registry.settled();
    await expect(keys.sign(idOf(otherPki), digestInfo, context())).rejects.toMatchObject({ code: "PIN_CANCELLED" });
    await expect(keys.sign(idOf(pki), digestInfo, context())).rejects.toMatchObject({ code: "CARD_ABSENT" });
    expect([prompt.shown.length, theirs.pinAttempts]).toEqual([2, 0]);
    await close();
  });

  it("signs with the card that is asked for where two lie on readers", async () => {
    const cards = [new VirtualCard({ pki }), new VirtualCard({ pki: otherPki })];
    const { keys, close } = await setUp({ cards, prompt: person("1234", "1234") });
    expect(keys.list().map(({ id }) => id)).toEqual([idOf(pki), idOf(otherPki)]);
    expectGood(await keys.sign(idOf(otherPki), digestInfo, context()), otherPki);
    expectGood(await keys.sign(idOf(pki), digestInfo, context()), pki);
    await close();
  });

  it("remembers nothing with the cache off, and leaves no session open", async () => {
    const card = new VirtualCard({ pki });
    const { keys, prompt, close } = await setUp({ cards: [card], prompt: person("1234", "1234"), cache: "off" });
    await keys.sign(idOf(pki), digestInfo, context());
    expect(card.powered).toBe(false);
    await keys.sign(idOf(pki), digestInfo, context());
    expect(prompt.shown).toHaveLength(2);
    await close();
  });

  it("lets two requests share one answer", async () => {
    const card = new VirtualCard({ pki });
    const { keys, prompt, close } = await setUp({ cards: [card] });
    const both = [keys.sign(idOf(pki), digestInfo, context()), keys.sign(idOf(pki), digestInfo, context())];
    for (const signature of await Promise.all(both)) expectGood(signature, pki);
    expect([prompt.shown.length, card.pinAttempts]).toEqual([1, 1]);
    await close();
  });

  it("takes the prompt away when the client hangs up", async () => {
    const card = new VirtualCard({ pki });
    const hangUp = new AbortController();
    const prompt = new FakePrompt(() => hangUp.abort(new Error("gone")));
    const { keys, close } = await setUp({ cards: [card], prompt });
    await expect(keys.sign(idOf(pki), digestInfo, context(hangUp.signal))).rejects.toThrow("gone");
    expect([prompt.open, card.powered, card.pinAttempts]).toEqual([0, false, 0]);
    await close();
  });

  it("forgets PIN and card when told to", async () => {
    const card = new VirtualCard({ pki });
    const { keys, prompt, close } = await setUp({ cards: [card], prompt: person("1234", "1234") });
    await keys.sign(idOf(pki), digestInfo, context());
    await keys.forget();
    expect(card.powered).toBe(false);
    await keys.sign(idOf(pki), digestInfo, context());
    expect(prompt.shown).toHaveLength(2);
    await close();
  });

  it("does not send a wrong PIN again whose answer was lost, when another login has hidden that it was counted", async () => {
    const card = new VirtualCard({ pki });
    let lost = 0;
    const tapped = tappedCard(card, {
      onCommand: (_, command) => {
        if (command[1] === 0x20 && command.length > 5 && lost++ === 0) throw new PcscError("CARD_RESET", "lost");
        return undefined;
      },
    });
    const prompt = person("9999", "1234", null);
    const { keys, close } = await setUp({ cards: [tapped], prompt, cache: "off", waitMs: 5000 });
    const first = keys.sign(idOf(pki), digestInfo, context());
    const refused = expect(first).rejects.toMatchObject({ code: "PIN_CANCELLED" });
    await until("the answer was lost", () => lost === 1);
    expectGood(await keys.sign(idOf(pki), digestInfo, context()), pki);
    await refused;
    expect([card.pinAttempts, card.triesLeft.auth, prompt.shown.length]).toEqual([2, 3, 3]);
    await close();
  });

  it("does not keep a PIN that was on its way to the card when it was told to forget", async () => {
    const card = new VirtualCard({ pki });
    let forgotten: Promise<void> | undefined;
    const refuse = (command: Uint8Array) => {
      if (command[1] === 0x20 && command.length > 5) forgotten ??= keys.forget();
    };
    const { keys, prompt, close } = await setUp({ cards: [card], prompt: person("1234", "1234"), refuse });
    expectGood(await keys.sign(idOf(pki), digestInfo, context()), pki);
    await forgotten;
    expect(card.powered).toBe(false);
    await keys.sign(idOf(pki), digestInfo, context());
    expect(prompt.shown).toHaveLength(2);
    await close();
  });

  it("asks again when the PIN's hard maximum is over, however busy the held card is", async () => {
    const card = new VirtualCard({ pki });
    const clock = new FakeClock();
    const { keys, prompt, close } = await setUp({ cards: [card], prompt: person("1234", "1234"), clock });
    for (let elapsedMs = 0; elapsedMs < 8.1 * 3_600_000; elapsedMs += 59_000) {
      await keys.sign(idOf(pki), digestInfo, context());
      clock.advance(59_000);
    }
    expect(prompt.shown).toHaveLength(2);
    await close();
  });

  it("opens another session when the held one was lost, without asking again", async () => {
    const card = new VirtualCard({ pki });
    const { keys, transmitting, prompt, close } = await setUp({ cards: [card] });
    await keys.sign(idOf(pki), digestInfo, context());
    transmitting.failNext = new PcscError("CARD_RESET", "use the card: it was reset");
    expectGood(await keys.sign(idOf(pki), digestInfo, context()), pki);
    expect([prompt.shown.length, transmitting.failNext]).toEqual([1, undefined]);
    await close();
  });

  it("reads the certificate in short blocks where the reader cannot carry a long one", async () => {
    const card = new VirtualCard({ pki });
    const refuseLong = (command: Uint8Array) => {
      if (command.length === 7) throw new PcscError("CARD_RESET", "use the card: the reader gave up");
    };
    const { keys, close } = await setUp({ cards: [card], refuse: refuseLong });
    expect(keys.list()).toMatchObject([{ id: idOf(pki), present: true }]);
    await close();
  });

  describe("with a phone", () => {
    const phone = () => new VirtualCard({ pki, profile: "phone" });

    it("lists nothing until its key is known, then signs and checks that it is that phone", async () => {
      const unknown = await setUp({ cards: [phone()] });
      expect(unknown.keys.list()).toEqual([]);
      await unknown.close();
      const known = [cardKeyOf(pki.authCertificate, "phone")];
      const { keys, close } = await setUp({ cards: [phone()], known });
      expect(keys.list()).toMatchObject([{ id: idOf(pki), present: false }]);
      expectGood(await keys.sign(idOf(pki), digestInfo, context()), pki);
      expect(keys.list()).toMatchObject([{ id: idOf(pki), present: true }]);
      await close();
    });

    it("does not sign with another phone", async () => {
      const card = phone();
      const known = [cardKeyOf(otherPki.authCertificate, "phone")];
      const { keys, close } = await setUp({ cards: [card], known });
      await expect(keys.sign(idOf(otherPki), digestInfo, context())).rejects.toMatchObject({ code: "KEY_UNKNOWN" });
      expect(card.signatures.auth).toBe(0);
      await close();
    });
  });

  it("does not ride on a PIN that another program left verified", async () => {
    const card = new VirtualCard({ pki, profile: "old" });
    const { keys, prompt, close } = await setUp({ cards: [card], prompt: person(null) });
    card.powerOn();
    for (const hex of ["00a4040c0ad392f000260100000001", "00a4020c020018", "002000800431323334"])
      card.transmit(fromHex(hex));
    expect(card.isVerified("auth")).toBe(true);
    await expect(keys.sign(idOf(pki), digestInfo, context())).rejects.toMatchObject({ code: "PIN_CANCELLED" });
    expect([prompt.shown[0]?.request.triesLeft, card.signatures.auth, card.isVerified("auth")]).toEqual([3, 0, false]);
    await close();
  });
});
