import { describe, expect, test } from "vitest";
import { fromHex, toHex, utf8 } from "../../../lib/bytes.ts";
import type { Known } from "../../../lib/card/features.ts";
import { CardStatusError, type ErrorCode, KeyError, PinError } from "../../../lib/errors.ts";
import { Pin } from "../../../lib/pin/pin.ts";
import type { Step } from "../../helpers/scripted-card.ts";
import { fakeDer, type Learnt, openJpki, SELECT, SELECTED, SELECTED_COLD } from "../../helpers/scripted-jpki.ts";

const QUERY = "00200098";
const VERIFY = "002000980431323334";
const SELECT_PIN = "00a4020c020018";
const SIGN = "802a00970401020304 00";
const DIGEST_INFO = fromHex("01020304");
const SIGNATURE = "5a".repeat(256);

const pin = () => new Pin(utf8("1234"));

const code = (wanted: ErrorCode) => expect.objectContaining({ code: wanted });

describe("select", () => {
  test.each(["6a82", "6a86", "6985", "6d00", "6e00", "6700", "6881"])("%s is another card", async (sw) => {
    await expect(openJpki([[SELECT, sw]])).rejects.toEqual(code("NOT_JPKI"));
  });

  test.each(["6282", "6400", "6581", "63c3"])("%s is a card that fails", async (sw) => {
    await expect(openJpki([[SELECT, sw]])).rejects.toEqual(code("CARD_STATUS"));
  });

  test("6F00 that stays is a card that fails", async () => {
    const refusal: Step = [SELECT, "6f00"];
    await expect(openJpki([refusal, refusal])).rejects.toEqual(code("CARD_STATUS"));
  });
});

describe("the fewest commands", () => {
  test("certificate, cold: 3", async () => {
    const file = fakeDer(1310);
    const { jpki, features, done } = await openJpki([
      ...SELECTED_COLD,
      ["00b08a00000800", `${file}${"ff".repeat(738)}9000`],
    ]);
    expect(await jpki.readCertificate("auth")).toEqual({ kind: "certificate", der: fromHex(file) });
    expect(features).toEqual({ shortEf: { read: "yes", pin: "unknown", sign: "unknown" }, extendedLength: "yes" });
    done();
  });

  test("login, cold: 5; the next signature: 1", async () => {
    const { jpki, done } = await openJpki([
      ...SELECTED_COLD,
      [QUERY, "63c3"],
      [VERIFY, "9000"],
      [SIGN, `${SIGNATURE}9000`],
      [SIGN, `${SIGNATURE}9000`],
    ]);
    expect(await jpki.pin("auth").triesLeft()).toEqual({ kind: "left", triesLeft: 3 });
    expect(await jpki.pin("auth").verify(pin())).toEqual({ kind: "verified" });
    expect(toHex(await jpki.sign("auth", DIGEST_INFO))).toBe(SIGNATURE);
    expect(toHex(await jpki.sign("auth", DIGEST_INFO))).toBe(SIGNATURE);
    done();
  });

  test("login on a card without short EF ids; the next signature: 1", async () => {
    const { jpki, features, done } = await openJpki([
      SELECTED,
      [QUERY, "6a86"],
      [SELECT_PIN, "9000"],
      ["00200080", "63c3"],
      ["002000800431323334", "9000"],
      ["00a4020c020017", "9000"],
      ["802a00800401020304 00", `${SIGNATURE}9000`],
      ["802a00800401020304 00", `${SIGNATURE}9000`],
    ]);
    await jpki.pin("auth").triesLeft();
    await jpki.pin("auth").verify(pin());
    await jpki.sign("auth", DIGEST_INFO);
    await jpki.sign("auth", DIGEST_INFO);
    expect(features.shortEf).toEqual({ read: "unknown", pin: "no", sign: "unknown" });
    done();
  });

  test("login over T=0", async () => {
    const { jpki, done } = await openJpki(
      [
        [SELECT, "9000"],
        [`${QUERY}00`, "63c3"],
        [VERIFY, "9000"],
        ["802a00970401020304", "6100"],
        ["00c0000000", `${SIGNATURE}9000`],
      ],
      {},
      "T=0",
    );
    await jpki.pin("auth").triesLeft();
    await jpki.pin("auth").verify(pin());
    await jpki.sign("auth", DIGEST_INFO);
    done();
  });
});

