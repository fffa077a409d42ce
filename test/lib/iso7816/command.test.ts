import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { fromHex, toHex } from "../../../lib/bytes.ts";
import { MalformedError } from "../../../lib/errors.ts";
import {
  type CardProtocol,
  type CommandApdu,
  carriesPin,
  decodeCommand,
  describeCommand,
  encodeCommand,
} from "../../../lib/iso7816/command.ts";

const header = { cla: 0x00, ins: 0xb0, p1: 0x81, p2: 0x02 };
const filled = (length: number) => new Uint8Array(length).fill(0xab);

function bodyOf(command: Omit<CommandApdu, "cla" | "ins" | "p1" | "p2">, protocol: CardProtocol = "T=1"): string {
  const hex = toHex(encodeCommand({ ...header, ...command }, protocol));
  expect(hex.slice(0, 8)).toBe("00b08102");
  return hex.slice(8);
}

describe("the seven forms of ISO/IEC 7816-3, 12.1", () => {
  test.each([
    ["1", {}, ""],
    ["2S", { maxResponse: 1 }, "01"],
    ["2S at 255", { maxResponse: 255 }, "ff"],
    ["2S at 256", { maxResponse: 256 }, "00"],
    ["2E at 257", { maxResponse: 257 }, "000101"],
    ["2E at 65535", { maxResponse: 65535 }, "00ffff"],
    ["2E at 65536", { maxResponse: 65536 }, "000000"],
    ["3S", { data: filled(2) }, "02abab"],
    ["3S at 255", { data: filled(255) }, `ff${"ab".repeat(255)}`],
    ["3E at 256", { data: filled(256) }, `000100${"ab".repeat(256)}`],
    ["3E at 65535", { data: filled(65535) }, `00ffff${"ab".repeat(65535)}`],
    ["4S", { data: filled(1), maxResponse: 256 }, "01ab00"],
    ["4E, long answer", { data: filled(1), maxResponse: 257 }, "000001ab0101"],
    ["4E, long data", { data: filled(256), maxResponse: 256 }, `000100${"ab".repeat(256)}0100`],
    ["4E at 65536", { data: filled(1), maxResponse: 65536 }, "000001ab0000"],
  ])("case %s", (_name, command, body) => {
    expect(bodyOf(command)).toBe(body);
    const decoded = decodeCommand(fromHex(`00b08102${body}`));
    expect(decoded.command).toEqual({ ...header, ...command });
    expect(decoded.extended).toBe(body.startsWith("00") && body.length > 2);
  });

  test("empty data is no data", () => {
    expect(bodyOf({ data: new Uint8Array(0) })).toBe("");
  });

  test.each([0, 65537, 1.5, -1])("maxResponse %d is refused", (maxResponse) => {
    expect(() => bodyOf({ maxResponse })).toThrow(RangeError);
  });

  test("data over 65535 bytes is refused", () => {
    expect(() => bodyOf({ data: filled(65536) })).toThrow(RangeError);
  });
});

describe("T=0", () => {
  test.each([
    ["case 1 has P3 00", {}, "00"],
    ["case 2", { maxResponse: 256 }, "00"],
    ["case 3", { data: filled(2) }, "02abab"],
    ["case 4 has no Le", { data: filled(2), maxResponse: 256 }, "02abab"],
  ])("%s", (_name, command, body) => {
    expect(bodyOf(command, "T=0")).toBe(body);
  });

  test("extended lengths are refused", () => {
    expect(() => bodyOf({ maxResponse: 257 }, "T=0")).toThrow(RangeError);
    expect(() => bodyOf({ data: filled(256) }, "T=0")).toThrow(RangeError);
  });
});

describe("decodeCommand", () => {
  test("gives back what was encoded", () => {
    const byte = fc.integer({ min: 0, max: 255 });
    const command = fc.record({
      cla: byte,
      ins: byte,
      p1: byte,
      p2: byte,
      data: fc.option(fc.uint8Array({ minLength: 1, maxLength: 600 }), { nil: undefined }),
      maxResponse: fc.option(fc.integer({ min: 1, max: 65536 }), { nil: undefined }),
    });
    fc.assert(
      fc.property(command, (value) => {
        expect(decodeCommand(encodeCommand(value, "T=1")).command).toEqual(value);
      }),
    );
  });

  test("random bytes are a command or MALFORMED", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        try {
          expect(encodeCommand(decodeCommand(bytes).command, "T=1").length).toBeGreaterThanOrEqual(4);
        } catch (error) {
          expect(error).toBeInstanceOf(MalformedError);
        }
      }),
    );
  });

  test.each([
    ["nothing", ""],
    ["three bytes", "00a404"],
    ["data shorter than Lc", "00a4000003abab"],
    ["a byte after Le", "00a4000001ab0000"],
    ["half an extended length", "00a400000001"],
    ["extended Lc of 0", "00a40000000000ab"],
    ["extended data shorter than Lc", "00a40000000002ab"],
    ["a short Le after extended data", "00a40000000001ab00"],
    ["a byte after extended Le", "00a40000000001ab000000"],
  ])("%s is MALFORMED", (_name, hex) => {
    expect(() => decodeCommand(fromHex(hex))).toThrow(MalformedError);
  });
});

describe("describeCommand", () => {
  test.each([
    ["00a4040c0ad392f000260100000001", "00 A4 04 0C 0A D3 92 F0 00 26 01 00 00 00 01"],
    ["00b08a00000800", "00 B0 8A 00 00 08 00"],
    ["0020009804", "00 20 00 98 Lc=00"],
    ["00200098", "00 20 00 98"],
    ["002000980431323334", "00 20 00 98 Lc=04 [hidden]"],
    ["80240180063132333435364142", "80 24 01 80 [hidden]"],
    ["002401800431323334", "00 24 01 80 Lc=04 [hidden]"],
    ["0020009800000431323334", "00 20 00 98 Lc=04 [hidden]"],
    ["00200098313233", "00 20 00 98 [hidden]"],
    ["0020", "00 20"],
    ["", ""],
  ])("%s", (hex, line) => {
    expect(describeCommand(fromHex(hex))).toBe(line);
  });

  test("never shows more than the header and a length of what can carry a PIN", () => {
    const instruction = fc.constantFrom(0x20, 0x21, 0x24, 0x25, 0x26, 0x28, 0x2c, 0x2d);
    const bytes = fc
      .tuple(fc.uint8Array({ minLength: 4, maxLength: 4 }), instruction, fc.uint8Array({ maxLength: 20 }))
      .map(([head, ins, body]) => Uint8Array.of(head[0] ?? 0, ins, head[2] ?? 0, head[3] ?? 0, ...body));
    fc.assert(
      fc.property(bytes, (apdu) => {
        expect(carriesPin(apdu)).toBe(true);
        expect(describeCommand(apdu)).toMatch(/^(?:[0-9A-F]{2} ){3}[0-9A-F]{2}(?: Lc=[0-9A-F]{2})?(?: \[hidden\])?$/);
      }),
    );
  });
});
