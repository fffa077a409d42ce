import { createHash, createPublicKey, verify } from "node:crypto";
import { beforeAll, describe, expect, it } from "vitest";
import { CardLogin } from "../../agent/card-login.ts";
import { type DocumentRequest, signDocument } from "../../agent/document-sign.ts";
import { nothingRemembered } from "../../agent/nothing-remembered.ts";
import { fromHex, utf8 } from "../../lib/bytes.ts";
import { silentLogger } from "../../lib/log.ts";
import { pinFromBytes } from "../../lib/pin/pin.ts";
import type { SignatureEntry } from "../../lib/signature-entry.ts";
import { type EmulatedCard, VirtualCard, type VirtualCardOptions } from "../../lib/virtual-card/card.ts";
import type { VirtualPki } from "../../lib/virtual-card/pki.ts";
import { setUpCardKeys } from "../helpers/card-keys.ts";
import { FakePrompt } from "../helpers/fake-prompt.ts";
import { testPki } from "../helpers/pki.ts";
import { tappedCard } from "../helpers/tapped-card.ts";

const DOCUMENT = utf8("a document\n");
const never = new AbortController().signal;
let pki: VirtualPki;
beforeAll(async () => {
  pki = await testPki();
});

interface Signing {
  readonly request: DocumentRequest;
  readonly answer?: string | null;
  readonly options?: Omit<VirtualCardOptions, "pki">;
  readonly tap?: (card: VirtualCard) => EmulatedCard;
}

/** A person types this answer, again and again. */
async function sign({ request, answer, options, tap = (card) => card }: Signing) {
  const card = new VirtualCard({ pki, ...options });
  const prompt = new FakePrompt((question) => {
    if (question.kind === "confirm" || answer === null) return question.fail(new Error("nobody is there"));
    const typed = answer ?? (question.request.pin === "sign" ? "TEST1234" : "1234");
    question.answer(pinFromBytes(question.request.pin, utf8(typed)));
  });
  const desk = await setUpCardKeys({ cards: [tap(card)], prompt });
  const { registry, broker } = desk;
  const newLogin = (pin: "auth" | "sign") =>
    new CardLogin({ registry, broker, remembered: nothingRemembered, pin, hold: false, log: silentLogger });
  const entries: SignatureEntry[] = [];
  const record = { add: (entry: SignatureEntry) => void entries.push(entry) };
  const before = card.log.length;
  const made = await signDocument({ registry, newLogin, record }, request, never).then(
    (value) => ({ value, error: undefined }),
    (error: unknown) => ({ value: undefined, error }),
  );
  const seen = card.log.slice(before).map(({ command }) => command.slice(0, 11));
  expect(card.powered).toBe(false);
  await desk.close();
  return { ...made, card, prompt, entries, seen };
}

const sha256 = (data: Uint8Array) => new Uint8Array(createHash("sha256").update(data).digest());

function raw(key: "auth" | "sign", head = DOCUMENT): DocumentRequest {
  return { key, command: "sign doc", format: "raw", digest: sha256(head), head };
}

/** What is to be signed names the certificate. */
function cms(key: "auth" | "sign"): DocumentRequest {
  return { key, command: "sign doc", format: "cms", digestFor: ({ certificate }) => sha256(certificate) };
}

function isSignature(certificate: Uint8Array, data: Uint8Array, signature: Uint8Array | undefined): boolean {
  return signature !== undefined && verify("sha256", data, createPublicKey(pem(certificate)), signature);
}

function pem(certificate: Uint8Array): string {
  return `-----BEGIN CERTIFICATE-----\n${Buffer.from(certificate).toString("base64")}\n-----END CERTIFICATE-----\n`;
}

