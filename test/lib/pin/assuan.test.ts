import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { concatBytes, utf8 } from "../../../lib/bytes.ts";
import {
  AssuanDecoder,
  type AssuanReply,
  decodeReply,
  encodeCommand,
  errorNumber,
  fitsInLine,
  MAX_LINE_BYTES,
} from "../../../lib/pin/assuan.ts";
import { everySplit } from "../../helpers/every-split.ts";

const reply = (line: string) => decodeReply(utf8(line));

/** Everything that `chunks` bring. */
function decodeAll(chunks: readonly Uint8Array[]): AssuanReply[] {
  const decoder = new AssuanDecoder();
  const replies: AssuanReply[] = [];
  for (const chunk of chunks) decoder.push(chunk, (each) => replies.push(each));
  return replies;
}

describe("decodeReply", () => {
  test.each<readonly [string, AssuanReply]>([
    ["OK", { kind: "ok" }],
    ["OK Pleased to meet you", { kind: "ok" }],
    ["ERR 83886179 Operation cancelled <Pinentry>", error(83886179, "Operation cancelled <Pinentry>")],
    ["ERR 99", error(99, "")],
    ["ERR 99 \u001b[2J", error(99, "\ufffd[2J")],
    ["D 1234", data("1234")],
    ["D", data("")],
    ["D ", data("")],
    ["D  1 ", data(" 1 ")],
    ["D %251%0A%0d", data("%1\n\r")],
    ["D １２３４", data("１２３４")],
    ["S PIN_REPEATED", { kind: "status", keyword: "PIN_REPEATED" }],
    ["S BUTTON_INFO close", { kind: "status", keyword: "BUTTON_INFO" }],
    ["INQUIRE QUALITY 1%32", { kind: "inquire", keyword: "QUALITY" }],
    ["# anything", { kind: "comment" }],
    ["#", { kind: "comment" }],
    ["", { kind: "comment" }],
  ])("%j", (line, expected) => {
    expect(reply(line)).toEqual(expected);
  });

  test.each([
    "ok",
    "OKAY",
    "D1234",
    "ERR",
    "ERR x",
    "ERR -1 x",
    "ERR 99999999999",
    "D %",
    "D %4",
    "D %g0",
    "1234",
    "END",
  ])("MALFORMED: %j", (line) => {
    expect(() => reply(line)).toThrowError(expect.objectContaining({ code: "MALFORMED" }));
  });

  test("what is no reply is not repeated in the error: it may be the PIN", () => {
    for (const line of ["7391", "PIN 7391", "73917391739173917391 7", "D 7391%", "ERR 7391739173917"]) {
      const thrown = catchError(() => reply(line));
      expect(JSON.stringify([String(thrown), thrown, thrown.stack])).not.toContain("7391");
    }
  });

  test("any bytes are a reply or MALFORMED, and any data comes back", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), fc.constantFrom("", "D ", "ERR ", "S "), (bytes, start) => {
        try {
          decodeReply(concatBytes(utf8(start), bytes));
        } catch (thrown) {
          expect(thrown).toMatchObject({ code: "MALFORMED" });
        }
      }),
    );
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        const escaped = Array.from(bytes, (byte) => `%${byte.toString(16).padStart(2, "0")}`).join("");
        expect(reply(`D ${escaped}`)).toEqual({ kind: "data", data: bytes });
      }),
    );
  });
});

describe("AssuanDecoder", () => {
  const stream = utf8("OK hello\r\n# c\nD 12%334\nERR 83886179 no\n");
  const expected = [{ kind: "ok" }, { kind: "comment" }, data("1234"), error(83886179, "no")];

  test("whole, byte by byte, and split at every place", () => {
    for (const chunks of everySplit(stream)) expect(decodeAll(chunks)).toEqual(expected);
  });

  test.each([
    ["LF", "\n"],
    ["CR LF", "\r\n"],
  ])("1000 bytes before %s are a line, 1001 are not", (_, end) => {
    const line = (length: number) => utf8(`D ${"x".repeat(length - 2)}${end}`);
    expect(decodeAll([line(MAX_LINE_BYTES)])).toHaveLength(1);
    expect(() => decodeAll([line(MAX_LINE_BYTES + 1)])).toThrowError(expect.objectContaining({ code: "TOO_LARGE" }));
  });

  test("a line without end is refused before it is complete", () => {
    const decoder = new AssuanDecoder();
    decoder.push(new Uint8Array(MAX_LINE_BYTES + 1), () => {});
    expect(() => decoder.push(Uint8Array.of(0x20), () => {})).toThrowError(
      expect.objectContaining({ code: "TOO_LARGE" }),
    );
  });

  test("data is a copy: what came later does not change it", () => {
    const decoder = new AssuanDecoder();
    const replies: AssuanReply[] = [];
    const chunk = utf8("D 1234\nD 5678\n");
    decoder.push(chunk, (each) => replies.push(each));
    chunk.fill(0);
    expect(replies).toEqual([data("1234"), data("5678")]);
  });
});

describe("encodeCommand", () => {
  test.each([
    ["GETPIN", undefined, "GETPIN\n"],
    ["SETDESC", "a\nb", "SETDESC a%0Ab\n"],
    ["SETDESC", "100%\r", "SETDESC 100%25%0D\n"],
    ["SETDESC", "暗証番号", "SETDESC 暗証番号\n"],
    ["SETERROR", "", "SETERROR \n"],
  ])("%s %j", (verb, argument, expected) => {
    expect(new TextDecoder().decode(encodeCommand(verb, argument))).toBe(expected);
  });

  test("1000 bytes fit, 1001 do not; fitsInLine tells", () => {
    const fits = "x".repeat(MAX_LINE_BYTES - "SETDESC ".length);
    expect(encodeCommand("SETDESC", fits)).toHaveLength(MAX_LINE_BYTES + 1);
    expect(fitsInLine("SETDESC", fits)).toBe(true);
    expect(fitsInLine("SETDESC", `${fits}x`)).toBe(false);
    expect(() => encodeCommand("SETDESC", `${fits}x`)).toThrowError(expect.objectContaining({ code: "TOO_LARGE" }));
  });

  test("any text is one line that tells the text", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme", maxLength: 100 }), (text) => {
        const line = new TextDecoder("utf-8", { ignoreBOM: true }).decode(encodeCommand("SETDESC", text));
        expect(line).toMatch(/^SETDESC [^\r\n]*\n$/);
        const { data } = { data: new Uint8Array(), ...reply(`D ${line.slice("SETDESC ".length, -1)}`) };
        expect(new TextDecoder("utf-8", { ignoreBOM: true }).decode(data)).toBe(text);
      }),
    );
  });
});

test("errorNumber leaves out the source", () => {
  expect([83886179, 83886194, 83886142, 99].map(errorNumber)).toEqual([99, 114, 62, 99]);
});

function data(text: string): AssuanReply {
  return { kind: "data", data: utf8(text) };
}

function error(code: number, text: string): AssuanReply {
  return { kind: "error", code, text };
}

function catchError(run: () => void): Error {
  try {
    run();
  } catch (thrown) {
    if (thrown instanceof Error) return thrown;
  }
  throw new Error("nothing was thrown");
}
