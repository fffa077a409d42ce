/**
 * OpenSSH certificates: which key they are for, for whom and until when (PROTOCOL.certkeys, now draft-miller-ssh-cert).
 *
 *     string type · string nonce · the key's own fields · uint64 serial · uint32 role (1 user, 2 host) · string key_id
 *     string { string principal }[] · uint64 valid_after · uint64 valid_before · string { string name · string data }[]
 *     critical options · the same of extensions · string reserved · string signature_key · string signature
 */

import { ByteReader, ByteWriter } from "../bytes.ts";
import { MalformedError } from "../errors.ts";
import { keyTypeOf, type PublicKey, readPublicKeyFields } from "./public-key.ts";
import { MAX_KEY_BLOB_BYTES, MAX_NAME_BYTES, MAX_SIGNATURE_BYTES, MAX_TEXT_BYTES } from "./wire.ts";

/** Most principals of a certificate (as OpenSSH's SSHKEY_CERT_MAX_PRINCIPALS). */
const MAX_PRINCIPALS = 256;
const ROLE_USER = 1;
const ROLE_HOST = 2;

/** Certificate types and the plain type of the key inside. */
const PLAIN_TYPES: ReadonlyMap<string, string> = new Map([
  ["ssh-rsa-cert-v01@openssh.com", "ssh-rsa"],
  ["ssh-ed25519-cert-v01@openssh.com", "ssh-ed25519"],
  ["ecdsa-sha2-nistp256-cert-v01@openssh.com", "ecdsa-sha2-nistp256"],
  ["ecdsa-sha2-nistp384-cert-v01@openssh.com", "ecdsa-sha2-nistp384"],
  ["ecdsa-sha2-nistp521-cert-v01@openssh.com", "ecdsa-sha2-nistp521"],
  ["sk-ssh-ed25519-cert-v01@openssh.com", "sk-ssh-ed25519@openssh.com"],
  ["sk-ecdsa-sha2-nistp256-cert-v01@openssh.com", "sk-ecdsa-sha2-nistp256@openssh.com"],
]);

/** A certificate as it says of itself: nobody has checked its signature yet. Arrays are views unless said otherwise. */
export interface SshCertificate {
  readonly type: string;
  readonly publicKey: PublicKey;
  /** The plain blob of the key inside; a fresh array. */
  readonly keyBlob: Uint8Array;
  readonly role: "user" | "host";
  readonly serial: bigint;
  readonly keyId: string;
  /** Users or hosts it is for; empty means any. */
  readonly principals: readonly string[];
  /** Seconds since 1970: valid from `validAfter` on, up to but without `validBefore`; 2^64 - 1 is for ever. */
  readonly validAfter: bigint;
  readonly validBefore: bigint;
  /** Names of what a reader must understand to accept the certificate. */
  readonly criticalOptions: readonly string[];
  /** The authority's key blob. */
  readonly signatureKey: Uint8Array;
  /** What the authority signed, and its signature blob. */
  readonly signed: Uint8Array;
  readonly signature: Uint8Array;
}

/**
 * A certificate blob.
 *
 * @returns null for any other type of blob, also for certificates of key types not known here.
 * @throws MALFORMED, TOO_LARGE for a known certificate type with something wrong in it.
 */
export function decodeSshCertificate(blob: Uint8Array): SshCertificate | null {
  const type = keyTypeOf(blob);
  const plainType = PLAIN_TYPES.get(type);
  if (plainType === undefined) return null;
  const reader = new ByteReader(blob, "SSH certificate");
  reader.string("type", MAX_NAME_BYTES);
  reader.string("nonce", MAX_NAME_BYTES);
  const fieldsStart = blob.length - reader.remaining;
  const publicKey = readPublicKeyFields(reader, plainType);
  const fields = blob.subarray(fieldsStart, blob.length - reader.remaining);
  const serial = reader.u64("serial");
  const role = decodeRole(reader.u32("role"));
  const keyId = reader.text("key_id", MAX_TEXT_BYTES);
  const principals = decodePrincipals(reader.string("principals", MAX_KEY_BLOB_BYTES));
  const validAfter = reader.u64("valid_after");
  const validBefore = reader.u64("valid_before");
  const criticalOptions = decodeOptions(reader.string("critical_options", MAX_KEY_BLOB_BYTES), "critical options");
  decodeOptions(reader.string("extensions", MAX_KEY_BLOB_BYTES), "extensions");
  reader.string("reserved", MAX_KEY_BLOB_BYTES);
  const signatureKey = reader.string("signature_key", MAX_KEY_BLOB_BYTES);
  const signed = blob.subarray(0, blob.length - reader.remaining);
  const signature = reader.string("signature", MAX_SIGNATURE_BYTES);
  reader.end();
  const keyBlob = new ByteWriter().string(plainType).bytes(fields).finish();
  return {
    type,
    publicKey,
    keyBlob,
    role,
    serial,
    keyId,
    principals,
    validAfter,
    validBefore,
    criticalOptions,
    signatureKey,
    signed,
    signature,
  };
}

/** Where `unixSeconds` lies in the certificate's time. */
export function validityAt(
  { validAfter, validBefore }: Pick<SshCertificate, "validAfter" | "validBefore">,
  unixSeconds: number,
): "valid" | "not-yet-valid" | "expired" {
  const now = BigInt(Math.floor(unixSeconds));
  if (now < validAfter) return "not-yet-valid";
  return now < validBefore ? "valid" : "expired";
}

function decodeRole(role: number): SshCertificate["role"] {
  if (role === ROLE_USER) return "user";
  if (role === ROLE_HOST) return "host";
  throw new MalformedError(`SSH certificate: unknown role ${role}`);
}

function decodePrincipals(body: Uint8Array): readonly string[] {
  const reader = new ByteReader(body, "SSH certificate's principals");
  const principals: string[] = [];
  while (reader.remaining > 0) {
    if (principals.length === MAX_PRINCIPALS)
      throw new MalformedError(`SSH certificate: more than ${MAX_PRINCIPALS} principals`);
    principals.push(reader.text("principal", MAX_TEXT_BYTES));
  }
  return principals;
}

/** Their names: what they mean is for the server that the certificate is shown to. */
function decodeOptions(body: Uint8Array, what: string): readonly string[] {
  const reader = new ByteReader(body, `SSH certificate's ${what}`);
  const names: string[] = [];
  while (reader.remaining > 0) {
    names.push(reader.text("name", MAX_NAME_BYTES));
    reader.string("data", MAX_KEY_BLOB_BYTES);
  }
  return names;
}
