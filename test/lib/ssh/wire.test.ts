import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { concatBytes, fromHex, toHex } from "../../../lib/bytes.ts";
import { decodeMpint, encodeFrame, encodeMpint, FrameDecoder, MAX_FRAME_BYTES } from "../../../lib/ssh/wire.ts";
import { everySplit } from "../../helpers/every-split.ts";

function header(length: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, length);
  return bytes;
}

describe("FrameDecoder", () => {
  const stream = concatBytes(encodeFrame(fromHex("0b")), encodeFrame(fromHex("0d0102")), encodeFrame(fromHex("13")));

  test("gives the same frames however the stream is cut", () => {
    let ways = 0;
    for (const chunks of everySplit(stream)) {
      const decoder = new FrameDecoder();
      const frames = chunks.flatMap((chunk) => {
        const { frames, fault } = decoder.push(chunk);
        expect(fault).toBeUndefined();
        return frames;
      });
      expect(frames.map(toHex)).toEqual(["0b", "0d0102", "13"]);
      expect(decoder.midFrame).toBe(false);
      ways++;
    }
    expect(ways).toBe(stream.length + 1);
  });

  test("keeps its own copy: a chunk that changes later does not change a frame", () => {
    const chunk = encodeFrame(fromHex("0b0c"));
    const { frames } = new FrameDecoder().push(chunk);
    chunk.fill(0);
    expect(frames.map(toHex)).toEqual(["0b0c"]);
  });

  test("knows that a frame has begun", () => {
    const decoder = new FrameDecoder();
    expect(decoder.midFrame).toBe(false);
    for (const byte of [0, 0, 0, 2, 11]) {
      decoder.push(Uint8Array.of(byte));
      expect(decoder.midFrame).toBe(true);
    }
    expect(decoder.push(Uint8Array.of(0)).frames).toHaveLength(1);
    expect(decoder.midFrame).toBe(false);
  });

  test.each([MAX_FRAME_BYTES - 1, MAX_FRAME_BYTES])("takes a frame of %i bytes", (length) => {
    const { frames, fault } = new FrameDecoder().push(concatBytes(header(length), new Uint8Array(length)));
    expect(fault).toBeUndefined();
    expect(frames.map((frame) => frame.length)).toEqual([length]);
  });

  test.each([MAX_FRAME_BYTES + 1, 0x7fffffff, 0xffffffff])(
    "announces a length of %i with the header's fourth byte",
    (length) => {
      const decoder = new FrameDecoder();
      expect(decoder.push(header(length).subarray(0, 3)).fault).toBeUndefined();
      expect(decoder.push(header(length).subarray(3)).fault).toMatchObject({ code: "TOO_LARGE" });
    },
  );

  test("length 0 is malformed", () => {
    expect(new FrameDecoder().push(header(0)).fault).toMatchObject({ code: "MALFORMED" });
  });

  test("gives the frames before a fault, and after it nothing more", () => {
    const decoder = new FrameDecoder();
    const first = decoder.push(concatBytes(stream, header(0), stream));
    expect(first.frames).toHaveLength(3);
    expect(first.fault).toMatchObject({ code: "MALFORMED" });
    const second = decoder.push(stream);
    expect(second.frames).toEqual([]);
    expect(second.fault).toBe(first.fault);
  });

  test("any bodies, any cuts", () => {
    const body = fc.uint8Array({ minLength: 1, maxLength: 300 });
    fc.assert(
      fc.property(fc.array(body, { maxLength: 8 }), fc.array(fc.nat({ max: 50 })), (bodies, cuts) => {
        const bytes = concatBytes(...bodies.map(encodeFrame));
        const decoder = new FrameDecoder();
        const frames: Uint8Array[] = [];
        let offset = 0;
        for (const cut of [...cuts, bytes.length]) {
          frames.push(...decoder.push(bytes.subarray(offset, offset + cut)).frames);
          offset += cut;
        }
        expect(frames.map(toHex)).toEqual(bodies.map(toHex));
      }),
    );
  });

  test("any bytes give frames or a named fault", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 600 }), (bytes) => {
        const { frames, fault } = new FrameDecoder(300).push(bytes);
        for (const frame of frames) expect(frame.length).toBeGreaterThan(0);
        if (fault !== undefined) expect(["TOO_LARGE", "MALFORMED"]).toContain(fault.code);
      }),
    );
  });
});

test("encodeFrame refuses what no peer would read", () => {
  expect(encodeFrame(new Uint8Array(MAX_FRAME_BYTES)).length).toBe(MAX_FRAME_BYTES + 4);
  expect(() => encodeFrame(new Uint8Array(MAX_FRAME_BYTES + 1))).toThrow(
    expect.objectContaining({ code: "TOO_LARGE" }),
  );
});

describe("mpint", () => {
  // The examples of RFC 4251 section 5, without their lengths.
  test.each([
    ["", ""],
    ["09a378f9b2e332a7", "09a378f9b2e332a7"],
    ["80", "0080"],
    ["ff", "00ff"],
    ["00000080", "0080"],
    ["0000", ""],
    ["007f", "7f"],
  ])("magnitude %s is written %s", (magnitude, content) => {
    expect(toHex(encodeMpint(fromHex(magnitude)))).toBe(content);
  });

  test.each(["edcc", "ff21524110", "00", "007f", "000080"])("%s is refused", (content) => {
    expect(() => decodeMpint(fromHex(content), "n")).toThrow(expect.objectContaining({ code: "MALFORMED" }));
  });

  test("round trip", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => {
        const content = encodeMpint(bytes);
        expect(BigInt(`0x0${toHex(decodeMpint(content, "n"))}`)).toBe(BigInt(`0x0${toHex(bytes)}`));
        expect(toHex(encodeMpint(decodeMpint(content, "n")))).toBe(toHex(content));
      }),
    );
  });
});
