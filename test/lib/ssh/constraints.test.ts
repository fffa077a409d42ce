import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ByteWriter, concatBytes, fromHex, toHex, utf8 } from "../../../lib/bytes.ts";
import { decodeConstraints, encodeConstraints } from "../../../lib/ssh/constraints.ts";
import {
  type DestinationConstraint,
  type DestinationHop,
  decodeDestinations,
  encodeDestinations,
} from "../../../lib/ssh/destination-constraint.ts";
import { expectTotal } from "../../helpers/mutations.ts";
import { anyConstraints, anyDestination } from "./arbitraries.ts";

const malformed = expect.objectContaining({ code: "MALFORMED" });
const key = { keyBlob: utf8("a key"), isCa: false };
const here: DestinationHop = { user: "", hostname: "", keys: [] };
const there: DestinationHop = { user: "", hostname: "host", keys: [key] };
const lifetime = encodeConstraints([{ kind: "lifetime", seconds: 60 }]);

function extension(name: string, details: Uint8Array): Uint8Array {
  return new ByteWriter().u8(255).string(name).bytes(details).finish();
}

test("lifetime and confirm are a type byte and no length", () => {
  expect(toHex(concatBytes(lifetime, encodeConstraints([{ kind: "confirm" }])))).toBe("010000003c02");
});

test.each([
  ["a type not known", fromHex("03")],
  ["type 0", fromHex("00")],
  ["a known one before a type not known", concatBytes(lifetime, fromHex("7f"))],
  ["an extension not known", extension("other@example.com", fromHex("00000000"))],
  ["lifetime twice", concatBytes(lifetime, lifetime)],
  ["confirm twice", fromHex("0202")],
  ["a lifetime cut short", lifetime.subarray(0, 4)],
])("%s fails the whole request", (_name, body) => {
  expect(() => decodeConstraints(body, "identity")).toThrow(malformed);
});

test("associated certificates are for smart cards only, a FIDO provider for keys only", () => {
  const certificates = encodeConstraints([{ kind: "associated-certs", certsOnly: true, certificates: [utf8("c")] }]);
  expect(decodeConstraints(certificates, "smartcard")).toHaveLength(1);
  expect(() => decodeConstraints(certificates, "identity")).toThrow(malformed);
  const provider = encodeConstraints([{ kind: "sk-provider", path: "/usr/lib/sk.so" }]);
  expect(decodeConstraints(provider, "identity")).toHaveLength(1);
  expect(() => decodeConstraints(provider, "smartcard")).toThrow(malformed);
});

describe("destinations that OpenSSH refuses", () => {
  const refused: readonly (readonly [string, DestinationConstraint])[] = [
    ["a user in from", { from: { ...there, user: "alice" }, to: there }],
    ["a from with a name and no keys", { from: { ...there, keys: [] }, to: there }],
    ["a from with keys and no name", { from: { ...there, hostname: "" }, to: there }],
    ["a to without a name", { from: here, to: { ...there, hostname: "" } }],
    ["a to without keys", { from: here, to: { ...there, keys: [] } }],
    ["an empty to", { from: there, to: here }],
  ];
  test.each(refused)("%s", (_name, destination) => {
    expect(() => decodeDestinations(encodeDestinations([destination]))).toThrow(malformed);
  });

  test("something in a reserved field", () => {
    const hop = new ByteWriter().string("").string("host").string("x").string(key.keyBlob).bool(false).finish();
    const origin = new ByteWriter().string("").string("").string("").finish();
    const body = (to: Uint8Array, reserved: string) =>
      new ByteWriter().string(new ByteWriter().string(origin).string(to).string(reserved).finish()).finish();
    const good = new ByteWriter().string("").string("host").string("").string(key.keyBlob).bool(false).finish();
    expect(decodeDestinations(body(good, ""))).toHaveLength(1);
    expect(() => decodeDestinations(body(hop, ""))).toThrow(expect.objectContaining({ code: "TOO_LARGE" }));
    expect(() => decodeDestinations(body(good, "x"))).toThrow(expect.objectContaining({ code: "TOO_LARGE" }));
  });

  test("more than 1024", () => {
    const many = (count: number) =>
      encodeDestinations(Array.from({ length: count }, () => ({ from: here, to: there })));
    expect(decodeDestinations(many(1024))).toHaveLength(1024);
    expect(() => decodeDestinations(many(1025))).toThrow(malformed);
  });

  test("a user pattern over 256 bytes", () => {
    const to = (length: number) => encodeDestinations([{ from: here, to: { ...there, user: "u".repeat(length) } }]);
    expect(decodeDestinations(to(256))).toHaveLength(1);
    expect(() => decodeDestinations(to(257))).toThrow(expect.objectContaining({ code: "TOO_LARGE" }));
  });
});

test("decode(encode(x)) = x", () => {
  for (const place of ["identity", "smartcard"] as const)
    fc.assert(
      fc.property(anyConstraints(place), (constraints) => {
        expect(decodeConstraints(encodeConstraints(constraints), place)).toEqual(constraints);
      }),
    );
});

test("random and mutated bytes give a value or a named error", () => {
  const destinations = fc.sample(fc.array(anyDestination, { maxLength: 3 }), { numRuns: 10, seed: 1 });
  expectTotal(decodeDestinations, destinations.map(encodeDestinations));
  const constraints = fc.sample(anyConstraints("smartcard"), { numRuns: 10, seed: 1 });
  expectTotal((bytes) => decodeConstraints(bytes, "smartcard"), constraints.map(encodeConstraints));
});
