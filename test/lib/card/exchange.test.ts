import { describe, expect, test } from "vitest";
import { toHex, utf8 } from "../../../lib/bytes.ts";
import { CardChannel, MAX_RESPONSE_BYTES, MAX_RESPONSE_ROUNDS } from "../../../lib/card/exchange.ts";
import { MalformedError, PcscError, TooLargeError } from "../../../lib/errors.ts";
import type { CommandApdu } from "../../../lib/iso7816/command.ts";
import { recordingLogger } from "../../helpers/recording-logger.ts";
import { ScriptedConnection, type Step } from "../../helpers/scripted-card.ts";

const SELECT: CommandApdu = { cla: 0, ins: 0xa4, p1: 2, p2: 0x0c, data: Uint8Array.of(0, 0x0a) };
const READ: CommandApdu = { cla: 0, ins: 0xb0, p1: 0, p2: 0, maxResponse: 256 };
const SIGN: CommandApdu = { cla: 0x80, ins: 0x2a, p1: 0, p2: 0x80, data: Uint8Array.of(1, 2), maxResponse: 256 };
const VERIFY: CommandApdu = { cla: 0, ins: 0x20, p1: 0, p2: 0x80, data: utf8("1234") };
const GET_REST = "00c0000000";

async function answerTo(command: CommandApdu, steps: readonly Step[], protocol: "T=0" | "T=1" = "T=1") {
  const connection = new ScriptedConnection(steps, protocol);
  const { data, sw } = await new CardChannel(connection).transmit(command);
  expect(connection.left).toBe(0);
  return `${toHex(data)} ${sw.toString(16)}`;
}

describe("61xx", () => {
  test("is fetched until the card says the last word", async () => {
    const steps: Step[] = [
      ["00b0000000", "0102 6103"],
      ["00c0000003", "030405 6100"],
      [GET_REST, "06 6282"],
    ];
    expect(await answerTo(READ, steps)).toBe("010203040506 6282");
  });

  test("over T=0 carries the answer of a command with data", async () => {
    const steps: Step[] = [
      ["802a0080020102", "6104"],
      ["00c0000004", "aabbccdd 9000"],
    ];
    expect(await answerTo(SIGN, steps, "T=0")).toBe("aabbccdd 9000");
  });

  test("with 6Cxx in between", async () => {
    const steps: Step[] = [
      ["802a0080020102", "6100"],
      [GET_REST, "6c02"],
      ["00c0000002", "aabb 9000"],
    ];
    expect(await answerTo(SIGN, steps, "T=0")).toBe("aabb 9000");
  });

  test("without end is MALFORMED", async () => {
    const rounds = Array.from({ length: MAX_RESPONSE_ROUNDS }, (): Step => [GET_REST, "00 6100"]);
    await expect(answerTo(READ, [["00b0000000", "6100"], ...rounds])).rejects.toThrow(MalformedError);
  });

  test("of more than 64 KiB is TOO_LARGE", async () => {
    const full = "ab".repeat(256);
    const rounds = Array.from({ length: MAX_RESPONSE_BYTES / 256 }, (): Step => [GET_REST, `${full} 6100`]);
    await expect(answerTo(READ, [["00b0000000", "00 6100"], ...rounds])).rejects.toThrow(TooLargeError);
  });
});

describe("6Cxx", () => {
  test("is repeated with the card's Le", async () => {
    const steps: Step[] = [
      ["00b0000000", "6c02"],
      ["00b0000002", "aabb 9000"],
    ];
    expect(await answerTo(READ, steps)).toBe("aabb 9000");
  });

  test("6C00 means 256", async () => {
    const steps: Step[] = [
      ["00b0000008", "6c00"],
      ["00b0000000", "aa 9000"],
    ];
    expect(await answerTo({ ...READ, maxResponse: 8 }, steps)).toBe("aa 9000");
  });

  test("is repeated once only", async () => {
    const steps: Step[] = [
      ["00b0000000", "6c02"],
      ["00b0000002", "6c03"],
    ];
    expect(await answerTo(READ, steps)).toBe(" 6c03");
  });

  test("to an extended Le is the caller's affair: SW2 cannot name it", async () => {
    expect(await answerTo({ ...READ, maxResponse: 2048 }, [["00b00000000800", "6cff"]])).toBe(" 6cff");
  });

  test("to a VERIFY is not: no PIN is sent twice", async () => {
    expect(await answerTo(VERIFY, [["002000800431323334", "6c04"]])).toBe(" 6c04");
  });
});

describe("6F00 of a fresh card", () => {
  const select = "00a4020c02000a";

  test("is repeated", async () => {
    const steps: Step[] = [
      [select, "6f00"],
      [select, "9000"],
    ];
    expect(await answerTo(SELECT, steps)).toBe(" 9000");
  });

  test("is repeated once only", async () => {
    const steps: Step[] = [
      [select, "6f00"],
      [select, "6f00"],
    ];
    expect(await answerTo(SELECT, steps)).toBe(" 6f00");
  });

  test("is not repeated for a VERIFY", async () => {
    expect(await answerTo(VERIFY, [["002000800431323334", "6f00"]])).toBe(" 6f00");
  });

  test("is an answer like any other later on", async () => {
    const connection = new ScriptedConnection([
      [select, "9000"],
      [select, "6f00"],
    ]);
    const channel = new CardChannel(connection);
    await channel.transmit(SELECT);
    expect((await channel.transmit(SELECT)).sw).toBe(0x6f00);
  });
});

test("T=0 has P3 in a command without data", async () => {
  expect(await answerTo({ cla: 0, ins: 0x20, p1: 0, p2: 0x80 }, [["0020008000", "63c3"]], "T=0")).toBe(" 63c3");
});

test.each(["", "90"])("an answer of '%s' is MALFORMED", async (answer) => {
  await expect(answerTo(READ, [["00b0000000", answer]])).rejects.toThrow(MalformedError);
});

test("an aborted signal lets the command under way finish and begins no other", async () => {
  const abort = new AbortController();
  const reason = new Error("hung up");
  const connection = new ScriptedConnection([
    [
      "00b0000000",
      () => {
        abort.abort(reason);
        return "61ff";
      },
    ],
  ]);
  const channel = new CardChannel(connection);
  channel.signal = abort.signal;
  await expect(channel.transmit(READ)).rejects.toBe(reason);
  expect(connection.sent).toHaveLength(1);
});

describe("a PIN", () => {
  test("is not in the trace", async () => {
    const log = recordingLogger();
    const connection = new ScriptedConnection([
      ["002000800431323334", "63c2"],
      ["00b0000000", "aabb9000"],
    ]);
    const channel = new CardChannel(connection, log);
    await channel.transmit(VERIFY);
    await channel.transmit(READ);
    expect(log.lines.map(({ level, fields }) => ({ level, ...fields }))).toEqual([
      { level: "trace", command: "00 20 00 80 Lc=04 [hidden]", sw: "63C2", responseBytes: 0 },
      { level: "trace", command: "00 B0 00 00 00", sw: "9000", responseBytes: 2 },
    ]);
  });

  test.each([["63c2"], [new PcscError("CARD_RESET", "pulled")]])(
    "is wiped from the command after %s",
    async (answer) => {
      const connection = new ScriptedConnection([["002000800431323334", answer]]);
      await new CardChannel(connection).transmit(VERIFY).catch(() => "the wiping is what counts here");
      expect(connection.sent.map((bytes) => toHex(bytes))).toEqual(["00".repeat(9)]);
    },
  );
});
