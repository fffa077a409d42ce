import { createHash } from "node:crypto";
import { beforeAll, describe, expect, it } from "vitest";
import { fromHex } from "../../lib/bytes.ts";
import { cardKeyOf } from "../../lib/card-key.ts";
import { PcscError, PinError } from "../../lib/errors.ts";
import { INS_PERFORM_SECURITY_OPERATION, INS_VERIFY } from "../../lib/iso7816/command.ts";
import type { SignContext } from "../../lib/keys.ts";
import { pinFromBytes } from "../../lib/pin/pin.ts";
import { VirtualCard } from "../../lib/virtual-card/card.ts";
import { createVirtualPki, type VirtualPki } from "../../lib/virtual-card/pki.ts";
import { type CardKeysSetUp, person, READER, setUpCardKeys } from "../helpers/card-keys.ts";
import { deferred } from "../helpers/deferred.ts";
import { FakePrompt } from "../helpers/fake-prompt.ts";
import { testPki } from "../helpers/pki.ts";
import { recordingLogger } from "../helpers/recording-logger.ts";
import { until } from "../helpers/until.ts";

const DIGEST_INFO = new Uint8Array([
  ...fromHex("3031300d060960864801650304020105000420"),
  ...createHash("sha256").update("log me in").digest(),
]);
const PATIENT = { waitMs: 60_000 };

let pki: VirtualPki;
let otherPki: VirtualPki;

beforeAll(async () => {
  [pki, otherPki] = await Promise.all([testPki(), createVirtualPki(new Date())]);
});

function context(signal: AbortSignal = new AbortController().signal): SignContext {
  return { purpose: { kind: "ssh-login", user: "taro", hosts: [], forwarded: false }, signal };
}

/** Nothing on the reader; the card of `pki` has been seen before. */
async function emptyReader(setUp: CardKeysSetUp = {}) {
  const known = [cardKeyOf(pki.authCertificate, "card")];
  const prompt = setUp.prompt ?? person("1234", "1234");
  const log = recordingLogger();
  const desk = await setUpCardKeys({ ...PATIENT, known, log, ...setUp, prompt });
  desk.transport.addReader(READER);
  const sign = (signal?: AbortSignal) => desk.keys.sign(known[0]?.id ?? "", DIGEST_INFO, context(signal));
  const events = () => log.lines.flatMap(({ fields }) => fields["event"] ?? []);
  const lay = (card: VirtualCard) => desk.transport.insert(READER, card);
  const asked = () => until("the card is asked for", () => prompt.messages.length > 0 && prompt.open === 1);
  return { ...desk, prompt, sign, events, lay, asked };
}