describe("tries left", () => {
  test.each([
    ["63c1", { kind: "left", triesLeft: 1 }],
    ["63c0", { kind: "blocked" }],
    ["9000", { kind: "verified" }],
  ])("%s", async (sw, outcome) => {
    const { jpki, features } = await openJpki([SELECTED, [QUERY, sw]]);
    expect(await jpki.pin("auth").triesLeft()).toEqual(outcome);
    expect(features.shortEf.pin).toBe("yes");
  });

  test.each(["6983", "6984"])("%s to a short EF id not known to work is asked again by SELECT", async (sw) => {
    const { jpki, features } = await openJpki([SELECTED, [QUERY, sw], [SELECT_PIN, "9000"], ["00200080", "63c3"]]);
    expect(await jpki.pin("auth").triesLeft()).toEqual({ kind: "left", triesLeft: 3 });
    expect(features.shortEf.pin).toBe("no");
  });

  test.each(["6983", "6984"])("%s again is blocked", async (sw) => {
    const { jpki, features } = await openJpki([SELECTED, [QUERY, sw], [SELECT_PIN, "9000"], ["00200080", sw]]);
    expect(await jpki.pin("auth").triesLeft()).toEqual({ kind: "blocked" });
    expect(features.shortEf.pin).toBe("unknown");
  });

  test.each(["6983", "6984"])("%s to a short EF id known to work is blocked", async (sw) => {
    const { jpki } = await openJpki([SELECTED, [QUERY, sw]], { pin: "yes" });
    expect(await jpki.pin("auth").triesLeft()).toEqual({ kind: "blocked" });
  });

  test.each(["6a86", "6a82", "6a81", "6a88", "6700", "6d00", "6986", "6981", "6b00", "6f00"])(
    "%s means no short EF ids",
    async (sw) => {
      const { jpki, features } = await openJpki([SELECTED, [QUERY, sw], [SELECT_PIN, "9000"], ["00200080", "63c2"]]);
      expect(await jpki.pin("auth").triesLeft()).toEqual({ kind: "left", triesLeft: 2 });
      expect(features.shortEf.pin).toBe("no");
    },
  );

  test("a card that does not say is CARD_STATUS", async () => {
    const { jpki } = await openJpki([SELECTED, [QUERY, "6985"], [SELECT_PIN, "9000"], ["00200080", "6985"]]);
    await expect(jpki.pin("auth").triesLeft()).rejects.toEqual(code("CARD_STATUS"));
  });

  test("a PIN that cannot be selected is CARD_STATUS", async () => {
    const { jpki } = await openJpki([SELECTED, [QUERY, "6a82"], [SELECT_PIN, "6a82"]]);
    await expect(jpki.pin("auth").triesLeft()).rejects.toMatchObject({ code: "CARD_STATUS", statusWord: 0x6a82 });
  });

  test("no short EF id is tried out on a PIN while an EF is current: a card that ignores it would hit that one", async () => {
    const { jpki, done } = await openJpki([
      SELECTED,
      ["00a4020c02001b", "9000"],
      ["0020008006313233343536", "63c4"],
      [SELECT_PIN, "9000"],
      ["00200080", "63c3"],
    ]);
    expect(await jpki.pin("sign").verify(new Pin(utf8("123456")))).toEqual({ kind: "wrong", triesLeft: 4 });
    expect(await jpki.pin("auth").triesLeft()).toEqual({ kind: "left", triesLeft: 3 });
    done();
  });
});

