import { describe, expect, it, test } from "vitest";
import { ByteWriter, concatBytes, fromHex, toHex, utf8 } from "../../../lib/bytes.ts";
import { encodeRpcFrame, type RpcFrame, RpcFrameDecoder } from "../../../lib/p11/rpc-frame.ts";
import { MAX_BODY_BYTES } from "../../../lib/p11/wire.ts";
import { everySplit } from "../../helpers/every-split.ts";
import { rpcRequestFrame } from "../../helpers/rpc-wire.ts";

function header(code: number, options: number, body: number): Uint8Array {
  return new ByteWriter().u32(code).u32(options).u32(body).finish();
}

function shown(frames: readonly RpcFrame[]): unknown {
  return frames.map(({ code, body, isCut }) => [code, isCut ? `cut ${toHex(body)}` : toHex(body)]);
}

test("the same frames come out however the stream is cut, what is too large among them", () => {
  const stream = concatBytes(
    rpcRequestFrame(0x10, fromHex("0102")),
    rpcRequestFrame(0x11, fromHex("03"), ""),
    rpcRequestFrame(0x12, new Uint8Array(17).fill(7)),
    rpcRequestFrame(0x14, fromHex("08".repeat(50))),
    rpcRequestFrame(0x13, new Uint8Array(), ""),
    rpcRequestFrame(0, fromHex("04"), "the name of a module"),
    rpcRequestFrame(0xffffffff, fromHex("05".repeat(16))),
  );
  const expected = [
    [0x10, "0102"],
    [0x11, "03"],
    [0x12, `cut ${"07".repeat(17)}`],
    [0x14, `cut ${"08".repeat(32)}`],
    [0x13, ""],
    [0, "04"],
    [0xffffffff, "05".repeat(16)],
  ];
  let ways = 0;
  for (const chunks of everySplit(stream)) {
    const decoder = new RpcFrameDecoder(16);
    expect(shown(chunks.flatMap((chunk) => decoder.push(chunk)))).toEqual(expected);
    ways++;
  }
  expect(ways).toBe(stream.length + 1);
});

test("a frame is the decoder's own copy", () => {
  const chunk = rpcRequestFrame(1, fromHex("0b0c"));
  const frames = new RpcFrameDecoder().push(chunk);
  chunk.fill(0);
  expect(shown(frames)).toEqual([[1, "0b0c"]]);
});

describe("a body", () => {
  it("of the limit is kept", () => {
    const [frame] = new RpcFrameDecoder().push(rpcRequestFrame(1, new Uint8Array(MAX_BODY_BYTES)));
    expect(frame?.body).toHaveLength(MAX_BODY_BYTES);
  });

  it("over it is taken off the stream but for its beginning, and what follows is read", () => {
    const decoder = new RpcFrameDecoder();
    const piece = new Uint8Array(65_536);
    decoder.push(concatBytes(header(7, 6, MAX_BODY_BYTES + 1), utf8("client")));
    for (let sent = 0; sent < MAX_BODY_BYTES; sent += piece.length) expect(decoder.push(piece)).toEqual([]);
    expect(shown(decoder.push(concatBytes(Uint8Array.of(9), rpcRequestFrame(8, fromHex("0a")))))).toEqual([
      [7, `cut ${"00".repeat(32)}`],
      [8, "0a"],
    ]);
  });

  it("of 4 GiB, after options of 4 GiB, keeps nothing", () => {
    const decoder = new RpcFrameDecoder();
    decoder.push(header(7, 0xffffffff, 0xffffffff));
    const before = process.memoryUsage().arrayBuffers;
    const piece = new Uint8Array(1024 * 1024);
    for (let i = 0; i < 64; i++) expect(decoder.push(piece)).toEqual([]);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(8 * piece.length);
  });
});

test("an answer has no options", () => {
  expect(toHex(encodeRpcFrame(0x1b, fromHex("0000002a00000000")))).toBe("0000001b00000000000000080000002a00000000");
});
