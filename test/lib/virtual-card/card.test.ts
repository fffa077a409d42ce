import { beforeAll, describe, expect, test } from "vitest";
import { fromHex, toHex } from "../../../lib/bytes.ts";
import { VirtualCard, type VirtualCardOptions } from "../../../lib/virtual-card/card.ts";
import type { VirtualPki } from "../../../lib/virtual-card/pki.ts";
import { testPki } from "../../helpers/pki.ts";

const SELECT_JPKI = "00 A4 04 0C 0A D3 92 F0 00 26 01 00 00 00 01";
const SELECT_AUTH_CERTIFICATE = "00 A4 02 0C 02 00 0A";
const SELECT_AUTH_PIN = "00 A4 02 0C 02 00 18";
const SELECT_AUTH_KEY = "00 A4 02 0C 02 00 17";
const VERIFY = "00 20 00 80 04 31 32 33 34";
const QUERY = "00 20 00 80";
const SIGN = "80 2A 00 80 02 30 00 00";

let pki: VirtualPki;

beforeAll(async () => {
  pki = await testPki();
});

function powered(options: Partial<VirtualCardOptions>): VirtualCard {
  const card = new VirtualCard({ pki, ...options });
  card.powerOn();
  return card;
}

function sw(card: VirtualCard, command: string): string {
  return toHex(card.transmit(fromHex(command)).subarray(-2));
}

/** Sends commands that must all answer 9000. */
function done(card: VirtualCard, ...commands: readonly string[]): void {
  expect(commands.map((command) => sw(card, command))).toEqual(commands.map(() => "9000"));
}

describe("power", () => {
  test.each(["card", "phone"] as const)("profile %s: the first command after each power-up answers 6F00", (profile) => {
    const card = powered({ profile });
    expect(sw(card, SELECT_JPKI)).toBe("6f00");
    done(card, SELECT_JPKI);
    card.warmReset();
    done(card, SELECT_JPKI);
    card.powerOff();
    card.powerOn();
    expect(sw(card, SELECT_JPKI)).toBe("6f00");
  });

  test("a first command that is answered 6F00 does nothing", () => {
    const card = powered({});
    expect(sw(card, "00 20 00 98 04 39 39 39 39")).toBe("6f00");
    expect(card.triesLeft.auth).toBe(3);
    expect(card.pinAttempts).toBe(0);
  });

  test("a verified PIN survives a warm reset, a second power-up and SELECT, not the loss of power", () => {
    const card = powered({ profile: "old" });
    done(card, SELECT_JPKI, SELECT_AUTH_PIN, VERIFY);
    card.warmReset();
    expect(sw(card, QUERY)).toBe("6986");
    done(card, SELECT_JPKI, SELECT_AUTH_KEY, SIGN);
    card.powerOn();
    done(card, SELECT_JPKI, SELECT_AUTH_KEY, SIGN);
    expect(card.isVerified("auth")).toBe(true);
    card.powerOff();
    expect(card.isVerified("auth")).toBe(false);
    card.powerOn();
    done(card, SELECT_JPKI, SELECT_AUTH_KEY);
    expect(sw(card, SIGN)).toBe("6982");
  });

  test("no command without power", () => {
    const card = new VirtualCard({ pki });
    expect(() => card.transmit(fromHex(SELECT_JPKI))).toThrow("no power");
    card.powerOn();
    card.powerOff();
    expect(() => card.transmit(fromHex(SELECT_JPKI))).toThrow("no power");
    expect(card.log).toEqual([]);
  });
});

describe("log", () => {
  test("holds every command with its power cycle, and no PIN", () => {
    const card = powered({ profile: "old" });
    done(card, SELECT_JPKI, SELECT_AUTH_PIN);
    card.powerOff();
    card.powerOn();
    sw(card, SELECT_JPKI);
    sw(card, SELECT_AUTH_PIN);
    sw(card, "00 20 00 80 04 39 39 39 39");
    expect(card.log.map(({ sw, powerCycle }) => [sw, powerCycle])).toEqual([
      [0x9000, 1],
      [0x9000, 1],
      [0x9000, 2],
      [0x9000, 2],
      [0x63c2, 2],
    ]);
    expect(card.log[0]?.command).toBe(SELECT_JPKI);
    expect(card.log[4]?.command).toBe("00 20 00 80 Lc=04 [hidden]");
  });
});

describe("PINs from outside", () => {
  test("another program changes the PIN, the office the counter", () => {
    const card = powered({ profile: "old", authPin: "0000", signPassword: "ABCDEF" });
    done(card, SELECT_JPKI, SELECT_AUTH_PIN, "00 20 00 80 04 30 30 30 30");
    card.setPin("auth", "1234");
    expect(sw(card, "00 20 00 80 04 30 30 30 30")).toBe("63c2");
    done(card, VERIFY);
    card.setTries("auth", 0);
    expect(sw(card, VERIFY)).toBe("6984");
    card.setTries("auth", 3);
    done(card, VERIFY, "00 A4 02 0C 02 00 1B", "00 20 00 80 06 41 42 43 44 45 46");
  });
});