describe("a signature whose card is on no reader", () => {
  it("asks for the card, then for its PIN, and says when it may be taken away", async () => {
    const card = new VirtualCard({ pki });
    const { sign, lay, asked, prompt, events, close } = await emptyReader();
    const signature = sign();
    await asked();
    expect(prompt.messages.map(({ request }) => request)).toMatchObject([
      { card: `My Number card ${cardKeyOf(pki.authCertificate, "card").id.slice(0, 8)}`, otherCard: false },
    ]);
    lay(card);
    expect(await signature).toHaveLength(256);
    expect([prompt.open, prompt.mostOpen, prompt.shown.length]).toEqual([0, 1, 1]);
    expect(events()).toEqual(["wait-card", "take-away"]);
    expect(card.powered, "not held for the next request").toBe(false);
    await close();
  });

  it("asks for no PIN where it is remembered over removals", async () => {
    const card = new VirtualCard({ pki });
    const { sign, lay, asked, prompt, transport, close } = await emptyReader({ cache: "timed" });
    lay(card);
    await sign();
    transport.remove(READER);
    const signature = sign();
    await asked();
    lay(card);
    expect(await signature).toHaveLength(256);
    expect([prompt.shown.length, prompt.messages.length]).toEqual([1, 1]);
    await close();
  });

  it("fails with CARD_ABSENT when the time is over", async () => {
    const { sign, prompt, close } = await emptyReader({ waitMs: 30 });
    await expect(sign()).rejects.toMatchObject({ code: "CARD_ABSENT" });
    expect([prompt.messages.length, prompt.open]).toEqual([1, 0]);
    await close();
  });

  it("fails at once where waiting is turned off", async () => {
    const { sign, prompt, close } = await emptyReader({ waitMs: 0 });
    await expect(sign()).rejects.toMatchObject({ code: "CARD_ABSENT" });
    expect(prompt.messages).toHaveLength(0);
    await close();
  });

  it("fails for a person's cancel, which holds for the request that is repeated at once", async () => {
    const { sign, asked, prompt, close } = await emptyReader();
    const both = [sign(), sign()];
    await asked();
    prompt.messages[0]?.answer("cancelled");
    for (const signature of both) await expect(signature).rejects.toMatchObject({ code: "PIN_CANCELLED" });
    await expect(sign()).rejects.toMatchObject({ code: "PIN_CANCELLED" });
    expect(prompt.messages).toHaveLength(1);
    await close();
  });

  it("waits on where the message cannot be shown, or was closed", async () => {
    for (const end of ["fail", "close"] as const) {
      const { sign, lay, asked, prompt, close } = await emptyReader();
      const signature = sign();
      await asked();
      if (end === "close") prompt.messages[0]?.answer("closed");
      else prompt.messages[0]?.fail(new PinError("PIN_NO_PROMPT", "show a message: no way"));
      await until("it is not shown", () => prompt.open === 0);
      lay(new VirtualCard({ pki }));
      expect(await signature).toHaveLength(256);
      expect(prompt.messages).toHaveLength(1);
      await close();
    }
  });

  it("takes wait and message away with the client; the others' stay", async () => {
    const { sign, lay, asked, prompt, close } = await emptyReader();
    const [first, second] = [new AbortController(), new AbortController()];
    const signatures = [sign(first.signal), sign(second.signal)];
    await asked();
    first.abort(new Error("hung up"));
    await expect(signatures[0]).rejects.toThrow("hung up");
    expect(prompt.open).toBe(1);
    second.abort(new Error("hung up too"));
    await expect(signatures[1]).rejects.toThrow("hung up too");
    await until("the message is gone", () => prompt.open === 0);
    const card = new VirtualCard({ pki });
    lay(card);
    expect(prompt.messages).toHaveLength(1);
    expect(card.pinAttempts).toBe(0);
    await close();
  });

  it("shows one message for all who wait, and asks once", async () => {
    const card = new VirtualCard({ pki });
    const { sign, lay, asked, prompt, events, close } = await emptyReader();
    const signatures = [sign(), sign(), sign()];
    await asked();
    lay(card);
    for (const signature of signatures) expect(await signature).toHaveLength(256);
    expect([prompt.messages.length, prompt.shown.length]).toEqual([1, 1]);
    expect(events()).toEqual(["wait-card", "take-away"]);
    await close();
  });

  it("gives the screen to a question about another card, and takes it back", async () => {
    const mine = new VirtualCard({ pki });
    const other = new VirtualCard({ pki: otherPki });
    const prompt = new FakePrompt();
    const { sign, lay, asked, keys, registry, transport, close } = await emptyReader({ prompt });
    const waiting = sign();
    await asked();
    transport.addReader("reader 1");
    transport.insert("reader 1", other);
    await registry.settled();
    const theirs = keys.sign(cardKeyOf(otherPki.authCertificate, "card").id, DIGEST_INFO, context());
    await until("the PIN is asked for", () => prompt.shown.length === 1);
    const [question] = prompt.shown;
    if (question?.kind !== "pin") throw new Error("not a question for a PIN");
    expect(prompt.open).toBe(1);
    const shownBefore = prompt.messages.length;
    question.answer(pinFromBytes("auth", new TextEncoder().encode("1234")));
    expect(await theirs).toHaveLength(256);
    await until("the message is back", () => prompt.messages.length > shownBefore && prompt.open === 1);
    expect(prompt.mostOpen).toBe(1);
    lay(mine);
    await until("the PIN is asked for", () => prompt.shown.length === 2);
    prompt.shown[1]?.fail(new PinError("PIN_CANCELLED", "ask: no"));
    await expect(waiting).rejects.toMatchObject({ code: "PIN_CANCELLED" });
    await close();
  });
});

