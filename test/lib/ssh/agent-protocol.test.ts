import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { concatBytes, fromHex, toHex } from "../../../lib/bytes.ts";
import { type AgentRequest, decodeRequest, encodeRequest } from "../../../lib/ssh/agent-protocol.ts";
import { encodeFrame, FrameDecoder } from "../../../lib/ssh/wire.ts";
import { everySplit } from "../../helpers/every-split.ts";
import { expectTotal } from "../../helpers/mutations.ts";
import { asVector, loadVectors } from "../../helpers/vectors.ts";
import { anyConstraints } from "./arbitraries.ts";

interface MessageVector {
  readonly name: string;
  readonly frame: string;
  readonly expect: { readonly kind: AgentRequest["kind"] };
}

const { requests } = loadVectors<{ requests: readonly MessageVector[] }>("agent-messages.json");
const malformed = expect.objectContaining({ code: "MALFORMED" });

describe.each(requests)("vector: $name ($expect.kind)", ({ frame, expect: fields }) => {
  const body = fromHex(frame);

  test("has the fields a separate parser found", () => {
    expect(asVector(decodeRequest(body))).toEqual(fields);
  });

  test("is encoded as it was", () => {
    expect(toHex(encodeRequest(decodeRequest(body)))).toBe(frame);
  });

  test("comes through the frames however it is cut", () => {
    for (const chunks of everySplit(encodeFrame(body))) {
      const decoder = new FrameDecoder();
      const frames = chunks.flatMap((chunk) => decoder.push(chunk).frames);
      if (frames.length !== 1 || toHex(frames[0] ?? new Uint8Array()) !== frame)
        expect.fail(`cut into ${chunks.map((chunk) => chunk.length)}`);
    }
  });
});

test("every kind of request has a vector", () => {
  const kinds: Readonly<Record<AgentRequest["kind"], true>> = {
    list: true,
    sign: true,
    add: true,
    "add-constrained": true,
    "add-other": true,
    remove: true,
    "remove-all": true,
    "add-smartcard": true,
    "add-smartcard-constrained": true,
    "remove-smartcard": true,
    lock: true,
    unlock: true,
    extension: true,
    unsupported: true,
  };
  expect(new Set(requests.map((vector) => vector.expect.kind))).toEqual(new Set(Object.keys(kinds)));
});

/** Kinds with fields, none of which runs to the end of the frame. */
const closed = new Set(["add", "remove", "add-smartcard", "remove-smartcard", "lock", "unlock"]);

test.each(requests.filter(({ expect: { kind } }) => closed.has(kind) || kind === "sign"))(
  "$name cut short is malformed at every place",
  ({ frame }) => {
    const body = fromHex(frame);
    for (let length = 1; length < body.length; length++)
      expect(() => decodeRequest(body.subarray(0, length)), `${length} bytes`).toThrow(malformed);
  },
);

describe("bytes after the last field", () => {
  const tail = fromHex("00");

  test.each(requests.filter(({ expect: { kind } }) => kind === "list" || kind === "sign"))(
    "are ignored in $name, as OpenSSH's agent does",
    ({ frame, expect: fields }) => {
      expect(asVector(decodeRequest(concatBytes(fromHex(frame), tail)))).toEqual(fields);
    },
  );

  test.each(requests.filter(({ expect: { kind } }) => closed.has(kind) || kind === "remove-all"))(
    "are malformed in $name",
    ({ frame }) => {
      expect(() => decodeRequest(concatBytes(fromHex(frame), tail))).toThrow(malformed);
    },
  );
});

test.each([
  ["an empty frame", ""],
  ["a lock whose length lies, at which OpenSSH's agent exits", "16ffffffff"],
  ["a sign request with half its flags", "0d00000000000000000000"],
])("%s gives a named error", (_name, frame) => {
  expect(() => decodeRequest(fromHex(frame))).toThrow(
    expect.objectContaining({ code: expect.stringMatching(/^(MALFORMED|TOO_LARGE)$/) }),
  );
});

const bytes = fc.uint8Array({ maxLength: 60 });
const text = fc.string({ unit: "grapheme", maxLength: 30 });

const anyRequest: fc.Arbitrary<AgentRequest> = fc.oneof(
  fc.constant<AgentRequest>({ kind: "list" }),
  fc.record({ kind: fc.constant("sign"), keyBlob: bytes, data: bytes, flags: fc.nat({ max: 0xffffffff }) }),
  fc.record({ kind: fc.constant("remove"), keyBlob: bytes }),
  fc.constant<AgentRequest>({ kind: "remove-all" }),
  fc.record({ kind: fc.constantFrom("add-smartcard", "remove-smartcard"), tokenId: text, pin: bytes }),
  fc.record({
    kind: fc.constant("add-smartcard-constrained"),
    tokenId: text,
    pin: bytes,
    constraints: anyConstraints("smartcard"),
  }),
  fc.record({ kind: fc.constantFrom("lock", "unlock"), passphrase: bytes }),
  fc.record({ kind: fc.constant("extension"), name: text, body: bytes }),
  fc.record({ kind: fc.constant("add-other"), constrained: fc.boolean(), keyType: text, rest: bytes }),
  fc.record({
    kind: fc.constant("add-constrained"),
    keyType: fc.constant("ssh-ed25519"),
    keyFields: fc.tuple(bytes, bytes).map(([a, b]) => concatBytes(encodeFrame(a), encodeFrame(b))),
    comment: bytes,
    constraints: anyConstraints("identity"),
  }),
  fc.record({
    kind: fc.constant("add"),
    keyType: fc.constant("ssh-rsa"),
    keyFields: fc.array(bytes, { minLength: 6, maxLength: 6 }).map((mpints) => concatBytes(...mpints.map(encodeFrame))),
    comment: bytes,
    constraints: fc.constant([]),
  }),
  fc.record({ kind: fc.constant("unsupported"), type: fc.constantFrom(0, 1, 9, 24, 28, 99, 240, 255) }),
);

test("decode(encode(x)) = x", () => {
  fc.assert(
    fc.property(anyRequest, (request) => {
      expect(decodeRequest(encodeRequest(request))).toEqual(request);
    }),
  );
});

test("random and mutated frames give a value or a named error", () => {
  expectTotal(
    decodeRequest,
    requests.map(({ frame }) => fromHex(frame)),
    2000,
  );
});
