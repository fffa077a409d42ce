import { constants, createHash, createPublicKey, publicDecrypt, verify, X509Certificate } from "node:crypto";
import { beforeAll, beforeEach, describe, expect, test } from "vitest";
import { concatBytes, fromHex, toHex, utf8 } from "../../../lib/bytes.ts";
import { VirtualCard, type VirtualCardOptions } from "../../../lib/virtual-card/card.ts";
import type { VirtualPki } from "../../../lib/virtual-card/pki.ts";
import { testPki } from "../../helpers/pki.ts";

const SELECT_JPKI = "00 A4 04 0C 0A D3 92 F0 00 26 01 00 00 00 01";
const SELECT_AUTH_PIN = "00 A4 02 0C 02 00 18";
const SELECT_AUTH_KEY = "00 A4 02 0C 02 00 17";
const VERIFY_AUTH = "00 20 00 98 04 31 32 33 34";
const VERIFY_AUTH_WRONG = "00 20 00 98 04 39 39 39 39";
const VERIFY_SIGN = "00 20 00 9B 08 54 45 53 54 31 32 33 34";
const QUERY_AUTH = "00 20 00 98";
const QUERY_SIGN = "00 20 00 9B";
/** COMPUTE DIGITAL SIGNATURE over two bytes with the authentication key. */
const SIGN_AUTH = "80 2A 00 97 02 30 00 00";

let pki: VirtualPki;
let card: VirtualCard;

beforeAll(async () => {
  pki = await testPki();
});

/** A card with power, its JPKI application selected. */
function selected(options: Partial<VirtualCardOptions> = {}): VirtualCard {
  const made = new VirtualCard({ pki, changes: { firstCommandFails: false }, ...options });
  made.powerOn();
  expect(sw(made, SELECT_JPKI)).toBe("9000");
  return made;
}

function send(target: VirtualCard, command: string): Uint8Array {
  return target.transmit(fromHex(command));
}

/** The status word as hexadecimal. */
function sw(target: VirtualCard, command: string): string {
  return toHex(send(target, command).subarray(-2));
}

function answer(target: VirtualCard, command: string): Uint8Array {
  const response = send(target, command);
  expect(toHex(response.subarray(-2))).toBe("9000");
  return response.subarray(0, -2);
}

function hex(bytes: Uint8Array): string {
  return toHex(bytes);
}

beforeEach(() => {
  card = selected();
});

describe("SELECT", () => {
  test.each([
    ["an application that is not there", "00 A4 04 0C 07 A0 00 00 03 08 00 00", "6a82"],
    ["the beginning of the application's name", "00 A4 04 0C 05 D3 92 F0 00 26", "6a82"],
    ["a file that is not there", "00 A4 02 0C 02 00 77", "6a82"],
    ["P2 00 (with FCI)", "00 A4 04 00 0A D3 92 F0 00 26 01 00 00 00 01", "6a86"],
    ["P1 00 (by file id)", "00 A4 00 0C 02 3F 00", "6a86"],
    ["with Le", `${SELECT_JPKI} 00`, "6700"],
    ["without a name", "00 A4 04 0C", "6700"],
    ["a file id of one byte", "00 A4 02 0C 01 0A", "6700"],
    ["with CLA 80", SELECT_JPKI.replace("00", "80"), "6e00"],
    ["with CLA A0", SELECT_JPKI.replace("00", "A0"), "6e00"],
  ])("%s", (_, command, expected) => {
    expect(sw(card, command)).toBe(expected);
  });

  test("before the application is selected no file is there", () => {
    const fresh = new VirtualCard({ pki, profile: "old" });
    fresh.powerOn();
    expect(sw(fresh, "00 A4 02 0C 02 00 0A")).toBe("6a82");
    expect(sw(fresh, "00 B0 00 00 00")).toBe("6986");
    expect(sw(fresh, "00 20 00 80")).toBe("6986");
  });

  test("of the application forgets the current file", () => {
    expect(sw(card, SELECT_AUTH_PIN)).toBe("9000");
    expect(sw(card, "00 20 00 80")).toBe("63c3");
    expect(sw(card, SELECT_JPKI)).toBe("9000");
    expect(sw(card, "00 20 00 80")).toBe("6986");
  });
});

