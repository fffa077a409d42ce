/** What a PKCS#11 program may do once it has logged in, and what ends that. */

import { constants, createHash, publicDecrypt, verify, X509Certificate } from "node:crypto";
import { beforeAll, describe, expect, it } from "vitest";
import { fromHex } from "../../../lib/bytes.ts";
import { PolicyError } from "../../../lib/errors.ts";
import { INS_PERFORM_SECURITY_OPERATION } from "../../../lib/iso7816/command.ts";
import { VirtualCard, type VirtualCardOptions } from "../../../lib/virtual-card/card.ts";
import type { VirtualPki } from "../../../lib/virtual-card/pki.ts";
import { logIn, P11_READER, type P11DeskOptions, p11Desk, tokenIn } from "../../helpers/p11-desk.ts";
import { testPki } from "../../helpers/pki.ts";
import { tappedCard } from "../../helpers/tapped-card.ts";

const DATA = new TextEncoder().encode("any data, or a DigestInfo");
const HASH = new Uint8Array(createHash("sha256").update("message").digest());
const hex = (sw: number) => sw.toString(16).toUpperCase();
const going = () => new AbortController().signal;

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

describe("a signature", () => {
  it("is PKCS #1 v1.5 over the bytes as they are, and RSASSA-PSS over a SHA-256", async () => {
    const { token, record, close, card } = await setUp();
    const { publicKey } = new X509Certificate(pki.authCertificate);
    const login = await logIn(token);
    const plain = await login.sign("pkcs1", DATA, "CKM_RSA_PKCS", going());
    expect(publicDecrypt(publicKey, plain)).toEqual(Buffer.from(DATA));
    const pss = await login.sign("pss", HASH, "CKM_SHA256_RSA_PKCS_PSS", going());
    const key = { key: publicKey, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 };
    expect(verify("sha256", Buffer.from("message"), key, pss)).toBe(true);
    expect(record).toMatchObject([
      { result: "signed", data: "pkcs11", mechanism: "CKM_RSA_PKCS", program: "curl (1234)", forwarded: false },
      { result: "signed", data: "pkcs11", mechanism: "CKM_SHA256_RSA_PKCS_PSS" },
    ]);
    expect(record[0]?.key).toMatch(/^SHA256:/);
    expect([card.signatures.auth, card.pinAttempts]).toEqual([2, 1]);
    await close();
  });

  it("never reaches the card with input of another length", async () => {
    const { token, card, close } = await setUp();
    const login = await logIn(token);
    for (const [scheme, length] of [
      ["pkcs1", 0],
      ["pkcs1", 246],
      ["pss", 20],
      ["pss", 64],
    ] as const)
      await expect(login.sign(scheme, new Uint8Array(length), "CKM", going())).rejects.toMatchObject({
        code: "ALGORITHM_UNSUPPORTED",
      });
    expect(card.signatures.auth).toBe(0);
    await close();
  });

  it.each(["off", "session"] as const)("--pin-cache %s: one question for two hundred", async (cache) => {
    const { token, card, prompt, registry, close } = await setUp({ cache });
    const login = await logIn(token);
    for (let i = 0; i < 200; i++) {
      if (i % 50 === 0) await registry.release();
      await login.sign("pkcs1", DATA, "CKM_RSA_PKCS", going());
    }
    expect([prompt.shown.length, prompt.uses.length, card.signatures.auth, card.triesLeft.auth]).toEqual([
      1, 0, 200, 3,
    ]);
    await close();
  });

  it.each([
    ["session", "A4:6F00 A4 20:63C3 A4:6F00 A4 20:63C3 20 2A 2A"],
    ["off", "A4:6F00 A4 20:63C3 A4:6F00 A4 20:63C3 20 A4:6F00 A4 20:63C3 20 2A A4:6F00 A4 20:63C3 20 2A"],
  ] as const)("--pin-cache %s: the commands of a login and two signatures", async (cache, expected) => {
    const { token, card, close } = await setUp({ cache });
    const start = card.log.length;
    const login = await logIn(token);
    for (let i = 0; i < 2; i++) await login.sign("pkcs1", DATA, "CKM_RSA_PKCS", going());
    const seen = card.log
      .slice(start)
      .map(({ command, sw }) => command.slice(3, 5) + (sw === 0x9000 ? "" : `:${hex(sw)}`));
    // First the tries, to be shown with the question; the card is without power while a person types.
    expect(seen.join(" ")).toBe(expected);
    await close();
  });

  it("with --pin-cache off leaves nothing for others: another login asks for the PIN, and so does SSH", async () => {
    const { token, prompt, remembered, known, card, close } = await setUp({ cache: "off" });
    const login = await logIn(token);
    expect(card.powered).toBe(false);
    await logIn(token);
    expect([prompt.shown.length, prompt.uses.length]).toEqual([2, 0]);
    const [key] = known;
    expect(key !== undefined && remembered.has({ key, insertion: 1 })).toBe(false);
    login.end();
    await expect(login.sign("pkcs1", DATA, "CKM_RSA_PKCS", going())).rejects.toMatchObject({ code: "POLICY_REFUSED" });
    await close();
  });

  it("has what the face refuses to have signed in log and record too", async () => {
    const { token, record, log, close } = await setUp();
    const login = await logIn(token);
    const facts = { mechanism: "CKM_RSA_PKCS", program: "curl (1234)", result: "refused", reason: "sha1" };
    login.refuse("CKM_RSA_PKCS", new PolicyError("sign: SHA-1", { details: { problem: "sha1" } }));
    expect(record).toMatchObject([{ ...facts, data: "pkcs11" }]);
    expect(log.lines.filter(({ fields }) => fields["event"] === "sign")).toMatchObject([
      { level: "warn", fields: facts },
    ]);
    await close();
  });

  it("with --confirm, or a key added with ssh-add -c, asks each time inside the call", async () => {
    let yes = true;
    const { token, prompt, record, card, close } = await setUp({ confirm: true, agrees: () => yes });
    const login = await logIn(token);
    await login.sign("pkcs1", DATA, "CKM_RSA_PKCS", going());
    yes = false;
    await expect(login.sign("pkcs1", DATA, "CKM_RSA_PKCS", going())).rejects.toMatchObject({ code: "PIN_CANCELLED" });
    expect(prompt.uses.map(({ request }) => request.purpose)).toEqual(
      Array(2).fill({ kind: "pkcs11-sign", key: "auth", mechanism: "CKM_RSA_PKCS" }),
    );
    expect(results(record)).toEqual(["signed", "refused not-confirmed"]);
    expect(card.signatures.auth).toBe(1);
    await close();
    const constrained = await setUp();
    constrained.constraints.set(constrained.known[0]?.id ?? "", [{ kind: "confirm" }]);
    const asked = await logIn(constrained.token);
    await asked.sign("pkcs1", DATA, "CKM_RSA_PKCS", going());
    expect(constrained.prompt.uses).toHaveLength(1);
    await constrained.close();
  });

  it("is not handed out when confirm was laid on the key while the card made it", async () => {
    const card = new VirtualCard({ pki });
    let onSigned = () => {};
    const tapped = tappedCard(card, {
      onCommand: (_, [, ins]) => {
        if (ins === INS_PERFORM_SECURITY_OPERATION) onSigned();
        return undefined;
      },
    });
    const desk = await p11Desk({ cards: [tapped] });
    const { constraints, known, record, prompt } = desk;
    const login = await logIn(tokenIn(desk));
    const layConfirm = () => constraints.set(known[0]?.id ?? "", [{ kind: "confirm" }]);
    onSigned = layConfirm;
    await expect(login.sign("pkcs1", DATA, "CKM_RSA_PKCS", going())).rejects.toMatchObject({ code: "PIN_CANCELLED" });
    await login.sign("pkcs1", DATA, "CKM_RSA_PKCS", going());
    expect(results(record)).toEqual(["refused not-confirmed", "signed"]);
    expect([prompt.uses.length, card.signatures.auth]).toEqual([1, 2]);
    await desk.close();
  });

  it("does not ask for a card that is away", async () => {
    const { token, transport, card, prompt, record, close } = await setUp();
    const login = await logIn(token);
    transport.remove(P11_READER);
    expect(login.ended.aborted).toBe(true);
    await expect(login.sign("pkcs1", DATA, "CKM_RSA_PKCS", going())).rejects.toMatchObject({ code: "CARD_ABSENT" });
    transport.insert(P11_READER, card);
    await expect(login.sign("pkcs1", DATA, "CKM_RSA_PKCS", going())).rejects.toMatchObject({ code: "CARD_ABSENT" });
    expect([prompt.messages.length, ...results(record)]).toEqual([0, "failed CARD_ABSENT", "failed CARD_ABSENT"]);
    await close();
  });

  it("is abandoned when the program hangs up over the question", async () => {
    const { token, record, close, prompt } = await setUp({ confirm: true });
    const login = await logIn(token);
    prompt.confirm = (_, signal) =>
      new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
    const hangUp = new AbortController();
    const signing = login.sign("pkcs1", DATA, "CKM_RSA_PKCS", hangUp.signal);
    hangUp.abort(new DOMException("gone", "AbortError"));
    await expect(signing).rejects.toThrow("gone");
    expect(results(record)).toEqual(["abandoned"]);
    await close();
  });

  it("unlearns PSS of a card that answered yes and turns out not to do it", async () => {
    const real = new VirtualCard({ pki, changes: { signatureSchemes: [0x00] } });
    const looksAtPinFirst = tappedCard(real, {
      onCommand: (_, command) => (command[1] === 0x2a && !real.isVerified("auth") ? fromHex("6982") : undefined),
    });
    const desk = await p11Desk({ cards: [looksAtPinFirst] });
    const token = tokenIn(desk);
    expect([token.pss(), desk.known[0]?.pss]).toEqual([true, true]);
    const login = await logIn(token);
    await expect(login.sign("pss", HASH, "CKM_RSA_PKCS_PSS", going())).rejects.toMatchObject({
      code: "ALGORITHM_UNSUPPORTED",
    });
    expect([token.pss(), desk.known[0]?.pss]).toEqual([false, false]);
    await login.sign("pkcs1", DATA, "CKM_RSA_PKCS", going());
    desk.transport.remove(P11_READER);
    desk.transport.insert(P11_READER, looksAtPinFirst);
    await desk.registry.settled();
    expect(tokenIn(desk).pss(), "also after it was put on a reader again").toBe(false);
    await desk.close();
  });

  it.each([
    ["on", "old", true],
    ["off", "card", false],
  ] as const)("does not ask the card where --pkcs11-pss is %s", async (pss, profile, told) => {
    const { token, card, known, close } = await setUp({ pss }, { profile });
    expect(token.pss()).toBe(told);
    expect(card.log.some(({ command }) => command.startsWith("80 2A"))).toBe(false);
    expect(known[0]?.pss).toBeUndefined();
    await close();
  });
});

