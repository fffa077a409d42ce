/**
 * Mechanisms on the wire (`M`): `uint32 mechanism`, then
 *
 * | | p11-kit to 0.25.5 | from 0.25.6 |
 * | --- | --- | --- |
 * | no parameter | `ffffffff` | nothing |
 * | RSASSA-PSS | `uint64 hash · uint64 mgf · uint64 salt length` | `01`, then the same; `00` alone if the program gave none |
 * | no pointer (ends an operation) | mechanism 0 alone, `ffffffff` alone | `ffffffff` alone |
 *
 * The later form does not depend on the version that was agreed on (observed), so only the bytes that there are between
 * the mechanism and the fields after it tell which one it is. A parameter of the earlier form never begins with `01`:
 * that is the top byte of a number or of a length.
 */

import { ByteReader } from "../bytes.ts";
import { MalformedError } from "../errors.ts";
import {
  CKM_RSA_PKCS_PSS,
  CKM_SHA1_RSA_PKCS_PSS,
  CKM_SHA224_RSA_PKCS_PSS,
  CKM_SHA256_RSA_PKCS_PSS,
  CKM_SHA384_RSA_PKCS_PSS,
  CKM_SHA512_RSA_PKCS_PSS,
} from "./constants.ts";
import type { Mechanism, MechanismParameter } from "./values.ts";
import { NULL_LENGTH, readUlong } from "./wire.ts";

const PSS_MECHANISMS = new Set([
  CKM_RSA_PKCS_PSS,
  CKM_SHA1_RSA_PKCS_PSS,
  CKM_SHA224_RSA_PKCS_PSS,
  CKM_SHA256_RSA_PKCS_PSS,
  CKM_SHA384_RSA_PKCS_PSS,
  CKM_SHA512_RSA_PKCS_PSS,
]);
const PSS_BYTES = 24;

/**
 * @param bytesAfter what the fields after the mechanism take.
 * @returns bytes of other parameters as views; undefined for no pointer.
 * @throws MALFORMED
 */
export function readMechanism(reader: ByteReader, bytesAfter: number): Mechanism | undefined {
  const type = reader.u32("mechanism");
  if (reader.remaining < bytesAfter)
    throw new MalformedError(`mechanism: ${reader.remaining} bytes follow, ${bytesAfter} are needed`);
  const rest = reader.bytes("mechanism parameter", reader.remaining - bytesAfter);
  if (rest.length === 0 && (type === NULL_LENGTH || type === 0)) return undefined;
  const bytes = parameterBytes(rest);
  return { type, parameter: bytes === undefined ? { kind: "none" } : parameterOf(type, bytes) };
}

function parameterBytes(rest: Uint8Array): Uint8Array | undefined {
  if (rest.length === 0) return undefined;
  if (rest[0] === 1) return rest.subarray(1);
  if (rest.length === 1 && rest[0] === 0) return undefined;
  return rest.length === 4 && rest.every((byte) => byte === 0xff) ? undefined : rest;
}

function parameterOf(type: number, bytes: Uint8Array): MechanismParameter {
  if (!PSS_MECHANISMS.has(type) || bytes.length !== PSS_BYTES) return { kind: "other", bytes };
  const reader = new ByteReader(bytes, "RSASSA-PSS parameter");
  return {
    kind: "pss",
    hash: readUlong(reader, "hash"),
    mgf: readUlong(reader, "mgf"),
    saltLength: readUlong(reader, "salt length"),
  };
}