describe("a document", () => {
  it.each(["auth", "sign"] as const)("raw, by the key %s: its PIN, and no file is read", async (key) => {
    const { value, prompt, entries, seen } = await sign({ request: raw(key) });
    expect(isSignature(pki[`${key}Certificate`], DOCUMENT, value?.signature)).toBe(true);
    expect(value?.certificates).toBeUndefined();
    expect(prompt.shown.map(({ request }) => request)).toMatchObject([
      { pin: key, purpose: { kind: "command", command: "sign doc" } },
    ]);
    expect(entries).toMatchObject([{ result: "signed", data: key === "auth" ? "document-auth" : "document" }]);
    const reference = key === "auth" ? "98" : "9B";
    expect(seen).toEqual([
      ...["00 A4 04 0C", "00 A4 04 0C", `00 20 00 ${reference}`],
      ...["00 A4 04 0C", "00 A4 04 0C", `00 20 00 ${reference}`, `00 20 00 ${reference}`],
      `80 2A 00 ${key === "auth" ? "97" : "9A"}`,
    ]);
  });

  it.each(["auth", "sign"] as const)("by the key %s, over what names the certificate", async (key) => {
    const { value, seen, entries } = await sign({ request: cms(key) });
    expect(value?.certificates).toEqual({ certificate: pki[`${key}Certificate`], ca: pki[`${key}CaCertificate`] });
    expect(isSignature(pki[`${key}Certificate`], pki[`${key}Certificate`], value?.signature)).toBe(true);
    expect(entries).toMatchObject([{ result: "signed", key: expect.stringMatching(/^SHA256:/) }]);
    // The tries, then the PIN, the two certificates and the signature.
    expect(seen).toHaveLength(10);
  });

  it("by a phone", async () => {
    const { value, prompt } = await sign({ request: cms("auth"), options: { profile: "phone" } });
    expect(isSignature(pki.authCertificate, pki.authCertificate, value?.signature)).toBe(true);
    expect(prompt.shown.map(({ request }) => request.pin)).toEqual(["auth"]);
  });

  it.each(["old", "t0"] as const)("by a card of the profile %s", async (profile) => {
    const { value } = await sign({ request: cms("sign"), options: { profile } });
    expect(isSignature(pki.signCertificate, pki.signCertificate, value?.signature)).toBe(true);
  });

  it("without a signature key: nobody is asked for its password", async () => {
    const child = (card: VirtualCard) =>
      tappedCard(card, {
        onCommand: (_, command) =>
          /^(0020..9b|00a402..02001b)/.test(hex(command)) ? Uint8Array.of(0x6a, 0x82) : undefined,
      });
    for (const request of [raw("sign"), cms("sign")]) {
      const { error, prompt, entries } = await sign({ request, tap: child });
      expect(error).toMatchObject({ code: "KEY_UNKNOWN", details: { problem: "no-certificate" } });
      expect(prompt.shown).toEqual([]);
      expect(entries).toMatchObject([{ result: "failed" }]);
    }
  });

  it("a wrong password signs nothing", async () => {
    const { error, card, entries } = await sign({ request: raw("sign"), answer: "WRONG1" });
    expect(error).toMatchObject({ code: "PIN_WRONG", details: { triesLeft: 4 } });
    expect(card.log.filter(({ command }) => command.startsWith("80 2A"))).toEqual([]);
    expect(entries).toMatchObject([{ result: "failed", reason: "PIN_WRONG" }]);
  });

  it("a signature of another key does not leave this program", async () => {
    const broken = (card: VirtualCard) =>
      tappedCard(card, {
        onCommand: (_, command, answer) =>
          command[1] === 0x2a ? answer.map((byte, i) => (i === 200 ? byte ^ 1 : byte)) : undefined,
      });
    expect((await sign({ request: cms("sign"), tap: broken })).error).toMatchObject({ code: "MALFORMED" });
  });
});

describe("what is a login, and no document", () => {
  const string = (text: string | Uint8Array) => Buffer.concat([u32(text.length), Buffer.from(text)]);
  const u32 = (value: number) => Buffer.from([0, 0, value >> 8, value & 0xff]);
  const userauth = Buffer.concat([string(new Uint8Array(32)), Buffer.of(50), string("root"), string("ssh-connection")]);

  it.each<[string, Uint8Array]>([
    ["an SSH login", userauth],
    [
      "an SSH signature",
      Buffer.concat([Buffer.from("SSHSIG"), string("git"), string(""), string("sha256"), string("x")]),
    ],
    ["a bare challenge", new Uint8Array(32).fill(7)],
    ["a TLS 1.3 login", utf8(`${" ".repeat(64)}TLS 1.3, client CertificateVerify\0`)],
    ["a TLS 1.2 login", Uint8Array.of(1, 0, 1, 0xfc, 3, 3, ...new Uint8Array(500))],
  ])("%s: refused before anybody is asked, and written down", async (_, head) => {
    const { error, prompt, entries, seen } = await sign({ request: raw("auth", head) });
    expect(error).toMatchObject({ code: "POLICY_REFUSED", details: { problem: "login-data" } });
    expect([prompt.shown, seen]).toEqual([[], []]);
    expect(entries).toMatchObject([{ result: "refused", reason: "login-data", data: "document-auth" }]);
    expect((await sign({ request: raw("sign", head) })).error).toBeUndefined();
  });
});

it.each(["auth", "sign"] as const)("what CMS signs beside a content is no document for the key %s", async (key) => {
  const head = fromHex("3118 3016 06092a864886f70d010903 3109 06072a864886f70d01");
  const { error, prompt, entries } = await sign({ request: raw(key, head) });
  expect(error).toMatchObject({ code: "POLICY_REFUSED", details: { problem: "attributes-data" } });
  expect(prompt.shown).toEqual([]);
  expect(entries).toMatchObject([{ result: "refused", reason: "attributes-data" }]);
});

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}
