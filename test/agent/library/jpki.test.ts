import { createHash, createPublicKey, verify, X509Certificate } from "node:crypto";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { startCardAccess } from "../../../agent/library/card-access.ts";
import { Jpki, openJpki, type SignInput } from "../../../agent/library/jpki.ts";
import type { JpkiOptions } from "../../../agent/library/options.ts";
import { ProgramPrompt } from "../../../agent/library/program-prompt.ts";
import { encodeDigestInfo } from "../../../lib/digest-info.ts";
import { silentLogger } from "../../../lib/log.ts";
import { readSignatures } from "../../../lib/node.ts";
import type { PinRequest } from "../../../lib/pin/prompt.ts";
import { DEFAULT_AUTH_PIN, DEFAULT_SIGN_PASSWORD, VirtualCard } from "../../../lib/virtual-card/card.ts";
import { createVirtualTransport } from "../../../lib/virtual-card/transport.ts";
import { testPki } from "../../helpers/pki.ts";
import { type TempDir, tempDir } from "../../helpers/temp-dir.ts";

const DATA = new TextEncoder().encode("契約書");
const never = new AbortController().signal;

let dir: TempDir;
let env: Record<string, string>;
const opened: Jpki[] = [];

/** One virtual card for all of them: making its PKI takes most of a second. */
beforeAll(async () => {
  dir = await tempDir();
  env = { XDG_STATE_HOME: dir.path };
});
afterEach(async () => {
  for (const jpki of opened.splice(0)) await jpki.close();
});
afterAll(() => dir.remove());

interface Asked {
  readonly jpki: Jpki;
  readonly questions: PinRequest[];
}

/** Answers each question with the next of `pins`. */
async function open(pins: readonly string[], options: JpkiOptions = {}): Promise<Asked> {
  const questions: PinRequest[] = [];
  const askPin = async (request: PinRequest) => {
    const pin = pins[questions.length];
    questions.push(request);
    return pin === undefined ? undefined : new TextEncoder().encode(pin);
  };
  const jpki = await openJpki({ card: "virtual", env, prompt: { askPin }, program: "a test", ...options });
  opened.push(jpki);
  return { jpki, questions };
}

async function triesLeft(): Promise<{ auth: number; sign: number }> {
  const { jpki } = await open([]);
  const { cards } = await jpki.list();
  const { auth, sign } = cards[0]?.triesLeft ?? {};
  return { auth: auth ?? -1, sign: sign ?? -1 };
}

describe("list", () => {
  it("tells readers, cards and tries left, and asks nobody", async () => {
    const { jpki, questions } = await open([]);
    const { readers, cards } = await jpki.list();
    expect(readers).toEqual([{ name: "Virtual card reader", state: "present" }]);
    expect(cards).toEqual([
      expect.objectContaining({
        state: "ready",
        kind: "card",
        id: expect.stringMatching(/^[0-9a-f]{64}$/),
        triesLeft: { auth: 3, sign: 5, text: 3 },
      }),
    ]);
    expect(questions).toEqual([]);
  });

  it("finds nothing on readers that do not count", async () => {
    const { jpki } = await open([], { reader: "no such reader" });
    expect((await jpki.list()).cards.filter(({ state }) => state !== "away")).toEqual([]);
    await expect(jpki.readKey()).rejects.toMatchObject({ code: "READER_ABSENT" });
  });
});

describe("certificates and the key", () => {
  it("come without a PIN and belong together", async () => {
    const { jpki, questions } = await open([]);
    const certificate = new X509Certificate(await jpki.readCertificate("auth"));
    const ca = new X509Certificate(await jpki.readCertificate("auth-ca"));
    const { id, publicKey } = await jpki.readKey();
    expect(certificate.verify(ca.publicKey)).toBe(true);
    expect(certificate.fingerprint256.replaceAll(":", "").toLowerCase()).toBe(id);
    const { n } = certificate.publicKey.export({ format: "jwk" });
    expect(Buffer.from(publicKey.modulus).toString("base64url")).toBe(n);
    expect(questions).toEqual([]);
  });

  it("the signature certificate asks for its password, and says for what", async () => {
    const { jpki, questions } = await open([DEFAULT_SIGN_PASSWORD]);
    const subject = new X509Certificate(await jpki.readCertificate("sign")).subject;
    expect(subject).toContain("CN=");
    expect(questions).toMatchObject([
      { pin: "sign", purpose: { kind: "command", command: "cert sign" }, program: "a test", triesLeft: 5 },
    ]);
  });

  it("of a card that is not there", async () => {
    const { jpki } = await open([]);
    await expect(jpki.readCertificate("auth", { card: "0".repeat(64) })).rejects.toMatchObject({ code: "CARD_ABSENT" });
  });
});

