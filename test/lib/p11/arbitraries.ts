/** Random values of every letter of the calls that are answered. */

import fc from "fast-check";
import type { RequestValues, ResponseValues } from "../../../lib/p11/calls.ts";
import {
  CK_UNAVAILABLE_INFORMATION,
  CKA_ALLOWED_MECHANISMS,
  CKA_CLASS,
  CKA_ID,
  CKA_MODULUS_BITS,
  CKA_SIGN,
  CKA_START_DATE,
  CKA_WRAP_TEMPLATE,
  CKM_RSA_PKCS,
  CKM_RSA_PKCS_PSS,
  CKM_SHA256_RSA_PKCS_PSS,
} from "../../../lib/p11/constants.ts";
import type { Attribute, Mechanism } from "../../../lib/p11/values.ts";

const ulong = fc.oneof(fc.maxSafeNat(), fc.constant(CK_UNAVAILABLE_INFORMATION));
const type32 = fc.integer({ min: 0, max: 0xffffffff });
const sizeOnly = fc.record({ needed: type32 });

function attribute(depth: number): fc.Arbitrary<Attribute> {
  const values: fc.Arbitrary<Attribute>[] = [
    fc.record({ type: fc.constantFrom(CKA_SIGN), value: fc.boolean() }),
    fc.record({ type: fc.constantFrom(CKA_CLASS, CKA_MODULUS_BITS), value: ulong }),
    fc.record({ type: fc.constantFrom(CKA_ID, CKA_START_DATE, 0xcf534301), value: fc.uint8Array({ maxLength: 40 }) }),
    fc.record({ type: fc.constant(CKA_ALLOWED_MECHANISMS), value: fc.array(ulong, { maxLength: 5 }) }),
    fc.record({ type: type32, value: fc.constant(undefined) }),
  ];
  if (depth > 0) {
    const nested = fc.array(attribute(depth - 1), { maxLength: 3 });
    values.push(fc.record({ type: fc.constant(CKA_WRAP_TEMPLATE), value: nested }));
  }
  return fc.oneof(...values);
}

const mechanism: fc.Arbitrary<Mechanism> = fc.oneof(
  fc.record<Mechanism>({
    type: fc.integer({ min: 1, max: 0xfffffffe }),
    parameter: fc.constant({ kind: "none" }),
  }),
  fc.record<Mechanism>({
    type: fc.constantFrom(CKM_RSA_PKCS_PSS, CKM_SHA256_RSA_PKCS_PSS),
    parameter: fc.record({ kind: fc.constant("pss"), hash: ulong, mgf: ulong, saltLength: ulong }),
  }),
  fc.record<Mechanism>({
    type: fc.constant(CKM_RSA_PKCS),
    // Of the earlier form's, the first byte is the top of a number.
    parameter: fc
      .uint8Array({ minLength: 4, maxLength: 40 })
      .map((bytes) => ({ kind: "other", bytes: Uint8Array.of(0, ...bytes) })),
  }),
);

export const REQUEST_VALUES: { readonly [L in keyof RequestValues]: fc.Arbitrary<RequestValues[L]> } = {
  y: fc.integer({ min: 0, max: 255 }),
  u: ulong,
  ay: fc.option(fc.uint8Array({ minLength: 1, maxLength: 60 }), { nil: undefined }),
  fy: fc.integer({ min: 0, max: 0xfffffffe }),
  fu: fc.integer({ min: 0, max: 0xfffffffe }),
  fA: fc.array(fc.record({ type: fc.constantFrom(CKA_CLASS, CKA_ID, 0xcf534301), room: type32 }), { maxLength: 6 }),
  aA: fc.array(attribute(3), { maxLength: 5 }),
  M: fc.option(mechanism, { nil: undefined }),
};

const byte = fc.integer({ min: 0, max: 255 });

export const RESPONSE_VALUES: { readonly [L in keyof ResponseValues]: fc.Arbitrary<ResponseValues[L]> } = {
  u: ulong,
  v: fc.record({ major: byte, minor: byte }),
  s: fc.string({ maxLength: 16 }).map((text) => text.trimEnd()),
  ay: fc.oneof(fc.uint8Array({ maxLength: 60 }), sizeOnly),
  au: fc.oneof(fc.array(ulong, { maxLength: 6 }), sizeOnly),
  aA: fc.array(attribute(3), { maxLength: 5 }),
};
