import { beforeAll, describe, expect, it } from "vitest";
import { concatBytes } from "../../../lib/bytes.ts";
import type { VirtualPki } from "../../../lib/virtual-card/pki.ts";
import { decodeCertificate } from "../../../lib/x509/certificate-fields.ts";
import { verifyChain } from "../../../lib/x509/chain.ts";
import { holderOf } from "../../../lib/x509/holder.ts";
import { nameText } from "../../../lib/x509/names.ts";
import { encodePem, readPemOrDer } from "../../../lib/x509/pem.ts";
import { ATTRIBUTES, makeCertificate } from "../../helpers/certificates.ts";
import { expectTotal } from "../../helpers/mutations.ts";
import { testPki } from "../../helpers/pki.ts";

const MUTATIONS = 10_000;
const MALFORMED = expect.objectContaining({ code: "MALFORMED" });

let pki: VirtualPki;
beforeAll(async () => {
  pki = await testPki();
});

describe("fields", () => {
  it("of an authentication certificate", () => {
    const certificate = decodeCertificate(pki.authCertificate);
    expect(nameText(certificate.subject)).toMatch(/^C=JP, CN=[0-9A-Z]{23}$/);
    expect(nameText(certificate.issuer)).toMatch(/^C=JP, O=JPKI, OU=JPKI for user authentication, OU=/);
    expect(certificate.serial).toBe(certificate.x509.serialNumber.toLowerCase());
    expect(certificate).toMatchObject({
      keyUsage: ["digitalSignature"],
      extendedKeyUsage: ["1.3.6.1.5.5.7.3.2"],
      policies: ["1.2.392.200149.8.5.1.3.30"],
      isCa: false,
      unknownCritical: [],
    });
    expect(certificate.crlNames).toHaveLength(1);
    expect(holderOf(certificate)).toBeUndefined();
  });

  it("of a signature certificate, with its holder", () => {
    const certificate = decodeCertificate(pki.signCertificate);
    expect(certificate.keyUsage).toEqual(["digitalSignature", "nonRepudiation"]);
    expect(certificate.extendedKeyUsage).toBeUndefined();
    expect(holderOf(certificate)).toEqual({
      name: "見本　花子",
      nameSubstitutes: "00000",
      sex: "female",
      birthDate: { raw: "419900401", era: "heisei", year: 1990, month: 4, day: 1 },
      address: "見本県架空市一丁目２番３号",
      addressSubstitutes: "0000000000000",
    });
  });

  it("of a CA", () => {
    expect(decodeCertificate(pki.authCaCertificate)).toMatchObject({
      isCa: true,
      keyUsage: ["keyCertSign", "cRLSign"],
    });
  });
});

describe("the holder", () => {
  const holder = (...otherNames: readonly (readonly [number, string])[]) =>
    holderOf(
      decodeCertificate(
        makeCertificate(pki, { otherNames: otherNames.map(([n, text]) => [`${ATTRIBUTES}.${n}`, text]) }),
      ),
    );

  it.each([
    ["outside the Basic Multilingual Plane", "𠮷野　𩸽子"],
    ["with a variation selector", "葛\u{e0100}城　花子"],
    ["of one character", "一"],
    ["of 200 characters", "𠮷".repeat(200)],
  ])("a name %s", (_, name) => {
    expect(holder([1, name])).toEqual({ name });
  });

  // 20 to 80 characters of 3 bytes: short, 81 and 82 length forms.
  it.each([1, 20, 43, 80, 86, 200])("an address of %d characters", (length) => {
    const address = "架".repeat(length);
    expect(holder([5, address])?.address).toBe(address);
  });

  it("with only some of the names", () => {
    expect(holder([3, "1"], [4, "500000000"])).toEqual({ sex: "male", birthDate: { raw: "500000000", era: "reiwa" } });
    expect(holder([3, "9"])).toEqual({ sex: "unknown" });
  });

  it("is not what other otherNames say", () => {
    const der = makeCertificate(pki, { otherNames: [["1.3.6.1.4.1.311.20.2.3", "somebody@example"]] });
    expect(holderOf(decodeCertificate(der))).toBeUndefined();
  });
});

describe("malformed", () => {
  it("filler after it, as in the card's file", () => {
    expect(() => decodeCertificate(concatBytes(pki.authCertificate, new Uint8Array(100).fill(0xff)))).toThrow(
      MALFORMED,
    );
    expect(() => decodeCertificate(new Uint8Array(2048).fill(0xff))).toThrow(MALFORMED);
  });

  it("cut short, wherever", () => {
    for (let length = 0; length < pki.signCertificate.length; length += 7)
      expect(() => decodeCertificate(pki.signCertificate.subarray(0, length)), `${length} bytes`).toThrow(MALFORMED);
  });

  it("the same extension twice", () => {
    const der = new Uint8Array(pki.authCertificate);
    const [policies, keyIdentifier] = ["0603551d20", "0603551d23"].map((hex) => Buffer.from(hex, "hex"));
    der[Buffer.from(der).indexOf(keyIdentifier ?? "") + 4] = policies?.[4] ?? 0;
    expect(() => decodeCertificate(der)).toThrow(MALFORMED);
  });

  it("too large", () => {
    expect(() => decodeCertificate(new Uint8Array(0x10001))).toThrow(expect.objectContaining({ code: "TOO_LARGE" }));
  });

  it("nested without end", () => {
    expect(() => decodeCertificate(new Uint8Array(0x8000).fill(0x30))).toThrow(MALFORMED);
  });

  it("random and mutated ones give a verdict or a named error, and never a valid one that was changed", () => {
    const authCa = decodeCertificate(pki.authCaCertificate);
    const signCa = decodeCertificate(pki.signCaCertificate);
    const candidates = [authCa, signCa].map((certificate) => ({ certificate, trusted: true }));
    const originals = [pki.authCertificate, pki.signCertificate].map((der) => Buffer.from(der));
    const read = (der: Uint8Array) => {
      const certificate = decodeCertificate(der);
      holderOf(certificate);
      nameText(certificate.subject);
      const [chain] = verifyChain(certificate, "sign", candidates, new Date()).checks;
      if (chain?.result === "good" && !originals.some((original) => original.equals(der)))
        throw new Error(`a changed certificate passes: ${Buffer.from(der).toString("base64")}`);
    };
    expectTotal(read, [pki.authCertificate, pki.signCertificate], MUTATIONS);
  }, 300_000);
});

describe("PEM", () => {
  it("is read as it is written", () => {
    const text = encodePem(pki.signCertificate, "CERTIFICATE") + encodePem(pki.authCertificate, "CERTIFICATE");
    const read = readPemOrDer(Buffer.from(`comment\r\n${text.replaceAll("\n", "\r\n")}`), "CERTIFICATE");
    expect(read.map((der) => Buffer.from(der).toString("hex"))).toEqual(
      [pki.signCertificate, pki.authCertificate].map((der) => Buffer.from(der).toString("hex")),
    );
  });

  it("DER is itself; other files are neither", () => {
    expect(readPemOrDer(pki.authCertificate, "CERTIFICATE")).toEqual([pki.authCertificate]);
    expect(() => readPemOrDer(Buffer.from(encodePem(pki.authCertificate, "CERTIFICATE")), "X509 CRL")).toThrow(
      MALFORMED,
    );
    expect(() => readPemOrDer(new Uint8Array(), "CERTIFICATE")).toThrow(MALFORMED);
  });
});
