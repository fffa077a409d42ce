/**
 * Signatures by SSH keys, verified by node:crypto: RSA (RFC 4253, RFC 8332), ECDSA (RFC 5656), Ed25519 (RFC 8709) and
 * FIDO keys (PROTOCOL.u2f).
 */

import { createHash, createPublicKey, type JsonWebKey, verify } from "node:crypto";
import { ByteReader, ByteWriter, concatBytes } from "../bytes.ts";
import { assertNever, MalformedError, messageOf } from "../errors.ts";
import type { EcdsaCurve, PublicKey } from "./public-key.ts";
import { decodeSignature, type Signature } from "./signature.ts";
import { decodeMpint, MAX_MPINT_BYTES } from "./wire.ts";

/** `unsupported`: a type of key or of signature that is not known here. */
export type Verification = "valid" | "invalid" | "unsupported";

const RSA_HASHES: ReadonlyMap<string, string> = new Map([
  ["ssh-rsa", "sha1"],
  ["rsa-sha2-256", "sha256"],
  ["rsa-sha2-512", "sha512"],
]);

interface CurveRecord {
  /** The name in a JWK. */
  readonly crv: string;
  readonly hash: string;
  /** Bytes of a coordinate, and of r and s. */
  readonly bytes: number;
}

const CURVES: Readonly<Record<EcdsaCurve, CurveRecord>> = {
  nistp256: { crv: "P-256", hash: "sha256", bytes: 32 },
  nistp384: { crv: "P-384", hash: "sha384", bytes: 48 },
  nistp521: { crv: "P-521", hash: "sha512", bytes: 66 },
};

/**
 * Whether `blob` (`string algorithm · string signature …`) is a signature by `key` over `data`. The algorithm must be one
 * that belongs to the key's type; RSA's names the hash.
 *
 * @throws MALFORMED, TOO_LARGE if the blob is broken, or the key is no point or modulus at all.
 */
export function verifySshSignature(key: PublicKey, blob: Uint8Array, data: Uint8Array): Verification {
  if (key.kind === "other") return "unsupported";
  const signature = decodeSignature(blob);
  switch (key.kind) {
    case "rsa": {
      const hash = RSA_HASHES.get(signature.algorithm);
      if (hash === undefined) return "unsupported";
      const jwk = { kty: "RSA", n: base64url(key.modulus), e: base64url(key.exponent) };
      return check(hash, data, jwk, padStart(signature.bytes, key.modulus.length));
    }
    case "ed25519":
      if (signature.algorithm !== "ssh-ed25519") return "unsupported";
      return check(undefined, data, ed25519Jwk(key.key), signature.bytes);
    case "ecdsa":
      if (signature.algorithm !== `ecdsa-sha2-${key.curve}`) return "unsupported";
      return checkEcdsa(key.curve, key.point, signature.bytes, data);
    case "sk-ed25519":
      if (signature.algorithm !== "sk-ssh-ed25519@openssh.com") return "unsupported";
      return check(undefined, fidoData(key.application, signature, data), ed25519Jwk(key.key), signature.bytes);
    case "sk-ecdsa":
      if (signature.algorithm !== "sk-ecdsa-sha2-nistp256@openssh.com") return "unsupported";
      return checkEcdsa("nistp256", key.point, signature.bytes, fidoData(key.application, signature, data));
    default:
      return assertNever(key);
  }
}

function check(hash: string | undefined, data: Uint8Array, jwk: JsonWebKey, signature: Uint8Array): Verification {
  const key = importKey(jwk);
  return verify(hash, data, { key, dsaEncoding: "ieee-p1363" }, signature) ? "valid" : "invalid";
}

/** RFC 5656 section 3.1.2: the signature is `mpint r · mpint s`. */
function checkEcdsa(curve: EcdsaCurve, point: Uint8Array, signature: Uint8Array, data: Uint8Array): Verification {
  const { crv, hash, bytes } = CURVES[curve];
  const reader = new ByteReader(signature, "ECDSA signature");
  const r = decodeMpint(reader.string("r", MAX_MPINT_BYTES), "r");
  const s = decodeMpint(reader.string("s", MAX_MPINT_BYTES), "s");
  reader.end();
  if (r.length > bytes || s.length > bytes) return "invalid";
  const jwk = {
    kty: "EC",
    crv,
    x: base64url(point.subarray(1, 1 + bytes)),
    y: base64url(point.subarray(1 + bytes)),
  };
  return check(hash, data, jwk, concatBytes(padStart(r, bytes), padStart(s, bytes)));
}

/** PROTOCOL.u2f, "SSH U2F signatures": what the authenticator signs in place of the data. */
function fidoData(application: Uint8Array, { sk }: Signature, data: Uint8Array): Uint8Array {
  if (sk === undefined) throw new MalformedError("FIDO signature: flags and counter are missing");
  return new ByteWriter().bytes(sha256(application)).u8(sk.flags).u32(sk.counter).bytes(sha256(data)).finish();
}

function importKey(jwk: JsonWebKey): ReturnType<typeof createPublicKey> {
  try {
    return createPublicKey({ key: jwk, format: "jwk" });
  } catch (cause) {
    throw new MalformedError(`read a public key: ${messageOf(cause)}`, { cause });
  }
}

function ed25519Jwk(key: Uint8Array): JsonWebKey {
  return { kty: "OKP", crv: "Ed25519", x: base64url(key) };
}

/** Zeros in front up to `length`; as it is when longer, which no verification accepts. */
function padStart(bytes: Uint8Array, length: number): Uint8Array {
  return bytes.length >= length ? bytes : concatBytes(new Uint8Array(length - bytes.length), bytes);
}

function sha256(bytes: Uint8Array): Uint8Array {
  return createHash("sha256").update(bytes).digest();
}

function base64url(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("base64url");
}