describe("verify", () => {
  test.each<[Known, readonly Step[]]>([
    [
      "unknown",
      [
        [SELECT_PIN, "9000"],
        ["002000800431323334", "9000"],
      ],
    ],
    [
      "no",
      [
        [SELECT_PIN, "9000"],
        ["002000800431323334", "9000"],
      ],
    ],
    ["yes", [[VERIFY, "9000"]]],
  ])("with short EF ids for PINs %s", async (known, steps) => {
    const { jpki, done } = await openJpki([SELECTED, ...steps], { pin: known, read: "yes", sign: "yes" });
    await jpki.pin("auth").verify(pin());
    done();
  });

  test.each(["6a86", "6f00", "6700", "6982", "6985", "6c04", "6e00"])(
    "%s is CARD_STATUS, and the PIN is not sent again",
    async (sw) => {
      const { jpki, connection, done } = await openJpki([SELECTED, [VERIFY, sw]], { pin: "yes" });
      await expect(jpki.pin("auth").verify(pin())).rejects.toEqual(code("CARD_STATUS"));
      expect(connection.sent).toHaveLength(2);
      expect(jpki.pin("auth").isVerified).toBe(false);
      done();
    },
  );

  test("does not reach a card that cannot select the PIN", async () => {
    const { jpki, connection } = await openJpki([SELECTED, [SELECT_PIN, "6a82"]]);
    await expect(jpki.pin("auth").verify(pin())).rejects.toBeInstanceOf(CardStatusError);
    expect(connection.sent).toHaveLength(2);
  });

  test.each([
    ["empty", new Pin(new Uint8Array(0))],
    ["wiped", wipedPin()],
  ])("an %s PIN never reaches the card", async (_name, value) => {
    const { jpki, connection } = await openJpki([SELECTED], { pin: "yes" });
    await expect(jpki.pin("auth").verify(value)).rejects.toBeInstanceOf(PinError);
    expect(connection.sent).toHaveLength(1);
  });

  test.each([
    ["63c2", { kind: "wrong", triesLeft: 2 }],
    ["63c0", { kind: "blocked" }],
    ["6983", { kind: "blocked" }],
    ["6984", { kind: "blocked" }],
  ])("isVerified ends with %s", async (sw, outcome) => {
    const steps: Step[] = [SELECTED, [VERIFY, "9000"], ["0020009b06313233343536", "9000"], [VERIFY, sw]];
    const { jpki } = await openJpki(steps, { pin: "yes" });
    expect(jpki.pin("auth").isVerified).toBe(false);
    await jpki.pin("auth").verify(pin());
    expect(jpki.pin("auth").isVerified).toBe(true);
    expect(jpki.pin("sign").isVerified).toBe(false);
    await jpki.pin("sign").verify(new Pin(utf8("123456")));
    expect(jpki.pin("sign").isVerified).toBe(true);
    expect(await jpki.pin("auth").verify(pin())).toEqual(outcome);
    expect(jpki.pin("auth").isVerified).toBe(false);
    expect(jpki.pin("sign").isVerified).toBe(true);
  });

  test("the card's word that a PIN is verified is not ours", async () => {
    const { jpki } = await openJpki([SELECTED, [QUERY, "9000"]]);
    expect(await jpki.pin("auth").triesLeft()).toEqual({ kind: "verified" });
    expect(jpki.pin("auth").isVerified).toBe(false);
  });
});

test("a file that was SELECTed is selected again after a command that named another one itself", async () => {
  const plainSign: Step = ["802a00800401020304 00", `${SIGNATURE}9000`];
  const { jpki, done } = await openJpki(
    [
      SELECTED,
      ["00a4020c020017", "9000"],
      plainSign,
      [QUERY, "63c3"],
      ["00a4020c020017", "9000"],
      plainSign,
      [VERIFY, "9000"],
      ["00a4020c020017", "9000"],
      plainSign,
    ],
    { pin: "yes", sign: "no" },
  );
  await jpki.sign("auth", DIGEST_INFO);
  await jpki.pin("auth").triesLeft();
  await jpki.sign("auth", DIGEST_INFO);
  await jpki.pin("auth").verify(pin());
  await jpki.sign("auth", DIGEST_INFO);
  done();
});

describe("sign", () => {
  test.each(["6a86", "6a82", "6d00", "6986", "6985", "6981", "6700"])("%s means no short EF ids", async (sw) => {
    const { jpki, features, done } = await openJpki([
      SELECTED,
      [SIGN, sw],
      ["00a4020c020017", "9000"],
      ["802a00800401020304 00", `${SIGNATURE}9000`],
    ]);
    expect(toHex(await jpki.sign("auth", DIGEST_INFO))).toBe(SIGNATURE);
    expect(features.shortEf.sign).toBe("no");
    done();
  });

  test("the signature key", async () => {
    const { jpki } = await openJpki([SELECTED, ["802a009a0401020304 00", `${SIGNATURE}9000`]]);
    expect(await jpki.sign("sign", DIGEST_INFO)).toHaveLength(256);
  });

  test("without the PIN", async () => {
    const { jpki } = await openJpki([SELECTED, [SIGN, "6982"]]);
    await expect(jpki.sign("auth", DIGEST_INFO)).rejects.toMatchObject({ code: "CARD_STATUS", statusWord: 0x6982 });
  });

  test.each([0, 246])("%i bytes never reach the card", async (length) => {
    const { jpki, connection } = await openJpki([SELECTED]);
    await expect(jpki.sign("auth", new Uint8Array(length))).rejects.toBeInstanceOf(KeyError);
    expect(connection.sent).toHaveLength(1);
  });

  test.each([1, 245])("%i bytes do", async (length) => {
    const command = `802a0097${length.toString(16).padStart(2, "0")}${"00".repeat(length)}00`;
    const { jpki } = await openJpki([SELECTED, [command, `${SIGNATURE}9000`]]);
    expect(await jpki.sign("auth", new Uint8Array(length))).toHaveLength(256);
  });

  test.each([0, 255, 257])("a signature of %i bytes is MALFORMED", async (length) => {
    const { jpki } = await openJpki([SELECTED, [SIGN, `${"5a".repeat(length)}9000`]]);
    await expect(jpki.sign("auth", DIGEST_INFO)).rejects.toEqual(code("MALFORMED"));
  });
});