describe("another card in its place", () => {
  it("is told of, gets no PIN, and is no end of the waiting", async () => {
    const theirs = new VirtualCard({ pki: otherPki });
    const { sign, lay, asked, prompt, events, close } = await emptyReader();
    const signature = sign();
    await asked();
    lay(theirs);
    await until("the message says so", () => prompt.messages.at(-1)?.request.otherCard === true);
    expect(prompt.open).toBe(1);
    lay(new VirtualCard({ pki }));
    expect(await signature).toHaveLength(256);
    expect(theirs.pinAttempts).toBe(0);
    expect(events()).toEqual(["wait-card", "other-card", "take-away"]);
    await close();
  });
});

describe("a card that leaves", () => {
  /** Pulls the card out before it sees the n-th command with `ins`. */
  function pullBefore(ins: number, times: number, pull: () => void) {
    let left = times;
    return (command: Uint8Array) => {
      if (command[1] !== ins || command.length === 4 || left-- <= 0) return;
      pull();
      throw new PcscError("CARD_RESET", "transmit: the card was taken out");
    };
  }

  it.each([
    ["the VERIFY", INS_VERIFY],
    ["the signature", INS_PERFORM_SECURITY_OPERATION],
  ])("before %s: is waited for, the PIN is not asked again", async (_, ins) => {
    const card = new VirtualCard({ pki });
    let pull = (): void => {};
    const { sign, lay, asked, transport, prompt, close } = await emptyReader({
      refuse: pullBefore(ins, 1, () => pull()),
    });
    pull = () => transport.remove(READER);
    lay(card);
    const signature = sign();
    await asked();
    lay(card);
    expect(await signature).toHaveLength(256);
    expect([prompt.shown.length, prompt.messages.length, card.triesLeft.auth]).toEqual([1, 1, 3]);
    await close();
  });

  it("while the person types: the PIN goes to no other card, and to the same one without another question", async () => {
    const card = new VirtualCard({ pki });
    const theirs = new VirtualCard({ pki: otherPki });
    const typed = deferred<void>();
    const prompt = new FakePrompt(async (question) => {
      await typed.promise;
      if (question.kind === "pin") question.answer(pinFromBytes("auth", new TextEncoder().encode("1234")));
    });
    const { sign, lay, registry, close } = await emptyReader({ prompt });
    lay(card);
    const signature = sign();
    await until("the PIN is asked for", () => prompt.shown.length === 1);
    lay(theirs);
    await registry.settled();
    typed.resolve(undefined);
    await until("another card is told of", () => prompt.messages.some(({ request }) => request.otherCard));
    lay(card);
    expect(await signature).toHaveLength(256);
    expect([prompt.shown.length, theirs.pinAttempts, card.triesLeft.auth]).toEqual([1, 0, 3]);
    await close();
  });

  it("does not send the typed PIN after a try was lost elsewhere", async () => {
    const card = new VirtualCard({ pki });
    let pull = (): void => {};
    const prompt = person("1234", "1234");
    const { sign, lay, asked, transport, close } = await emptyReader({
      prompt,
      refuse: pullBefore(INS_VERIFY, 1, () => pull()),
    });
    pull = () => transport.remove(READER);
    lay(card);
    const signature = sign();
    await asked();
    card.setTries("auth", 2);
    lay(card);
    expect(await signature).toHaveLength(256);
    expect(prompt.shown.map(({ request }) => request.triesLeft)).toEqual([3, 2]);
    await close();
  });

  it("again and again: ends with the error in the end", async () => {
    const card = new VirtualCard({ pki });
    let pull = (): void => {};
    const { sign, lay, transport, prompt, close } = await emptyReader({
      refuse: pullBefore(INS_PERFORM_SECURITY_OPERATION, 100, () => pull()),
    });
    pull = () => transport.remove(READER);
    prompt.onMessage = () => lay(card);
    lay(card);
    await expect(sign()).rejects.toMatchObject({ code: "CARD_RESET" });
    expect([prompt.shown.length, prompt.messages.length, card.triesLeft.auth]).toEqual([1, 5, 3]);
    await close();
  });
});