describe("any command", () => {
  test.each([
    ["unknown INS", "00 CA 00 00 00", "6d00"],
    ["GET RESPONSE, which T=1 has not", "00 C0 00 00 00", "6d00"],
    ["three bytes", "00 A4 04", "6700"],
    ["Lc over the data", "00 A4 02 0C 03 00 0A", "6700"],
  ])("%s", (_, command, expected) => {
    expect(sw(card, command)).toBe(expected);
  });
});

describe("READ BINARY", () => {
  test("gives certificate and filler in one extended answer", () => {
    const content = answer(card, "00 B0 8A 00 00 00 00");
    expect(content).toHaveLength(2048);
    expect(hex(content.subarray(0, pki.authCertificate.length))).toBe(hex(pki.authCertificate));
    expect(content.subarray(pki.authCertificate.length).every((byte) => byte === 0xff)).toBe(true);
  });

  test("a short EF id makes the file the current one", () => {
    const first = answer(card, "00 B0 8A 00 10");
    expect(hex(answer(card, "00 B0 00 00 10"))).toBe(hex(first));
    expect(hex(answer(card, "00 B0 00 04 0C"))).toBe(hex(first.subarray(4)));
  });

  test("ends with the file, and 6B00 past it", () => {
    expect(answer(card, "00 B0 8A 00 01")).toHaveLength(1);
    expect(answer(card, "00 B0 07 F0 00")).toHaveLength(16);
    expect(sw(card, "00 B0 08 00 00")).toBe("6b00");
    expect(sw(card, "00 B0 7F FF 01")).toBe("6b00");
  });

  test.each([
    ["no current EF", "00 B0 00 00 00", "6986"],
    ["no Le", "00 B0 8A 00", "6700"],
    ["with data", "00 B0 8A 00 01 00", "6700"],
    ["short EF id 0", "00 B0 80 00 00", "6a86"],
    ["short EF id 1F", "00 B0 9F 00 00", "6a86"],
    ["bit 6 of P1", "00 B0 AA 00 00", "6a86"],
    ["a short EF id that is not there", "00 B0 8C 00 00", "6a82"],
    ["a key", "00 B0 97 00 00", "6981"],
    ["the signature certificate without its password", "00 B0 81 00 00", "6982"],
    ["CLA 80", "80 B0 8A 00 00", "6e00"],
  ])("%s", (_, command, expected) => {
    expect(sw(card, command)).toBe(expected);
  });

  test("the signature certificate wants the signature password, not the PIN", () => {
    expect(sw(card, VERIFY_AUTH)).toBe("9000");
    expect(sw(card, "00 B0 81 00 00")).toBe("6982");
    expect(sw(card, VERIFY_SIGN)).toBe("9000");
    expect(hex(answer(card, "00 B0 81 00 04"))).toBe(hex(pki.signCertificate.subarray(0, 4)));
  });

  test("token record and certificate flags", () => {
    const record = answer(card, "00 B0 86 00 00");
    expect(record).toHaveLength(160);
    expect(Buffer.from(record.subarray(0, 32)).toString()).toBe("JPKIAPICCTOKEN2".padEnd(32));
    expect(hex(answer(card, "00 B0 88 00 00"))).toBe("8f8f00");
  });
});

