import { describe, expect, it } from "vitest";
import { ByteReader, fromHex } from "../../../lib/bytes.ts";
import { readMechanism } from "../../../lib/p11/mechanism.ts";
import { asVector } from "../../helpers/vectors.ts";

const KEY = "0000000000000003";
const PSS = "0000000000000250 0000000000000002 0000000000000020";
const pss = { kind: "pss", hash: 0x250, mgf: 2, saltLength: 32 };
const none = { kind: "none" };

function read(hex: string, after = KEY): unknown {
  const reader = new ByteReader(fromHex(`${hex}${after}`), "C_SignInit");
  const mechanism = readMechanism(reader, after.length / 2);
  expect(reader.remaining).toBe(after.length / 2);
  return asVector(mechanism);
}

describe.each([KEY, ""])("with %j after it", (after) => {
  it.each([
    ["earlier, no parameter", "00000001 ffffffff", { type: 1, parameter: none }],
    ["later, no parameter", "00000040", { type: 0x40, parameter: none }],
    ["later, parameter not given", "0000000d 00", { type: 13, parameter: none }],
    ["earlier, PSS", `0000000d ${PSS}`, { type: 13, parameter: pss }],
    ["later, PSS", `0000000d 01 ${PSS}`, { type: 13, parameter: pss }],
    ["later, SHA256 with PSS", `00000043 01 ${PSS}`, { type: 0x43, parameter: pss }],
    [
      "PSS, too short",
      "0000000d 01 0000000000000250",
      { type: 13, parameter: { kind: "other", bytes: "hex:0000000000000250" } },
    ],
    [
      "PSS, no number of ours",
      `0000000d ${"ff".repeat(24)}`,
      { type: 13, parameter: { kind: "pss", hash: Infinity, mgf: Infinity, saltLength: Infinity } },
    ],
    [
      "a parameter where there should be none",
      "00000001 01 00aa",
      { type: 1, parameter: { kind: "other", bytes: "hex:00aa" } },
    ],
    [
      "earlier, bytes",
      "00001082 00000002 aabb",
      { type: 0x1082, parameter: { kind: "other", bytes: "hex:00000002aabb" } },
    ],
    ["no pointer, p11-kit 0.25.0", "00000000", undefined],
    ["no pointer, p11-kit 0.25.3 and later", "ffffffff", undefined],
  ])("%s", (_, hex, expected) => {
    expect(read(hex, after)).toEqual(expected);
  });
});

it.each(["", "0000", "00000001", "00000001 00000000000000"])("cut to %j it is malformed", (hex) => {
  expect(() => readMechanism(new ByteReader(fromHex(hex), "C_SignInit"), 8)).toThrow(
    expect.objectContaining({ code: "MALFORMED" }),
  );
});
