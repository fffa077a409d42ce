/** A program that is logged in and about to sign, and what it signs. */

import { constants, createHash, createPublicKey, type KeyObject, verify, X509Certificate } from "node:crypto";
import { expect } from "vitest";
import { CKG_MGF1_SHA256, CKM_RSA_PKCS, CKM_SHA256, CKM_SHA256_RSA_PKCS } from "../../../lib/p11/constants.ts";
import type { Mechanism, MechanismParameter } from "../../../lib/p11/values.ts";
import { type FaceSetUp, setUpFace } from "../../helpers/fake-p11-program.ts";
import { FakeSlots, FakeToken, type FakeTokenOptions } from "../../helpers/fake-p11-tokens.ts";
import { testPki } from "../../helpers/pki.ts";

const pki = await testPki();
const publicKey: KeyObject = createPublicKey(
  new X509Certificate(pki.authCertificate).publicKey.export({ type: "spki", format: "pem" }),
);
export const DATA = new TextEncoder().encode("to be signed");
export const ROOM = 256;
export const NONE: MechanismParameter = { kind: "none" };
export const PSS = {
  kind: "pss",
  hash: CKM_SHA256,
  mgf: CKG_MGF1_SHA256,
  saltLength: 32,
} as const satisfies MechanismParameter;
export const SHA256_RSA: Mechanism = { type: CKM_SHA256_RSA_PKCS, parameter: NONE };
export const RSA: Mechanism = { type: CKM_RSA_PKCS, parameter: NONE };

interface SetUp extends FakeTokenOptions, FaceSetUp {
  readonly version?: number;
}

export async function setUp({ version = 1, allowSha1, log, ...options }: SetUp = {}) {
  const token = new FakeToken(pki, options);
  const slots = new FakeSlots(token);
  const face = setUpFace(slots, { ...(allowSha1 && { allowSha1 }), ...(log && { log }) });
  const program = face.program({ version });
  const { session, key } = await program.loggedIn();
  const init = (mechanism = SHA256_RSA, handle = key) => program.rv("C_SignInit", session, mechanism, handle);
  const cancel = () => program.rv("C_SignInit", session, undefined, 0);
  const sign = (data: Uint8Array | undefined = DATA, room = ROOM) => program.rv("C_Sign", session, data, room);
  return { token, slots, program, session, key, init, cancel, sign };
}

export function digest(hash: string, data = DATA): Uint8Array {
  return new Uint8Array(createHash(hash).update(data).digest());
}

export function expectPkcs1(signature: unknown, hash: string, data = DATA): void {
  if (!(signature instanceof Uint8Array)) throw new Error("no signature");
  expect(signature).toHaveLength(ROOM);
  expect(verify(hash, data, publicKey, signature)).toBe(true);
}

export function expectPss(signature: unknown): void {
  if (!(signature instanceof Uint8Array)) throw new Error("no signature");
  const padded = { key: publicKey, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 };
  expect(verify("sha256", DATA, padded, signature)).toBe(true);
}