describe("VERIFY", () => {
  test("a query costs nothing and tells each PIN's tries", () => {
    card.setTries("auth", 2);
    expect(sw(card, QUERY_AUTH)).toBe("63c2");
    expect(sw(card, QUERY_SIGN)).toBe("63c5");
    expect(card.triesLeft).toEqual({ auth: 2, sign: 5, text: 3 });
    expect(card.pinAttempts).toBe(0);
  });

  test("a wrong PIN costs one try, the right one gives all back", () => {
    expect(sw(card, VERIFY_AUTH_WRONG)).toBe("63c2");
    expect(sw(card, VERIFY_AUTH_WRONG)).toBe("63c1");
    expect(card.isVerified("auth")).toBe(false);
    expect(sw(card, VERIFY_AUTH)).toBe("9000");
    expect(card.triesLeft.auth).toBe(3);
    expect(card.pinAttempts).toBe(3);
  });

  test("the tries left are told after VERIFY too", () => {
    expect(sw(card, VERIFY_AUTH)).toBe("9000");
    expect(sw(card, QUERY_AUTH)).toBe("63c3");
  });

  test.each([[0x63c0], [0x6983], [0x6984]] as const)(
    "blocked (%i) stays blocked for the right PIN",
    (blockedAnswer) => {
      const blocking = selected({ blockedAnswer });
      for (const expected of ["63c2", "63c1", "63c0"]) expect(sw(blocking, VERIFY_AUTH_WRONG)).toBe(expected);
      const blocked = blockedAnswer.toString(16);
      expect(sw(blocking, VERIFY_AUTH)).toBe(blocked);
      expect(sw(blocking, QUERY_AUTH)).toBe(blocked);
      blocking.powerOff();
      blocking.powerOn();
      expect(sw(blocking, SELECT_JPKI)).toBe("9000");
      expect(sw(blocking, VERIFY_AUTH)).toBe(blocked);
      expect(blocking.triesLeft).toEqual({ auth: 0, sign: 5, text: 3 });
    },
  );

  test("any body but the PIN costs a try, of whatever length", () => {
    expect(sw(card, "00 20 00 98 01 31")).toBe("63c2");
    expect(sw(card, "00 20 00 98 05 31 32 33 34 35")).toBe("63c1");
  });

  test("a wrong PIN takes the verified state away", () => {
    expect(sw(card, VERIFY_AUTH)).toBe("9000");
    expect(sw(card, VERIFY_AUTH_WRONG)).toBe("63c2");
    expect(sw(card, SIGN_AUTH)).toBe("6982");
  });

  test("of the current file", () => {
    expect(sw(card, SELECT_AUTH_PIN)).toBe("9000");
    expect(sw(card, "00 20 00 80 04 31 32 33 34")).toBe("9000");
    expect(card.isVerified("auth")).toBe(true);
    expect(card.isVerified("sign")).toBe(false);
  });

  test.each([
    ["P1 not 00", "00 20 01 98", "6a86"],
    ["P2 without bit 8", "00 20 00 18", "6a86"],
    ["P2 short EF id 1F", "00 20 00 9F", "6a86"],
    ["no current EF", "00 20 00 80", "6986"],
    ["a certificate", "00 20 00 8A", "6981"],
    ["no such file", "00 20 00 8C", "6a82"],
    ["with Le", "00 20 00 98 00", "6700"],
    ["PIN and Le", `${VERIFY_AUTH} 00`, "6700"],
    ["CLA 80", "80 20 00 98", "6e00"],
  ])("%s", (_, command, expected) => {
    expect(sw(card, command)).toBe(expected);
    expect(card.pinAttempts).toBe(0);
    expect(card.triesLeft).toEqual({ auth: 3, sign: 5, text: 3 });
  });
});

describe("CHANGE REFERENCE DATA", () => {
  const CHANGE_AUTH = "00 24 01 98 04 35 36 37 38";

  test("needs a VERIFY of the same PIN", () => {
    expect(sw(card, CHANGE_AUTH)).toBe("6982");
    expect(sw(card, VERIFY_SIGN)).toBe("9000");
    expect(sw(card, CHANGE_AUTH)).toBe("6982");
    expect(sw(card, VERIFY_AUTH)).toBe("9000");
    expect(sw(card, CHANGE_AUTH)).toBe("9000");
    expect(sw(card, VERIFY_AUTH)).toBe("63c2");
    expect(sw(card, "00 20 00 98 04 35 36 37 38")).toBe("9000");
  });

  test.each([
    ["three digits", "00 24 01 98 03 35 36 37", "6a80"],
    ["letters", "00 24 01 98 04 41 42 43 44", "6a80"],
    ["nothing", "00 24 01 98", "6700"],
    ["P1 00 (old and new PIN)", "00 24 00 98 08 31 32 33 34 35 36 37 38", "6a86"],
    ["a key", "00 24 01 97 04 35 36 37 38", "6981"],
  ])("refuses %s", (_, command, expected) => {
    expect(sw(card, VERIFY_AUTH)).toBe("9000");
    expect(sw(card, command)).toBe(expected);
    expect(sw(card, VERIFY_AUTH)).toBe("9000");
  });

  test("a blocked PIN cannot be changed", () => {
    expect(sw(card, VERIFY_AUTH)).toBe("9000");
    card.setTries("auth", 0);
    expect(sw(card, CHANGE_AUTH)).toBe("6984");
  });
});

