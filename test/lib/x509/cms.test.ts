import { createHash } from "node:crypto";
import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { concatBytes, equalBytes, fromHex, utf8 } from "../../../lib/bytes.ts";
import { JpkiError } from "../../../lib/errors.ts";
import type { VirtualPki } from "../../../lib/virtual-card/pki.ts";
import { asn1js, pkijs } from "../../../lib/x509/asn1.ts";
import { beginsAsAttributes } from "../../../lib/x509/attributes-head.ts";
import { type ByteSource, memorySource } from "../../../lib/x509/byte-source.ts";
import { decodeCertificate } from "../../../lib/x509/certificate-fields.ts";
import { decodeSignedData } from "../../../lib/x509/cms-decode.ts";
import { prepareSignedData } from "../../../lib/x509/cms-encode.ts";
import { openEnvelope } from "../../../lib/x509/cms-envelope.ts";
import { derHeader } from "../../../lib/x509/der-header.ts";
import { verifyRawSignature, verifySignedData } from "../../../lib/x509/document-signature.ts";
import { DAY_MS } from "../../helpers/certificates.ts";
import { signDigest } from "../../helpers/cms.ts";
import { mutated } from "../../helpers/mutations.ts";
import { testPki } from "../../helpers/pki.ts";

const CONTENT = utf8("a document\n".repeat(30));
const MALFORMED = expect.objectContaining({ code: "MALFORMED" });
let pki: VirtualPki;
beforeAll(async () => {
  pki = await testPki();
});

/** As `sign` makes it, by the signature key. */
function signCms(options: { readonly attached?: boolean; readonly content?: Uint8Array; readonly time?: Date } = {}) {
  const { attached = false, content = CONTENT, time = new Date() } = options;
  const prepared = prepareSignedData({
    contentDigest: createHash("sha256").update(content).digest(),
    contentBytes: attached ? content.length : undefined,
    signingTime: time,
    certificate: pki.signCertificate,
    ca: pki.signCaCertificate,
  });
  const { before, after } = prepared.finish(signDigest(pki.signKey, prepared.digest));
  return concatBytes(before, ...(attached ? [content] : []), after);
}

async function* once(...chunks: readonly Uint8Array[]): AsyncIterable<Uint8Array> {
  yield* chunks;
}

async function all(chunks: AsyncIterable<Uint8Array> | undefined): Promise<Uint8Array> {
  const found: Uint8Array[] = [];
  if (chunks !== undefined) for await (const chunk of chunks) found.push(chunk);
  return concatBytes(...found);
}

async function judge(cms: Uint8Array, { content = CONTENT, now = new Date(), named = false } = {}) {
  const { withoutContent, content: enclosed } = await openEnvelope(memorySource(cms));
  const certificate = named ? decodeCertificate(pki.authCertificate) : undefined;
  const question = { content: enclosed?.() ?? once(content), certificate, now };
  return verifySignedData(decodeSignedData(withoutContent), question);
}

const reasons = ({ checks }: Awaited<ReturnType<typeof judge>>) => checks.map(({ reason }) => reason);
const GOOD = ["one-signature", "content-type-fits", "content-fits", "signed", "certificate-bound", "signed-in-force"];

describe("what sign makes", () => {
  it.each([false, true])("is verified, with the signer and the time; attached: %s", async (attached) => {
    const time = new Date(Math.floor(Date.now() / 1000) * 1000);
    const found = await judge(signCms({ attached, time }));
    expect(reasons(found)).toEqual(GOOD);
    expect(found.signer?.der).toEqual(pki.signCertificate);
    expect(found.signingTime).toEqual(time);
  });

  it.each([0, 1, 0x7f, 0x80, 0xff, 0x100, 0xffff, 0x10000])("holds a content of %d bytes", async (length) => {
    const content = new Uint8Array(length).fill(0x30);
    const cms = signCms({ attached: true, content });
    expect(reasons(await judge(cms))).toEqual(GOOD);
    expect(await all((await openEnvelope(memorySource(cms))).content?.())).toEqual(content);
  });

  it("changed content, and another certificate named", async () => {
    expect(reasons(await judge(signCms(), { content: utf8("another") }))[2]).toBe("content-differs");
    const other = await judge(signCms(), { named: true });
    expect(other.signer).toBeUndefined();
    expect(reasons(other)).toContain("no-signer-certificate");
  });

  it("the time: to come, before the certificate, after it, and as a GeneralizedTime", async () => {
    const at = (days: number) => new Date(Date.now() + days * DAY_MS);
    expect(reasons(await judge(signCms({ time: at(1) })))).toContain("signed-in-the-future");
    expect(reasons(await judge(signCms({ time: at(-60) })))).toContain("signed-out-of-force");
    const late = { now: at(6 * 365) };
    expect(reasons(await judge(signCms({ time: at(5 * 365) }), late))).toContain("signed-out-of-force");
    const year2051 = new Date("2051-01-01T00:00:00Z");
    const { signingTime } = await judge(signCms({ time: year2051 }), { now: year2051 });
    expect(signingTime).toEqual(year2051);
  });

  it("raw", async () => {
    const signature = signDigest(pki.signKey, createHash("sha256").update(CONTENT).digest());
    const certificate = decodeCertificate(pki.signCertificate);
    const right = await verifyRawSignature(signature, once(CONTENT.subarray(0, 5), CONTENT.subarray(5)), certificate);
    expect(reasons(right)).toEqual(["one-signature", "signed"]);
    expect(reasons(await verifyRawSignature(signature, once(utf8("x")), certificate))).toContain("signature-wrong");
    expect(reasons(await verifyRawSignature(new Uint8Array(3), once(CONTENT), certificate))).toContain(
      "signature-wrong",
    );
  });
});