describe("sign", () => {
  it("signs data by a named hash, asks once for each, and leaves an entry in the record", async () => {
    const { jpki, questions } = await open([DEFAULT_AUTH_PIN, DEFAULT_AUTH_PIN, DEFAULT_AUTH_PIN]);
    const certificate = new X509Certificate(await jpki.readCertificate("auth"));
    for (const hash of ["sha256", "sha384", "sha512"] as const) {
      const signature = await jpki.sign({ data: DATA, hash }, { description: "contract.pdf" });
      expect(verify(hash, DATA, certificate.publicKey, signature)).toBe(true);
    }
    expect(questions).toHaveLength(3);
    expect(questions[0]).toMatchObject({
      purpose: { kind: "any-data", description: "contract.pdf" },
      program: "a test",
    });
    const [entry] = (await readSignatures({ env, home: "/nonexistent" })).slice(-1);
    expect(entry).toMatchObject({ result: "signed", data: "document-auth", program: "a test" });
  });

  it("signs a DigestInfo with the signature key", async () => {
    const { jpki } = await open([DEFAULT_SIGN_PASSWORD, DEFAULT_SIGN_PASSWORD]);
    const der = await jpki.readCertificate("sign");
    const info = encodeDigestInfo("sha256", createHash("sha256").update(DATA).digest());
    const signature = await jpki.sign({ digestInfo: info }, { key: "sign", description: "x" });
    const key = createPublicKey(new X509Certificate(der).publicKey.export({ format: "pem", type: "spki" }));
    expect(verify("sha256", DATA, key, signature)).toBe(true);
  });

  it("remembers the PIN of a session until it is released", async () => {
    const { jpki, questions } = await open([DEFAULT_AUTH_PIN, DEFAULT_AUTH_PIN], { pinCache: "session" });
    const sign = () => jpki.sign({ data: DATA, hash: "sha256" }, { description: "x" });
    await sign();
    await sign();
    expect(questions).toHaveLength(1);
    await jpki.release();
    await sign();
    expect(questions).toHaveLength(2);
  });

  it("never remembers the signature password", async () => {
    const { jpki, questions } = await open([DEFAULT_SIGN_PASSWORD, DEFAULT_SIGN_PASSWORD], { pinCache: "session" });
    const sign = () => jpki.sign({ data: DATA, hash: "sha256" }, { key: "sign", description: "x" });
    await sign();
    await sign();
    expect(questions.map(({ pin }) => pin)).toEqual(["sign", "sign"]);
  });

  it.each([
    [[], "PIN_CANCELLED"],
    [["12", "123456", "abcd"], "PIN_FORMAT"],
  ])("%j costs no try: %s", async (pins, code) => {
    const { jpki } = await open(pins);
    await expect(jpki.sign({ data: DATA, hash: "sha256" }, { description: "x" })).rejects.toMatchObject({ code });
    expect(await triesLeft()).toEqual({ auth: 3, sign: 5 });
  });

  it("the last try is not spent without a yes", async () => {
    const wrong = await open(["0000", "0001"]);
    const signed = wrong.jpki.sign({ data: DATA, hash: "sha256" }, { description: "x" });
    await expect(signed).rejects.toMatchObject({ code: "PIN_WRONG" });
    const { jpki, questions } = await open([DEFAULT_AUTH_PIN]);
    const again = jpki.sign({ data: DATA, hash: "sha256" }, { description: "x" });
    await expect(again).rejects.toMatchObject({ code: "PIN_PROTECTED" });
    expect(questions).toEqual([]);
    expect(await triesLeft()).toMatchObject({ auth: 1 });
    const agreed: string[] = [];
    const told = await openJpki({
      card: "virtual",
      env,
      prompt: {
        askPin: async () => new TextEncoder().encode(DEFAULT_AUTH_PIN),
        confirmLastTry: async ({ pin }) => agreed.push(pin) > 0,
      },
    });
    opened.push(told);
    await told.sign({ data: DATA, hash: "sha256" }, { description: "x" });
    expect(agreed).toEqual(["auth"]);
    expect(await triesLeft()).toMatchObject({ auth: 3 });
  });

  it.each([
    ["a TLS 1.3 login", { data: Buffer.from(`${" ".repeat(64)}TLS 1.3, client`), hash: "sha256" }, "POLICY_REFUSED"],
    ["a bare hash", { data: Buffer.alloc(32, 1), hash: "sha256" }, "POLICY_REFUSED"],
    [
      "the attributes of a CMS signature",
      { data: Buffer.from("310b300906012a", "hex"), hash: "sha256" },
      "POLICY_REFUSED",
    ],
    ["the hashes of a TLS 1.0 login", { digestInfo: Buffer.alloc(36, 1) }, "ALGORITHM_UNSUPPORTED"],
  ] as const)("refuses %s, and asks nobody", async (_, input, code) => {
    const { jpki, questions } = await open([DEFAULT_AUTH_PIN]);
    await expect(jpki.sign(input, { description: "x" })).rejects.toMatchObject({ code });
    expect(questions).toEqual([]);
  });

  it("says what is signed, or does not ask", async () => {
    const { jpki, questions } = await open([DEFAULT_AUTH_PIN]);
    const signed = jpki.sign({ data: DATA, hash: "sha256" }, { description: " " });
    await expect(signed).rejects.toMatchObject({ code: "CONFIG_INVALID" });
    expect(questions).toEqual([]);
  });
});