describe("COMPUTE DIGITAL SIGNATURE", () => {
  const HASH = createHash("sha256").update("to be signed").digest();
  const DIGEST_INFO = concatBytes(fromHex("3031300D060960864801650304020105000420"), HASH);

  function publicKey(certificate: Uint8Array) {
    return createPublicKey(new X509Certificate(certificate).publicKey.export({ type: "spki", format: "pem" }));
  }

  function sign(p1: string, p2: string, data: Uint8Array): string {
    return `80 2A ${p1} ${p2} ${data.length.toString(16).padStart(2, "0")} ${hex(data)} 00`;
  }

  test("pads what it is given as block type 1", () => {
    expect(sw(card, VERIFY_AUTH)).toBe("9000");
    const data = utf8("x".repeat(245));
    const signature = answer(card, sign("00", "97", data));
    expect(signature).toHaveLength(256);
    const opened = publicDecrypt(
      { key: publicKey(pki.authCertificate), padding: constants.RSA_PKCS1_PADDING },
      signature,
    );
    expect(hex(opened)).toBe(hex(data));
    expect(card.signatures).toEqual({ auth: 1, sign: 0 });
  });

  test.each([
    ["00", "97", DIGEST_INFO],
    ["02", "97", HASH],
    ["03", "97", utf8("to be signed")],
  ])("scheme %s signs as SHA-256 with RSA", (p1, p2, data) => {
    expect(sw(card, VERIFY_AUTH)).toBe("9000");
    const signature = answer(card, sign(p1, p2, data));
    expect(verify("sha256", utf8("to be signed"), publicKey(pki.authCertificate), signature)).toBe(true);
  });

  test("scheme 04 signs as RSASSA-PSS with a salt of 32 bytes", () => {
    expect(sw(card, VERIFY_AUTH)).toBe("9000");
    const signature = answer(card, sign("04", "97", HASH));
    const pss = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 };
    const key = { key: publicKey(pki.authCertificate), ...pss };
    expect(verify("sha256", utf8("to be signed"), key, signature)).toBe(true);
  });

  test("the signature key wants its own password", () => {
    expect(sw(card, VERIFY_AUTH)).toBe("9000");
    expect(sw(card, sign("00", "9A", DIGEST_INFO))).toBe("6982");
    expect(sw(card, VERIFY_SIGN)).toBe("9000");
    const signature = answer(card, sign("00", "9A", DIGEST_INFO));
    expect(verify("sha256", utf8("to be signed"), publicKey(pki.signCertificate), signature)).toBe(true);
  });

  test("the current file's key", () => {
    expect(sw(card, VERIFY_AUTH)).toBe("9000");
    expect(sw(card, sign("00", "80", DIGEST_INFO))).toBe("6981");
    expect(sw(card, SELECT_AUTH_KEY)).toBe("9000");
    expect(sw(card, sign("00", "80", DIGEST_INFO))).toBe("9000");
  });

  test.each([
    ["no PIN", SIGN_AUTH, "6982"],
    ["no current EF", "80 2A 00 80 02 30 00 00", "6986"],
    ["no such file", "80 2A 00 8C 02 30 00 00", "6a82"],
    ["without Le", "80 2A 00 97 02 30 00", "6700"],
    ["Le under 256", "80 2A 00 97 02 30 00 FF", "6700"],
    ["without data", "80 2A 00 97 00", "6700"],
    ["246 bytes", `80 2A 00 97 F6 ${"00".repeat(246)} 00`, "6700"],
    ["31 bytes where a hash is wanted", `80 2A 02 97 1F ${"00".repeat(31)} 00`, "6700"],
    ["scheme 01", "80 2A 01 97 02 30 00 00", "6a86"],
    ["P2 without bit 8", "80 2A 00 17 02 30 00 00", "6a86"],
    ["CLA 00", "00 2A 00 97 02 30 00 00", "6e00"],
  ])("%s", (_, command, expected) => {
    expect(sw(card, command)).toBe(expected);
    expect(card.signatures).toEqual({ auth: 0, sign: 0 });
  });
});
