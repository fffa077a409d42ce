/** How a PKCS#11 program logs in: a person's act each time. Not one try of a PIN is lost. */

import { createHash } from "node:crypto";
import { beforeAll, describe, expect, it } from "vitest";
import { pinFromBytes } from "../../../lib/pin/pin.ts";
import { VirtualCard, type VirtualCardOptions } from "../../../lib/virtual-card/card.ts";
import type { VirtualPki } from "../../../lib/virtual-card/pki.ts";
import { FakeVault } from "../../helpers/fake-vault.ts";
import { logIn, P11_READER, type P11DeskOptions, p11Desk, tokenIn } from "../../helpers/p11-desk.ts";
import { testPki } from "../../helpers/pki.ts";
import { spyPin, unwiped } from "../../helpers/spy-pin.ts";
import { until } from "../../helpers/until.ts";

const DATA = new TextEncoder().encode("any data, or a DigestInfo");
const _HASH = new Uint8Array(createHash("sha256").update("message").digest());
const going = () => new AbortController().signal;
const pin = (text: string) => pinFromBytes("auth", new TextEncoder().encode(text));

let pki: VirtualPki;

beforeAll(async () => {
  pki = await testPki();
});

async function setUp(options: P11DeskOptions = {}, cardOptions: Partial<VirtualCardOptions> = {}) {
  const card = new VirtualCard({ pki, ...cardOptions });
  const desk = await p11Desk({ cards: [card], ...options });
  const token = tokenIn(desk);
  return { card, token, ...desk };
}

const results = (record: readonly { result: string; reason?: string | undefined }[]) =>
  record.map(({ result, reason }) => (reason === undefined ? result : `${result} ${reason}`));

