/**
 * Public key blobs (RFC 4253 section 6.6, RFC 5656 section 3.1, RFC 8709 section 4, PROTOCOL.u2f) and fingerprints.
 *
 *     string "ssh-rsa" · mpint e · mpint n
 *     string "ssh-ed25519" · string key (32)
 *     string "ecdsa-sha2-nistp256" … · string curve · string Q (uncompressed point)
 *     string "sk-ssh-ed25519@openssh.com" · string key (32) · string application
 *     string "sk-ecdsa-sha2-nistp256@openssh.com" · string "nistp256" · string Q · string application
 */

import { createHash } from "node:crypto";
import { ByteReader, ByteWriter } from "../bytes.ts";
import { MalformedError } from "../errors.ts";
import { decodeMpint, encodeMpint, MAX_MPINT_BYTES, MAX_NAME_BYTES, MAX_TEXT_BYTES } from "./wire.ts";

/** Big-endian magnitudes without leading zeros. The same shape as RsaPublicKey of the key port. */
export interface RsaKey {
  readonly modulus: Uint8Array;
  readonly exponent: Uint8Array;
}

export type EcdsaCurve = "nistp256" | "nistp384" | "nistp521";

/** What a blob holds; `other` is any type not known here. Arrays are views of the blob. */
export type PublicKey =
  | ({ readonly kind: "rsa" } & RsaKey)
  | { readonly kind: "ed25519"; readonly key: Uint8Array }
  | { readonly kind: "ecdsa"; readonly curve: EcdsaCurve; readonly point: Uint8Array }
  | { readonly kind: "sk-ed25519"; readonly key: Uint8Array; readonly application: Uint8Array }
  | { readonly kind: "sk-ecdsa"; readonly point: Uint8Array; readonly application: Uint8Array }
  | { readonly kind: "other"; readonly type: string };

/** Length of an uncompressed point: 04, x, y. */
const POINT_BYTES: Readonly<Record<EcdsaCurve, number>> = { nistp256: 65, nistp384: 97, nistp521: 133 };

/** The `ssh-rsa` blob: the key's name in every message. 279 bytes for 2048 bits and e = 65537. @returns a fresh array. */
export function encodeRsaBlob({ modulus, exponent }: RsaKey): Uint8Array {
  return new ByteWriter().string("ssh-rsa").string(encodeMpint(exponent)).string(encodeMpint(modulus)).finish();
}

/** The inverse of {@link encodeRsaBlob}. @returns views. @throws MALFORMED, also for another type of key; TOO_LARGE. */
export function decodeRsaBlob(blob: Uint8Array): RsaKey {
  const key = decodePublicKey(blob);
  if (key.kind !== "rsa") throw new MalformedError("RSA key blob: it is another type of key");
  return { modulus: key.modulus, exponent: key.exponent };
}

/** Any plain key blob; a certificate is `other` here, see `ssh-certificate.ts`. @throws MALFORMED, TOO_LARGE. */
export function decodePublicKey(blob: Uint8Array): PublicKey {
  const reader = new ByteReader(blob, "key blob");
  const type = reader.text("key_type", MAX_NAME_BYTES);
  const key = readPublicKeyFields(reader, type);
  if (key.kind !== "other") reader.end();
  return key;
}

/** The first field of a key or certificate blob. @throws MALFORMED, TOO_LARGE. */
export function keyTypeOf(blob: Uint8Array): string {
  return new ByteReader(blob, "key blob").text("key_type", MAX_NAME_BYTES);
}

/** Takes the fields after the type's name; none for a type not known here. */
export function readPublicKeyFields(reader: ByteReader, type: string): PublicKey {
  switch (type) {
    case "ssh-rsa":
      return readRsa(reader);
    case "ssh-ed25519":
      return { kind: "ed25519", key: readEd25519(reader) };
    case "ecdsa-sha2-nistp256":
      return { kind: "ecdsa", curve: "nistp256", point: readPoint(reader, "nistp256") };
    case "ecdsa-sha2-nistp384":
      return { kind: "ecdsa", curve: "nistp384", point: readPoint(reader, "nistp384") };
    case "ecdsa-sha2-nistp521":
      return { kind: "ecdsa", curve: "nistp521", point: readPoint(reader, "nistp521") };
    case "sk-ssh-ed25519@openssh.com":
      return { kind: "sk-ed25519", key: readEd25519(reader), application: readApplication(reader) };
    case "sk-ecdsa-sha2-nistp256@openssh.com":
      return { kind: "sk-ecdsa", point: readPoint(reader, "nistp256"), application: readApplication(reader) };
    default:
      return { kind: "other", type };
  }
}

/** `SHA256:` and 43 digits of base64 without padding, as OpenSSH prints it. */
export function keyFingerprint(blob: Uint8Array): string {
  return `SHA256:${createHash("sha256").update(blob).digest("base64").replace(/=+$/, "")}`;
}

function readRsa(reader: ByteReader): PublicKey {
  const exponent = decodeMpint(reader.string("e", MAX_MPINT_BYTES), "e");
  const modulus = decodeMpint(reader.string("n", MAX_MPINT_BYTES), "n");
  if (exponent.length === 0 || modulus.length === 0) throw new MalformedError("RSA key blob: e or n is zero");
  return { kind: "rsa", modulus, exponent };
}

function readEd25519(reader: ByteReader): Uint8Array {
  const key = reader.string("key", MAX_NAME_BYTES);
  if (key.length !== 32) throw new MalformedError(`Ed25519 key blob: the key has ${key.length} bytes, not 32`);
  return key;
}

function readPoint(reader: ByteReader, expected: EcdsaCurve): Uint8Array {
  const curve = reader.text("curve", MAX_NAME_BYTES);
  if (curve !== expected)
    throw new MalformedError(`ECDSA key blob: curve ${JSON.stringify(curve)} in a key of ${expected}`);
  const point = reader.string("Q", MAX_NAME_BYTES);
  if (point.length !== POINT_BYTES[expected] || point[0] !== 4)
    throw new MalformedError(`ECDSA key blob: Q is no uncompressed point of ${expected}`);
  return point;
}

function readApplication(reader: ByteReader): Uint8Array {
  return reader.string("application", MAX_TEXT_BYTES);
}
