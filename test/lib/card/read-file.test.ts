import { describe, expect, test } from "vitest";
import { fromHex, utf8 } from "../../../lib/bytes.ts";
import { type ErrorCode, MalformedError } from "../../../lib/errors.ts";
import { Pin } from "../../../lib/pin/pin.ts";
import type { Step } from "../../helpers/scripted-card.ts";
import { fakeDer, type Learnt, openJpki, SELECTED } from "../../helpers/scripted-jpki.ts";

const READ_CERT = "00b08a00000800";
const SELECT_CERT = "00a4020c02000a";
const SELECT_PIN = "00a4020c020018";

/** The part of a hex text from byte `start` to byte `end`. */
const cut = (hex: string, start: number, end: number) => hex.slice(2 * start, 2 * end);

const code = (wanted: ErrorCode) => expect.objectContaining({ code: wanted });

describe("readCertificate", () => {
  const known: Learnt = { read: "yes", extended: "yes" };

  async function certificateFrom(steps: readonly Step[], learnt: Learnt = {}, protocol: "T=0" | "T=1" = "T=1") {
    const opened = await openJpki([SELECTED, ...steps], learnt, protocol);
    const outcome = await opened.jpki.readCertificate("auth");
    opened.done();
    return { ...opened, outcome };
  }

  const wholeOf = (hex: string) => ({ kind: "certificate", der: fromHex(hex) });

  test("longer than one extended block", async () => {
    const file = fakeDer(2500);
    const { outcome } = await certificateFrom(
      [
        [READ_CERT, `${cut(file, 0, 2048)}9000`],
        ["00b008000001c4", `${cut(file, 2048, 2500)}9000`],
      ],
      known,
    );
    expect(outcome).toEqual(wholeOf(file));
  });

  test.each([255, 256, 257, 512, 513])("%i bytes in blocks of 256", async (size) => {
    const file = fakeDer(size);
    const steps: Step[] = [["00b08a0000", `${cut(file, 0, 256)}9000`]];
    for (let offset = 256; offset < size; offset += 256) {
      const le = Math.min(256, size - offset) & 0xff;
      const command = `00b0${offset.toString(16).padStart(4, "0")}${le.toString(16).padStart(2, "0")}`;
      steps.push([command, `${cut(file, offset, Math.min(size, offset + 256))}9000`]);
    }
    const { outcome } = await certificateFrom(steps, { read: "yes" }, "T=0");
    expect(outcome).toEqual(wholeOf(file));
  });

  test("from a file shorter than asked for", async () => {
    for (const sw of ["9000", "6282"])
      expect((await certificateFrom([[READ_CERT, `${fakeDer(900)}${sw}`]], known)).outcome).toEqual(
        wholeOf(fakeDer(900)),
      );
  });

  test("from a card that gives less than asked for", async () => {
    const file = fakeDer(600);
    const { outcome } = await certificateFrom(
      [
        [READ_CERT, `${cut(file, 0, 250)}9000`],
        ["00b000fa00015e", `${cut(file, 250, 500)}9000`],
        ["00b001f464", `${cut(file, 500, 600)}9000`],
      ],
      known,
    );
    expect(outcome).toEqual(wholeOf(file));
  });

  test.each(["6a86", "6a82", "6a81", "6b00", "6986"])("%s means no short EF ids", async (sw) => {
    const { outcome, features } = await certificateFrom([
      [READ_CERT, sw],
      [SELECT_CERT, "9000"],
      ["00b00000000800", `${fakeDer(900)}9000`],
    ]);
    expect(outcome).toEqual(wholeOf(fakeDer(900)));
    expect(features).toEqual({ shortEf: { read: "no", pin: "unknown", sign: "unknown" }, extendedLength: "yes" });
  });

  test.each(["6700", "6d00", "6e00", "6f00", "6c00", "6cff"])("%s means no extended Le", async (sw) => {
    const file = fakeDer(300);
    const { outcome, features } = await certificateFrom([
      [READ_CERT, sw],
      ["00b08a0000", `${cut(file, 0, 256)}9000`],
      ["00b001002c", `${cut(file, 256, 300)}9000`],
    ]);
    expect(outcome).toEqual(wholeOf(file));
    expect(features).toMatchObject({ shortEf: { read: "yes" }, extendedLength: "no" });
  });

  test("neither short EF ids nor extended Le", async () => {
    const file = fakeDer(300);
    const { outcome, features } = await certificateFrom([
      [READ_CERT, "6700"],
      ["00b08a0000", "6a86"],
      [SELECT_CERT, "9000"],
      ["00b0000000", `${cut(file, 0, 256)}9000`],
      ["00b001002c", `${cut(file, 256, 300)}9000`],
    ]);
    expect(outcome).toEqual(wholeOf(file));
    expect(features).toMatchObject({ shortEf: { read: "no" }, extendedLength: "no" });
  });

  test("one use of short EF ids refused speaks for the others", async () => {
    const steps: Step[] = [
      [SELECT_CERT, "9000"],
      ["00b00000000800", `${fakeDer(900)}9000`],
    ];
    expect((await certificateFrom(steps, { pin: "no" })).outcome).toEqual(wholeOf(fakeDer(900)));
  });

  test("a reader that fails on extended Le is not asked for it again", async () => {
    const opened = await openJpki([SELECTED, [READ_CERT, new MalformedError("cut short")]]);
    await expect(opened.jpki.readCertificate("auth")).rejects.toEqual(code("MALFORMED"));
    expect(opened.features.extendedLength).toBe("no");
  });

  test("another file between two blocks is not read from", async () => {
    const file = fakeDer(300);
    const { jpki, done } = await openJpki(
      [
        SELECTED,
        [SELECT_PIN, "9000"],
        ["002000800431323334", "9000"],
        ["00b08a0000", `${cut(file, 0, 256)}9000`],
        [SELECT_CERT, "9000"],
        ["00b001002c", `${cut(file, 256, 300)}9000`],
      ],
      { read: "yes", extended: "no" },
    );
    await jpki.pin("auth").verify(new Pin(utf8("1234")));
    expect(await jpki.readCertificate("auth")).toEqual(wholeOf(file));
    done();
  });

  test("6986 between two blocks is answered with a SELECT", async () => {
    const file = fakeDer(300);
    const { outcome } = await certificateFrom(
      [
        ["00b08a0000", `${cut(file, 0, 256)}9000`],
        ["00b001002c", "6986"],
        [SELECT_CERT, "9000"],
        ["00b001002c", `${cut(file, 256, 300)}9000`],
      ],
      { read: "yes", extended: "no" },
    );
    expect(outcome).toEqual(wholeOf(file));
  });

  test("needs a PIN", async () => {
    for (const learnt of [{}, known])
      expect((await certificateFrom([[READ_CERT, "6982"]], learnt)).outcome).toEqual({ kind: "needs-pin" });
    const behindSelect: Step[] = [
      [SELECT_CERT, "9000"],
      ["00b00000000800", "6982"],
    ];
    expect((await certificateFrom(behindSelect, { read: "no" })).outcome).toEqual({ kind: "needs-pin" });
  });

  test("is absent", async () => {
    expect((await certificateFrom([[READ_CERT, "6a82"]], known)).outcome).toEqual({ kind: "absent" });
    const unknown = await certificateFrom([
      [READ_CERT, "6a82"],
      [SELECT_CERT, "6a82"],
    ]);
    expect(unknown.outcome).toEqual({ kind: "absent" });
    expect(unknown.features.shortEf.read).toBe("unknown");
    expect((await certificateFrom([[READ_CERT, `${"ff".repeat(2048)}9000`]], known)).outcome).toEqual({
      kind: "absent",
    });
  });

  test.each<[string, ErrorCode, readonly Step[]]>([
    ["no data", "MALFORMED", [[READ_CERT, "9000"]]],
    ["no certificate", "MALFORMED", [[READ_CERT, "0401aa9000"]]],
    ["a header cut short", "MALFORMED", [[READ_CERT, "3082059000"]]],
    ["more than asked for", "MALFORMED", [[READ_CERT, `${fakeDer(2049)}9000`]]],
    [
      "a file that ends too early",
      "MALFORMED",
      [
        [READ_CERT, `${cut(fakeDer(900), 0, 500)}9000`],
        ["00b001f4000190", "6b00"],
      ],
    ],
    [
      "a file that ends without data",
      "MALFORMED",
      [
        [READ_CERT, `${cut(fakeDer(900), 0, 800)}9000`],
        ["00b0032064", "9000"],
      ],
    ],
    [
      "a PIN wanted half-way",
      "CARD_STATUS",
      [
        [READ_CERT, `${cut(fakeDer(900), 0, 800)}9000`],
        ["00b0032064", "6982"],
      ],
    ],
    ["a size over 32 KiB", "TOO_LARGE", [[READ_CERT, "3082fffc9000"]]],
    ["64xx", "CARD_STATUS", [[READ_CERT, "6400"]]],
  ])("%s is %s", async (_name, wanted, steps) => {
    const { jpki, done } = await openJpki([SELECTED, ...steps], known);
    await expect(jpki.readCertificate("auth")).rejects.toEqual(code(wanted));
    done();
  });

  test("a card that gives single bytes is MALFORMED in the end", async () => {
    const steps = Array.from({ length: 300 }, (_, i): Step => {
      const wanted = 900 - 4 - i;
      const le =
        wanted > 256 ? `00${wanted.toString(16).padStart(4, "0")}` : (wanted & 0xff).toString(16).padStart(2, "0");
      return [`00b0${(4 + i).toString(16).padStart(4, "0")}${le}`, "aa9000"];
    });
    const { jpki, connection } = await openJpki(
      [SELECTED, [READ_CERT, `${cut(fakeDer(900), 0, 4)}9000`], ...steps],
      known,
    );
    await expect(jpki.readCertificate("auth")).rejects.toEqual(code("MALFORMED"));
    expect(connection.sent.length).toBeLessThanOrEqual(257);
  });

  test.each([
    ["auth-ca", "00b08b00000800"],
    ["sign", "00b08100000800"],
    ["sign-ca", "00b08200000800"],
  ] as const)("%s", async (name, command) => {
    const { jpki } = await openJpki([SELECTED, [command, `${fakeDer(900)}9000`]]);
    expect(await jpki.readCertificate(name)).toEqual(wholeOf(fakeDer(900)));
  });
});