describe("a login", () => {
  it("asks for the PIN, naming program and limits, and verifies it on the card at once", async () => {
    const { card, token, prompt, close, log } = await setUp();
    const login = await logIn(token);
    expect(prompt.shown.map(({ request }) => [request.purpose, request.program, request.triesLeft])).toEqual([
      [{ kind: "pkcs11-login", key: "auth", maxSignatures: 1000, seconds: 3600 }, "curl (1234)", 3],
    ]);
    expect([card.pinAttempts, prompt.uses.length, login.ended.aborted]).toEqual([1, 0, false]);
    expect(log.lines.some(({ fields }) => fields["event"] === "login" && fields["program"] === "curl (1234)")).toBe(
      true,
    );
    await close();
    expect(login.ended.aborted).toBe(true);
    expect(card.powered).toBe(false);
  });

  it.each(["session", "timed"] as const)("asks a yes or no where --pin-cache %s remembers the PIN", async (cache) => {
    const { card, token, prompt, close } = await setUp({ cache });
    await logIn(token);
    await logIn(token);
    expect([prompt.shown.length, prompt.uses.length]).toEqual([1, 1]);
    expect(prompt.uses[0]?.request).toMatchObject({
      kind: "use",
      program: "curl (1234)",
      purpose: { kind: "pkcs11-login" },
    });
    expect(card.triesLeft.auth).toBe(3);
    await close();
  });

  it("asks a yes or no where the PIN comes from the keychain, before the card is asked", async () => {
    const vault = new FakeVault();
    const known = await setUp();
    const id = known.known[0]?.id ?? "";
    await known.close();
    await vault.save(id, pin("1234"));
    const { card, token, prompt, close } = await setUp({ cache: "keychain", vault, agrees: () => false });
    await expect(logIn(token)).rejects.toMatchObject({ code: "PIN_CANCELLED" });
    expect([card.pinAttempts, prompt.shown.length, prompt.uses.length]).toEqual([0, 0, 1]);
    await close();
  });

  it("is no login for a no, and the next one a moment later asks nobody", async () => {
    const { card, token, prompt, close } = await setUp({ typed: ["1234", null], agrees: () => false });
    await logIn(token);
    for (let i = 0; i < 3; i++) await expect(logIn(token)).rejects.toMatchObject({ code: "PIN_CANCELLED" });
    expect([prompt.shown.length, prompt.uses.length, card.pinAttempts]).toEqual([1, 1, 1]);
    await close();
  });

  it("asks a yes or no where the card is held, logged in for somebody else", async () => {
    const { card, token, prompt, remembered, login, registry, known, close } = await setUp();
    const [record] = registry.cards();
    if (record === undefined) throw new Error("no card");
    const request = { card: "", purpose: { kind: "sshsig", namespace: "git" } } as const;
    await login.run(record, request, going(), async () => undefined);
    for (const key of known) remembered.drop({ key, insertion: record.slot.insertion });
    expect([card.isVerified("auth"), prompt.shown.length]).toEqual([true, 1]);
    let powered: boolean | undefined;
    const { confirm } = prompt;
    prompt.confirm = (...args) => {
      powered = card.powered;
      return confirm.apply(prompt, args);
    };
    await logIn(token);
    expect(powered, "no card is held while a person is asked").toBe(false);
    expect([prompt.uses.length, prompt.shown.length, card.pinAttempts, card.triesLeft.auth]).toEqual([1, 2, 2, 3]);
    await close();
  });

  it("takes a PIN that the program brings, asks nobody, and wipes it", async () => {
    const { card, token, prompt, close } = await setUp();
    const given = spyPin("1234");
    await logIn(token, given);
    expect([card.pinAttempts, prompt.shown.length, prompt.uses.length]).toEqual([1, 0, 0]);
    await close();
    expect(unwiped(given)).toBe(0);
  });

  it.each(["session", "off"] as const)(
    "of wrong PINs that programs bring one is sent, whatever they repeat (--pin-cache %s)",
    async (cache) => {
      const { card, token, close } = await setUp({ cache });
      const details = { triesLeft: 2 };
      await expect(logIn(token, pin("9999"))).rejects.toMatchObject({ code: "PIN_WRONG", details });
      for (let i = 0; i < 3; i++) {
        await expect(logIn(token, pin("9999"))).rejects.toMatchObject({ code: "PIN_WRONG" });
        await expect(logIn(token, pin(`888${i}`))).rejects.toMatchObject({ code: "PIN_PROTECTED" });
      }
      expect([token.tries(), card.triesLeft.auth, card.pinAttempts]).toEqual(["fewer", 2, 1]);
      await close();
    },
  );

  it("sends no PIN of a program with one try left", async () => {
    const { card, token, close } = await setUp();
    card.setTries("auth", 1);
    await expect(logIn(token, pin("1234"))).rejects.toMatchObject({ code: "PIN_PROTECTED" });
    expect([token.tries(), card.triesLeft.auth, card.pinAttempts]).toEqual(["last", 1, 0]);
    await close();
  });

  it("spends the last try only after a yes", async () => {
    const { card, token, close } = await setUp({ agrees: () => false });
    card.setTries("auth", 1);
    await expect(logIn(token)).rejects.toMatchObject({ code: "PIN_CANCELLED" });
    expect([card.pinAttempts, card.triesLeft.auth, token.tries()]).toEqual([0, 1, "last"]);
    await close();
  });

  it("knows the tries from what the card last said", async () => {
    const { card, token, close } = await setUp({ typed: ["9999", "1234"] });
    expect(token.tries()).toBe("all");
    await logIn(token);
    expect([token.tries(), card.pinAttempts]).toEqual(["all", 2]);
    card.setTries("auth", 0);
    await expect(logIn(token, pin("1234"))).rejects.toMatchObject({ code: "PIN_BLOCKED" });
    expect(token.tries()).toBe("none");
    await close();
  });

  it("goes away with the program's hang-up, and when the card leaves under the question", async () => {
    const { card, token, prompt, transport, close } = await setUp();
    prompt.askPin = (_, signal) =>
      new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
    const hangUp = new AbortController();
    const gone = logIn(token, undefined, hangUp.signal);
    hangUp.abort(new DOMException("gone", "AbortError"));
    await expect(gone).rejects.toThrow("gone");
    const pulled = logIn(token);
    await until("the card has no power", () => !card.powered);
    transport.remove(P11_READER);
    await expect(pulled).rejects.toMatchObject({ code: "CARD_ABSENT" });
    await expect(logIn(token)).rejects.toMatchObject({ code: "CARD_ABSENT" });
    expect(card.pinAttempts).toBe(0);
    await close();
  });

  it("goes away, unanswered, with what makes SSH forget: a lock must leave no question behind", async () => {
    const { card, token, prompt, remembered, close } = await setUp();
    let asked = false;
    prompt.askPin = (_, signal) => {
      asked = true;
      return new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
    };
    const login = logIn(token);
    await until("a person is asked", () => asked);
    remembered.forget("another card's");
    remembered.forget();
    await expect(login).rejects.toMatchObject({ code: "POLICY_REFUSED", details: { problem: "forgotten" } });
    expect(card.pinAttempts).toBe(0);
    await close();
  });

  it.each<[string, (desk: Awaited<ReturnType<typeof setUp>>) => unknown]>([
    ["locked", ({ lock }) => lock.lock(Uint8Array.of(1))],
    ["key-removed", ({ constraints, known }) => constraints.remove(known[0]?.id ?? "")],
    [
      "destination",
      ({ constraints, known }) => {
        const anywhere = { user: "", hostname: "", keys: [] };
        const there = { user: "", hostname: "nas", keys: [{ keyBlob: Uint8Array.of(1), isCa: false }] };
        const destinations = [{ from: anywhere, to: there }];
        constraints.set(known[0]?.id ?? "", [{ kind: "restrict-destination", destinations }]);
      },
    ],
  ])("is refused where SSH is: %s", async (problem, restrict) => {
    const desk = await setUp();
    const login = await logIn(desk.token);
    await restrict(desk);
    await expect(logIn(desk.token)).rejects.toMatchObject({ code: "POLICY_REFUSED", details: { problem } });
    await expect(login.sign("pkcs1", DATA, "CKM_RSA_PKCS", going())).rejects.toMatchObject({ code: "POLICY_REFUSED" });
    expect(results(desk.record)).toEqual([`refused ${problem}`]);
    expect(desk.log.lines.find(({ message }) => message === "no login")?.fields["program"]).toBe("curl (1234)");
    expect(desk.prompt.uses).toEqual([]);
    await desk.close();
  });
});