describe("words that nobody knows, as a program in JavaScript may have them", () => {
  it.each([{ card: "virtal" }, { pcscBinding: "pcsc" }, { prompt: "gui" }, { pinCache: "on" }])(
    "%j is not the default: nothing is opened",
    async (wrong) => {
      const options: unknown = { card: "virtual", env, ...wrong };
      await expect(openJpki(options as JpkiOptions)).rejects.toMatchObject({ code: "CONFIG_INVALID" });
    },
  );

  it.each<[object, object]>([
    [{ data: DATA, hash: "md5" }, {}],
    [{ data: DATA, hash: "sha1" }, {}],
    [{ data: DATA, hash: "sha256" }, { key: "text" }],
  ])("sign %j %j: nobody is asked", async (input, wrong) => {
    const { jpki, questions } = await open([DEFAULT_AUTH_PIN]);
    const signed = jpki.sign(input as SignInput, { description: "x", ...wrong });
    await expect(signed).rejects.toMatchObject({ code: "CONFIG_INVALID" });
    expect(questions).toEqual([]);
    const name: string = "text";
    await expect(jpki.readCertificate(name as "auth")).rejects.toMatchObject({ code: "CONFIG_INVALID" });
  });
});

describe("the end", () => {
  it("close takes the question away, and nothing is done afterwards", async () => {
    let asked = () => {};
    const shown = new Promise<void>((resolve) => {
      asked = resolve;
    });
    const askPin = () => {
      asked();
      return new Promise<undefined>(() => {});
    };
    const jpki = await openJpki({ card: "virtual", env, prompt: { askPin } });
    const outcome = jpki.sign({ data: DATA, hash: "sha256" }, { description: "x" }).catch((error: unknown) => error);
    await shown;
    await jpki.close();
    await jpki.close();
    expect(await outcome).toMatchObject({ name: "AbortError" });
    await expect(jpki.list()).rejects.toMatchObject({ name: "AbortError" });
  });

  it("a caller's signal ends its own question", async () => {
    const stop = new AbortController();
    const reason = new Error("enough");
    const askPin = () => {
      stop.abort(reason);
      return new Promise<undefined>(() => {});
    };
    const { jpki } = await open([], { prompt: { askPin } });
    const signed = jpki.sign({ data: DATA, hash: "sha256" }, { description: "x", signal: stop.signal });
    await expect(signed).rejects.toBe(reason);
    await expect(jpki.list({ signal: never })).resolves.toBeDefined();
  });

  it("a card without power is left behind, also while the PIN is remembered", async () => {
    const card = new VirtualCard({ pki: await testPki() });
    const transport = createVirtualTransport({ slots: [{ reader: "R", card }] });
    const prompt = new ProgramPrompt({ askPin: async () => new TextEncoder().encode(DEFAULT_AUTH_PIN) });
    const known = { list: () => [], remember: async () => {} };
    const parts = { transport, prompt, known, log: silentLogger, now: () => performance.now() };
    const jpki = new Jpki(await startCardAccess(parts, { mode: "session", ttlMs: 60_000 }, "a test"));
    opened.push(jpki);
    await jpki.sign({ data: DATA, hash: "sha256" }, { description: "x" });
    expect(card.powered).toBe(false);
  });
});