function wipedPin(): Pin {
  const value = pin();
  value.wipe();
  return value;
}

describe("RSASSA-PSS", () => {
  const HASH = new Uint8Array(32).fill(7);
  const ask = (p2: string) => `802a04${p2}20${"00".repeat(32)}00`;
  const signPss = (p2: string) => `802a04${p2}20${"07".repeat(32)}00`;
  const SELECT_KEY: Step = ["00a4020c020017", "9000"];

  test.each<[string, readonly Step[], Learnt, boolean | undefined]>([
    ["one command on a card that knows it", [[ask("97"), "6982"]], {}, true],
    ["a card left verified by another program", [[ask("97"), `${SIGNATURE}9000`]], { sign: "yes" }, true],
    ["a card that knows it, but no short ids", [[ask("97"), "6a86"], SELECT_KEY, [ask("80"), "6982"]], {}, true],
    ["the same, where that is known", [SELECT_KEY, [ask("80"), "6982"]], { sign: "no" }, true],
    ["a card that does not", [[ask("97"), "6a86"], SELECT_KEY, [ask("80"), "6a86"]], {}, false],
    ["the same, where short ids are known", [[ask("97"), "6d00"]], { sign: "yes" }, false],
    ["a card whose PIN is blocked", [SELECT_KEY, [ask("80"), "6984"]], { sign: "no" }, undefined],
    ["a card that fails", [SELECT_KEY, [ask("80"), "6400"]], { sign: "no" }, undefined],
  ])("asked without a PIN: %s", async (_, steps, learnt, expected) => {
    const { jpki, features, done } = await openJpki([SELECTED, ...steps], learnt);
    expect(await jpki.knowsPss()).toBe(expected);
    expect(features.shortEf.sign, "a refused scheme says nothing of short ids").toBe(learnt.sign ?? "unknown");
    done();
  });

  test("not asked once the PIN is verified: it would sign", async () => {
    const { jpki, done } = await openJpki([SELECTED, [QUERY, "63c3"], [VERIFY, "9000"]]);
    await jpki.pin("auth").triesLeft();
    await jpki.pin("auth").verify(pin());
    expect(await jpki.knowsPss()).toBeUndefined();
    done();
  });

  test("signs a SHA-256", async () => {
    const { jpki, done } = await openJpki([SELECTED, [signPss("97"), `${SIGNATURE}9000`]]);
    expect(toHex(await jpki.signPss("auth", HASH))).toBe(SIGNATURE);
    done();
  });

  test.each(["6a86", "6a80", "6700", "6d00"])("%s: the card does not make them", async (sw) => {
    const { jpki, done } = await openJpki([SELECTED, [signPss("97"), sw]], { sign: "yes" });
    await expect(jpki.signPss("auth", HASH)).rejects.toEqual(code("ALGORITHM_UNSUPPORTED"));
    done();
  });

  test.each(["6982", "6985", "6581"])("%s says nothing of the scheme", async (sw) => {
    const { jpki } = await openJpki([SELECTED, [signPss("97"), sw]], { sign: "yes" });
    await expect(jpki.signPss("auth", HASH)).rejects.toEqual(code("CARD_STATUS"));
  });

  test.each([0, 20, 31, 33, 64])("%i bytes are no SHA-256, and never sent", async (length) => {
    const { jpki, done } = await openJpki([SELECTED]);
    await expect(jpki.signPss("auth", new Uint8Array(length))).rejects.toEqual(code("ALGORITHM_UNSUPPORTED"));
    done();
  });
});