/** What `signCms` signs, and the same signature without it: over these bytes as a file. */
function withoutAttributes(): {
  readonly attributes: Uint8Array;
  readonly cms: Uint8Array;
  readonly signature: Uint8Array;
} {
  const { content } = new pkijs.ContentInfo({ schema: asn1js.fromBER(signCms()).result });
  const data = new pkijs.SignedData({ schema: content });
  const [signer] = data.signerInfos;
  const attributes = new Uint8Array(signer?.signedAttrs?.encodedValue ?? new ArrayBuffer());
  data.signerInfos = data.signerInfos.map(
    ({ version, sid, digestAlgorithm, signatureAlgorithm, signature }) =>
      new pkijs.SignerInfo({ version, sid, digestAlgorithm, signatureAlgorithm, signature }),
  );
  const info = new pkijs.ContentInfo({ contentType: pkijs.ContentInfo.SIGNED_DATA, content: data.toSchema(true) });
  const signature = new Uint8Array(signer?.signature.getValue() ?? new ArrayBuffer());
  return { attributes, cms: new Uint8Array(info.toSchema().toBER()), signature };
}

describe("signed attributes passed off as a file", () => {
  it("whose signature is right for their bytes: not valid, though openssl takes it", async () => {
    const { attributes, cms, signature } = withoutAttributes();
    const certificate = decodeCertificate(pki.signCertificate);
    for (const found of [
      await judge(cms, { content: attributes }),
      await verifyRawSignature(signature, once(attributes.subarray(0, 1), attributes.subarray(1)), certificate),
    ])
      expect(reasons(found).slice(-2)).toEqual(["content-is-attributes", "signed"]);
  });

  it.each<[string, boolean]>([
    ["31 0b 30 09 06 01 2a", true],
    ["31 80 30 80 06", true],
    ["31 84 0000000b 30 82 0009 06", true],
    ["31 0a 30 0a 31", false],
    ["31 0b 06", false],
    ["30 0b 30 09 06", false],
    ["31", false],
    ["", false],
  ])("%s: %s", (head, expected) => expect(beginsAsAttributes(fromHex(head))).toBe(expected));
});

