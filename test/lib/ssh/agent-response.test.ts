import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ByteWriter, concatBytes, fromHex, toHex } from "../../../lib/bytes.ts";
import {
  type AgentResponse,
  decodeQueryNames,
  decodeResponse,
  encodeQueryNames,
  encodeResponse,
} from "../../../lib/ssh/agent-response.ts";
import { encodeFrame, FrameDecoder } from "../../../lib/ssh/wire.ts";
import { everySplit } from "../../helpers/every-split.ts";
import { expectTotal } from "../../helpers/mutations.ts";
import { asVector, loadVectors } from "../../helpers/vectors.ts";

interface MessageVector {
  readonly name: string;
  readonly frame: string;
  readonly expect: { readonly kind: AgentResponse["kind"] };
}

const { responses } = loadVectors<{ responses: readonly MessageVector[] }>("agent-messages.json");
const malformed = expect.objectContaining({ code: "MALFORMED" });

describe.each(responses)("vector: $name ($expect.kind)", ({ frame, expect: fields }) => {
  const body = fromHex(frame);

  test("has the fields a separate parser found", () => {
    expect(asVector(decodeResponse(body))).toEqual(fields);
  });

  test("is encoded as it was; old failure codes become FAILURE", () => {
    const old = body[0] === 30 || body[0] === 102;
    expect(toHex(encodeResponse(decodeResponse(body)))).toBe(old ? "05" : frame);
  });

  test("comes through the frames however it is cut", () => {
    for (const chunks of everySplit(encodeFrame(body))) {
      const decoder = new FrameDecoder();
      const frames = chunks.flatMap((chunk) => decoder.push(chunk).frames);
      if (frames.length !== 1 || toHex(frames[0] ?? new Uint8Array()) !== frame)
        expect.fail(`cut into ${chunks.map((chunk) => chunk.length)}`);
    }
  });

  test("bytes after it are ignored after a signature, as ssh does, and malformed elsewhere", () => {
    const longer = concatBytes(body, fromHex("00"));
    if (fields.kind === "signature") expect(asVector(decodeResponse(longer))).toEqual(fields);
    else if (fields.kind !== "extension-response") expect(() => decodeResponse(longer)).toThrow(malformed);
  });
});

test("every kind of response has a vector", () => {
  const kinds = ["failure", "success", "identities", "signature", "extension-failure", "extension-response"];
  expect(new Set(responses.map((vector) => vector.expect.kind))).toEqual(new Set(kinds));
});

test.each([0, 1, 11, 13, 27, 31, 103, 255])("type %i is no answer", (type) => {
  expect(() => decodeResponse(Uint8Array.of(type))).toThrow(malformed);
});

test.each([2049, 0xffffffff])("a list that announces %i keys is refused before any is read", (count) => {
  const frame = new ByteWriter().u8(12).u32(count).finish();
  expect(() => decodeResponse(frame)).toThrow(expect.objectContaining({ code: "TOO_LARGE" }));
});

test("the names of query run to the end without a count", () => {
  expect(toHex(encodeQueryNames(["a", "bc"]))).toBe("0000000161000000026263");
  fc.assert(
    fc.property(fc.array(fc.string({ maxLength: 60 })), (names) => {
      expect(decodeQueryNames(encodeQueryNames(names))).toEqual(names);
    }),
  );
});

test("decode(encode(x)) = x", () => {
  const bytes = fc.uint8Array({ maxLength: 60 });
  const any: fc.Arbitrary<AgentResponse> = fc.oneof(
    fc.record({ kind: fc.constantFrom("failure", "success", "extension-failure") }),
    fc.record({
      kind: fc.constant("identities"),
      identities: fc.array(fc.record({ keyBlob: bytes, comment: bytes })),
    }),
    fc.record({ kind: fc.constant("signature"), signature: bytes }),
    fc.record({ kind: fc.constant("extension-response"), name: fc.string({ maxLength: 60 }), body: bytes }),
  );
  fc.assert(
    fc.property(any, (response) => {
      expect(decodeResponse(encodeResponse(response))).toEqual(response);
    }),
  );
});

test("random and mutated frames give a value or a named error", () => {
  const seeds = responses.map(({ frame }) => fromHex(frame));
  expectTotal(decodeResponse, seeds, 2000);
  expectTotal(decodeQueryNames, [encodeQueryNames(["query", "session-bind@openssh.com"])]);
});
