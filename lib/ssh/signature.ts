/**
 * RSA signatures in SSH: which algorithm the flags of a sign request ask for, the DigestInfo that the card signs, and
 * the signature blob (RFC 8332, RFC 9987 section 8.3, RFC 8017 section 9.2). The digest itself is the caller's work.
 *
 *     string algorithm · string signature (the modulus's length)
 *     sk- types: … · byte flags · uint32 counter
 */

import { ByteReader, ByteWriter } from "../bytes.ts";
import { encodeDigestInfo, type HashName } from "../digest-info.ts";
import { KeyError } from "../errors.ts";
import { MAX_NAME_BYTES, MAX_SIGNATURE_BYTES } from "./wire.ts";

/** Flags of a sign request. 0x01 is reserved (historic). */
export const SSH_AGENT_RSA_SHA2_256 = 2;
export const SSH_AGENT_RSA_SHA2_512 = 4;

export type RsaAlgorithm = "ssh-rsa" | "rsa-sha2-256" | "rsa-sha2-512";

const HASHES = {
  "ssh-rsa": "sha1",
  "rsa-sha2-256": "sha256",
  "rsa-sha2-512": "sha512",
} as const satisfies Readonly<Record<RsaAlgorithm, HashName>>;

/**
 * The algorithm that the flags of a sign request for an RSA key ask for: 0 is SHA-1, and with both SHA-2 flags 256 is
 * taken, as OpenSSH's agent does. The answer must carry exactly this name: clients check it.
 *
 * @throws KeyError ALGORITHM_UNSUPPORTED for any other bit ("MUST fail", RFC 9987).
 */
export function chooseAlgorithm(flags: number): RsaAlgorithm {
  switch (flags) {
    case 0:
      return "ssh-rsa";
    case SSH_AGENT_RSA_SHA2_256:
    case SSH_AGENT_RSA_SHA2_256 | SSH_AGENT_RSA_SHA2_512:
      return "rsa-sha2-256";
    case SSH_AGENT_RSA_SHA2_512:
      return "rsa-sha2-512";
    default:
      throw new KeyError("ALGORITHM_UNSUPPORTED", `choose the signature's algorithm: unknown flags ${flags}`, {
        details: { flags },
      });
  }
}

/** The algorithm that a login request names, for a plain key or for a certificate; undefined for any other name. */
export function rsaAlgorithmNamed(name: string): RsaAlgorithm | undefined {
  switch (name) {
    case "ssh-rsa":
    case "ssh-rsa-cert-v01@openssh.com":
      return "ssh-rsa";
    case "rsa-sha2-256":
    case "rsa-sha2-256-cert-v01@openssh.com":
      return "rsa-sha2-256";
    case "rsa-sha2-512":
    case "rsa-sha2-512-cert-v01@openssh.com":
      return "rsa-sha2-512";
    default:
      return undefined;
  }
}

/** The hash to compute over the data to be signed. */
export function hashOf(algorithm: RsaAlgorithm): HashName {
  return HASHES[algorithm];
}

/** The DER DigestInfo of a finished digest: 35, 51 or 83 bytes, a fresh array. @throws MALFORMED for a wrong length. */
export function digestInfo(algorithm: RsaAlgorithm, digest: Uint8Array): Uint8Array {
  return encodeDigestInfo(hashOf(algorithm), digest);
}

/** The signature blob of a sign response, a fresh array. The name is the plain one also for a certificate. */
export function signatureBlob(algorithm: RsaAlgorithm, raw: Uint8Array): Uint8Array {
  return new ByteWriter().string(algorithm).string(raw).finish();
}

/** A signature blob taken apart; views. */
export interface Signature {
  readonly algorithm: string;
  readonly bytes: Uint8Array;
  /** What a FIDO key adds: the authenticator's flags and its counter. */
  readonly sk: { readonly flags: number; readonly counter: number } | undefined;
}

/** A signature blob of any algorithm. @throws MALFORMED, TOO_LARGE. */
export function decodeSignature(blob: Uint8Array): Signature {
  const reader = new ByteReader(blob, "signature");
  const algorithm = reader.text("algorithm", MAX_NAME_BYTES);
  const bytes = reader.string("signature", MAX_SIGNATURE_BYTES);
  const sk = algorithm.startsWith("sk-") ? { flags: reader.u8("flags"), counter: reader.u32("counter") } : undefined;
  reader.end();
  return { algorithm, bytes, sk };
}