describe("an envelope", () => {
  it("has its lengths in DER", () => {
    const headers: readonly (readonly [number, string])[] = [
      [0, "0400"],
      [127, "047f"],
      [128, "048180"],
      [0x10000, "0483010000"],
      [2 ** 32, "04850100000000"],
    ];
    for (const [length, hex] of headers) expect(derHeader(0x04, length)).toEqual(fromHex(hex));
  });

  it("of indefinite lengths, in pieces, nested: the same content, and a second time", async () => {
    const cms = signCms();
    const pieces = [CONTENT.subarray(0, 100), CONTENT.subarray(100, 100), CONTENT.subarray(100)];
    const octets = pieces.map((piece) => concatBytes(derHeader(0x04, piece.length), piece));
    const inner = concatBytes(fromHex("2480"), ...octets.slice(1), fromHex("0000"));
    const streamed = indefinite(
      cms,
      concatBytes(fromHex("2480"), octets[0] ?? new Uint8Array(), inner, fromHex("0000")),
    );
    expect(reasons(await judge(streamed))).toEqual(GOOD);
    const { content, withoutContent } = await openEnvelope(memorySource(streamed));
    expect(await all(content?.())).toEqual(CONTENT);
    expect(await all(content?.())).toEqual(CONTENT);
    expect(withoutContent).toEqual(cms);
  });

  it("bytes after its end, an end too early, a cut: all malformed", async () => {
    const cms = signCms({ attached: true });
    const streamed = indefinite(signCms(), concatBytes(derHeader(0x04, CONTENT.length), CONTENT));
    for (const bytes of [cms, streamed]) {
      await expect(judge(concatBytes(bytes, Uint8Array.of(0)))).rejects.toEqual(MALFORMED);
      await expect(judge(concatBytes(bytes, fromHex("0000")))).rejects.toEqual(MALFORMED);
      for (let length = 0; length < bytes.length; length += 13)
        await expect(judge(bytes.subarray(0, length)), `${length} bytes`).rejects.toEqual(MALFORMED);
    }
  });

  it("nested too deep, and lengths that no file has", async () => {
    const deep = (levels: number): Uint8Array =>
      levels === 0 ? fromHex("0400") : concatBytes(fromHex("2480"), deep(levels - 1), fromHex("0000"));
    await expect(judge(indefinite(signCms(), deep(50)))).rejects.toEqual(MALFORMED);
    await expect(judge(indefinite(signCms(), fromHex("0487ffffffffffffff")))).rejects.toEqual(MALFORMED);
    await expect(judge(indefinite(signCms(), fromHex("1f8104")))).rejects.toEqual(MALFORMED);
  });

  it("of pieces without number, or of fields: refused, and soon", async () => {
    const many = (piece: string) => fromHex(`2480${piece.repeat(1_000_000)}0000`);
    for (const piece of ["0400", "2400", "0401aa"])
      await expect(judge(indefinite(signCms(), many(piece))), piece).rejects.toEqual(MALFORMED);
    const set = fromHex(`3180${"0500".repeat(1_000_000)}0000`);
    const unended = indefinite(signCms(), fromHex("0400")).subarray(0, -6);
    await expect(judge(concatBytes(unended, set, fromHex("000000000000")))).rejects.toEqual(MALFORMED);
  });

  it("is not read as a whole: of a terabyte of content, some kilobytes", async () => {
    const terabyte = 2 ** 40;
    const prepared = prepareSignedData({
      contentDigest: new Uint8Array(32),
      contentBytes: terabyte,
      signingTime: new Date(),
      certificate: pki.signCertificate,
    });
    const { before, after } = prepared.finish(new Uint8Array(256));
    let read = 0;
    const source: ByteSource = {
      size: before.length + terabyte + after.length,
      read: async (offset, length) => {
        read += length;
        const bytes = new Uint8Array(length);
        for (const [part, at] of [
          [before, 0],
          [after, before.length + terabyte],
        ] as const) {
          const from = Math.max(offset, at);
          const to = Math.min(offset + length, at + part.length);
          if (from < to) bytes.set(part.subarray(from - at, to - at), from - offset);
        }
        return bytes;
      },
    };
    const { withoutContent, content } = await openEnvelope(source);
    expect(decodeSignedData(withoutContent).signers).toHaveLength(1);
    expect(content).toBeDefined();
    expect(read).toBeLessThan(200_000);
  });
});

it("random and mutated ones give a verdict or a named error, and a good one is the signer's own", async () => {
  const seeds = [signCms(), signCms({ attached: true })];
  const bytes = fc.oneof(mutated(seeds), fc.uint8Array({ maxLength: 200 }));
  await fc.assert(
    fc.asyncProperty(bytes, async (cms) => {
      try {
        const { checks, signer } = await judge(cms);
        if (checks.every(({ result }) => result === "good") && !equalBytes(signer?.der ?? cms, pki.signCertificate))
          throw new Error(`another signer passes: ${Buffer.from(cms).toString("base64")}`);
      } catch (error) {
        if (!(error instanceof JpkiError) || !["MALFORMED", "TOO_LARGE"].includes(error.code)) throw error;
      }
    }),
    { numRuns: 2000 },
  );
}, 120_000);

/** The same signature around a content, all of its constructed values around that without a length. */
function indefinite(detached: Uint8Array, octets: Uint8Array): Uint8Array {
  const hex = Buffer.from(detached).toString("hex");
  const [, , signed = ""] = /^3082....(06092a864886f70d010702)a082....3082....(.*)$/.exec(hex) ?? [];
  const [head = "", rest = ""] = signed.split("300b06092a864886f70d010701");
  const type = "06092a864886f70d010702";
  const encapsulated = `308006092a864886f70d010701a080${Buffer.from(octets).toString("hex")}00000000`;
  return fromHex(`3080${type}a0803080${head}${encapsulated}${rest}000000000000`);
}