describe("the end of a login", () => {
  it("comes with its time", async () => {
    const { token, clock, prompt, close, record } = await setUp({ ttlMs: 60_000 });
    const login = await logIn(token);
    clock.advance(59_999);
    await login.sign("pkcs1", DATA, "CKM_RSA_PKCS", going());
    clock.advance(1);
    expect(login.ended.aborted).toBe(true);
    const over = { code: "POLICY_REFUSED", details: { problem: "login-time" } };
    expect(login.ended.reason).toMatchObject(over);
    await expect(login.sign("pkcs1", DATA, "CKM_RSA_PKCS", going())).rejects.toMatchObject(over);
    expect(results(record)).toEqual(["signed", "refused login-time"]);
    expect(prompt.shown).toHaveLength(1);
    await close();
  });

  it("comes with its time also where the process was too busy for its timers", async () => {
    const { token, clock, close } = await setUp({ ttlMs: 60_000 });
    const login = await logIn(token);
    clock.advanceWithoutTimers(60_000);
    await expect(login.sign("pkcs1", DATA, "CKM_RSA_PKCS", going())).rejects.toMatchObject({
      details: { problem: "login-time" },
    });
    await close();
  });

  it("comes with the last signature it may make, however many are asked for at once", async () => {
    const { token, card, p11, close } = await setUp({ maxSignatures: 3 });
    const login = await logIn(token);
    const all = Array.from({ length: 8 }, () => login.sign("pkcs1", DATA, "CKM_RSA_PKCS", going()));
    const settled = await Promise.allSettled(all);
    expect(settled.filter(({ status }) => status === "fulfilled")).toHaveLength(3);
    expect(card.signatures.auth).toBe(3);
    expect(login.ended.reason).toMatchObject({ details: { problem: "login-signatures" } });
    expect(p11.logins.list()).toEqual([]);
    await close();
  });

  it("does not count what was not made", async () => {
    const { token, card, close } = await setUp({ maxSignatures: 1, pss: "on" }, { profile: "old" });
    const login = await logIn(token);
    await expect(login.sign("pss", HASH, "CKM_RSA_PKCS_PSS", going())).rejects.toMatchObject({
      code: "ALGORITHM_UNSUPPORTED",
    });
    await login.sign("pkcs1", DATA, "CKM_RSA_PKCS", going());
    expect(card.signatures.auth).toBe(1);
    await close();
  });

  it.each<[string, (desk: Awaited<ReturnType<typeof setUp>>) => unknown]>([
    ["ssh-add -D, a lock, SIGHUP", ({ remembered }) => remembered.forget()],
    ["ssh-add -d", ({ remembered, known }) => remembered.forget(known[0]?.id)],
  ])("comes with what makes SSH forget: %s", async (_, forget) => {
    const desk = await setUp();
    const login = await logIn(desk.token);
    expect(desk.p11.logins.list()).toMatchObject([
      { key: "auth", program: "curl (1234)", signatures: 0, maxSignatures: 1000, endsInSeconds: 3600 },
    ]);
    forget(desk);
    expect([login.ended.aborted, desk.p11.logins.list()]).toEqual([true, []]);
    await desk.close();
  });

  it("does not come with the loss of another card's key, nor with release, nor with a try lost elsewhere", async () => {
    const { token, remembered, registry, card, prompt, close } = await setUp();
    const login = await logIn(token);
    remembered.forget("another");
    await registry.release();
    card.setTries("auth", 2);
    await login.sign("pkcs1", DATA, "CKM_RSA_PKCS", going());
    expect([login.ended.aborted, prompt.shown.length, card.pinAttempts]).toEqual([false, 2, 2]);
    await close();
  });
});