describe("profile old", () => {
  test.each([
    ["short EF id of READ BINARY", "00 B0 8A 00 00", "6a86"],
    ["short EF id of VERIFY", "00 20 00 98", "6a86"],
    ["short EF id of COMPUTE DIGITAL SIGNATURE", "80 2A 00 97 02 30 00 00", "6a86"],
    ["scheme 02", `80 2A 02 80 20 ${"00".repeat(32)} 00`, "6a86"],
    ["extended Le", "00 B0 00 00 00 10 00", "6700"],
    ["extended Lc", "00 A4 02 0C 00 00 02 00 0A", "6700"],
  ])("%s", (_, command, expected) => {
    const card = powered({ profile: "old" });
    done(card, SELECT_JPKI, SELECT_AUTH_CERTIFICATE);
    expect(sw(card, command)).toBe(expected);
  });

  test("an empty VERIFY answers 9000 once the PIN is verified", () => {
    const card = powered({ profile: "old" });
    done(card, SELECT_JPKI, SELECT_AUTH_PIN);
    expect(sw(card, QUERY)).toBe("63c3");
    done(card, VERIFY, QUERY);
    card.powerOff();
    card.powerOn();
    done(card, SELECT_JPKI, SELECT_AUTH_PIN);
    expect(sw(card, QUERY)).toBe("63c3");
  });
});

describe("profile phone", () => {
  test("names itself, and shows its certificate only after the PIN", () => {
    const card = powered({ profile: "phone", changes: { firstCommandFails: false } });
    done(card, SELECT_JPKI);
    const token = card.transmit(fromHex("00 B0 86 00 20"));
    expect(Buffer.from(token.subarray(0, 32)).toString().trimEnd()).toBe("JPKIAPGPSETOKEN");
    expect(sw(card, "00 B0 8A 00 00")).toBe("6982");
    done(card, "00 20 00 98 04 31 32 33 34", "00 B0 8A 00 00");
    expect(sw(card, `80 2A 02 97 20 ${"00".repeat(32)} 00`)).toBe("6a86");
  });
});

describe("profile t0", () => {
  function selected(): VirtualCard {
    const card = powered({ profile: "t0" });
    done(card, SELECT_JPKI);
    return card;
  }

  test("announces a signature by 61xx and gives it to GET RESPONSE", () => {
    const card = selected();
    done(card, "00 20 00 98 04 31 32 33 34");
    expect(toHex(card.transmit(fromHex("80 2A 00 97 02 30 00")))).toBe("6100");
    const first = card.transmit(fromHex("00 C0 00 00 F0"));
    expect(first).toHaveLength(0xf0 + 2);
    expect(toHex(first.subarray(-2))).toBe("6110");
    expect(toHex(card.transmit(fromHex("00 C0 00 00 11")))).toBe("6c10");
    expect(card.transmit(fromHex("00 C0 00 00 10"))).toHaveLength(0x10 + 2);
    expect(sw(card, "00 C0 00 00 10")).toBe("6985");
  });

  test("an answer that is not fetched at once is lost", () => {
    const card = selected();
    done(card, "00 20 00 98 04 31 32 33 34");
    expect(sw(card, "80 2A 00 97 02 30 00")).toBe("6100");
    expect(sw(card, "00 20 00 98 00")).toBe("63c3");
    expect(sw(card, "00 C0 00 00 00")).toBe("6985");
  });

  test("corrects an Le that does not fit by 6Cxx", () => {
    const card = selected();
    expect(toHex(card.transmit(fromHex("00 B0 86 00 00")))).toBe("6ca0");
    expect(card.transmit(fromHex("00 B0 86 00 A0"))).toHaveLength(0xa0 + 2);
    expect(card.transmit(fromHex("00 B0 8A 00 00"))).toHaveLength(0x100 + 2);
    expect(toHex(card.transmit(fromHex("00 B0 07 FE 00")))).toBe("6c02");
  });

  test.each(["00 20 00 98", "00 20 00 98 00"])("%s is an empty VERIFY", (command) => {
    const card = selected();
    expect(sw(card, command)).toBe("63c3");
    expect(card.pinAttempts).toBe(0);
  });

  test.each([
    ["Le beside data", "80 2A 00 97 02 30 00 00", "6700"],
    ["extended Le", "00 B0 8A 00 00 08 00", "6700"],
    ["Le of VERIFY", "00 20 00 98 04", "6700"],
    ["GET RESPONSE of class 80", "80 C0 00 00 00", "6e00"],
    ["GET RESPONSE with P2", "00 C0 00 01 00", "6a86"],
    ["GET RESPONSE without Le", "00 C0 00 00", "6700"],
  ])("refuses %s", (_, command, expected) => {
    const card = selected();
    expect(sw(card, command)).toBe(expected);
  });
});