describe("the signature key", () => {
  it("asks for its password at the login and at every signature, and shows its certificate meanwhile", async () => {
    const { card, prompt, record, close, ...desk } = await setUp({ signatureKey: true });
    const token = tokenIn(desk, 2);
    expect(
      card.log.some(({ command }) => command.includes("B0 81")),
      "its certificate is not read before",
    ).toBe(false);
    const login = await logIn(token);
    expect(token.certificate()).toEqual(pki.signCertificate);
    expect(token.caCertificate()).toEqual(pki.signCaCertificate);
    expect(card.powered, "not held").toBe(false);
    for (let i = 0; i < 2; i++) await login.sign("pkcs1", DATA, "CKM_RSA_PKCS", going());
    expect(prompt.shown.map(({ request }) => [request.pin, request.purpose.kind])).toEqual([
      ["sign", "pkcs11-login"],
      ["sign", "pkcs11-sign"],
      ["sign", "pkcs11-sign"],
    ]);
    expect([card.signatures, prompt.uses.length]).toEqual([{ auth: 0, sign: 2 }, 0]);
    expect(record).toMatchObject([{ data: "pkcs11-sign", result: "signed" }, {}]);
    login.end();
    expect([token.certificate(), token.caCertificate()]).toEqual([undefined, undefined]);
    expect(card.triesLeft).toEqual({ auth: 3, sign: 5, text: 3 });
    await close();
  });

  it("is let be while another login of it holds", async () => {
    const { close, ...desk } = await setUp({ signatureKey: true });
    const token = tokenIn(desk, 2);
    const [first, second] = [await logIn(token), await logIn(token)];
    first.end();
    first.end();
    expect(token.certificate()).toEqual(pki.signCertificate);
    second.end();
    expect(token.certificate()).toBeUndefined();
    await close();
  });

  it("shows nothing after a wrong password, whose tries are its own", async () => {
    const { card, close, ...desk } = await setUp({ signatureKey: true, typed: ["WRONG123", null] });
    const token = tokenIn(desk, 2);
    await expect(logIn(token)).rejects.toMatchObject({ code: "PIN_CANCELLED" });
    expect([token.certificate(), token.tries(), card.triesLeft.sign]).toEqual([undefined, "fewer", 4]);
    await close();
  });
});
