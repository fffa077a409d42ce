/**
 * What an agent signs for `ssh-keygen -Y sign` and `git commit -S` (PROTOCOL.sshsig, "signed data, of which the
 * signature goes into the blob").
 *
 *     byte[6] "SSHSIG" · string namespace · string reserved · string hash_algorithm · string H(message)
 *
 * The signature *file* is another structure that begins with the same six bytes; it is never signed.
 */

import { ByteReader, ByteWriter, equalBytes, utf8 } from "../bytes.ts";
import { MalformedError } from "../errors.ts";
import { MAX_NAME_BYTES } from "./wire.ts";

const MAGIC = utf8("SSHSIG");
const DIGEST_BYTES = { sha256: 32, sha512: 64 } as const;

export interface SshsigData {
  readonly kind: "sshsig";
  /** What the signature is for: `git`, `file`. Never empty. */
  readonly namespace: string;
  readonly hashAlgorithm: keyof typeof DIGEST_BYTES;
  /** A view of the data. */
  readonly digest: Uint8Array;
}

/**
 * @returns null for data that does not begin with the magic: not mine.
 * @throws MALFORMED, TOO_LARGE for data that does and is not exactly this structure: an empty namespace, something in
 * the reserved field (nothing writes it, and it would be signed unseen), another hash, a digest of the wrong length,
 * bytes after it.
 */
export function decodeSshsig(data: Uint8Array): SshsigData | null {
  if (!equalBytes(data.subarray(0, MAGIC.length), MAGIC)) return null;
  const reader = new ByteReader(data.subarray(MAGIC.length), "SSHSIG data");
  const namespace = reader.text("namespace", MAX_NAME_BYTES);
  if (namespace === "") throw new MalformedError("SSHSIG data: the namespace is empty");
  reader.string("reserved", 0);
  const hashAlgorithm = reader.text("hash_algorithm", MAX_NAME_BYTES);
  if (hashAlgorithm !== "sha256" && hashAlgorithm !== "sha512")
    throw new MalformedError(`SSHSIG data: unknown hash ${JSON.stringify(hashAlgorithm)}`);
  const digest = reader.string("digest", MAX_NAME_BYTES);
  reader.end();
  if (digest.length !== DIGEST_BYTES[hashAlgorithm])
    throw new MalformedError(`SSHSIG data: a digest of ${digest.length} bytes for ${hashAlgorithm}`);
  return { kind: "sshsig", namespace, hashAlgorithm, digest };
}

/** The inverse of {@link decodeSshsig}. @returns a fresh array. */
export function encodeSshsig({ namespace, hashAlgorithm, digest }: Omit<SshsigData, "kind">): Uint8Array {
  return new ByteWriter().bytes(MAGIC).string(namespace).string("").string(hashAlgorithm).string(digest).finish();
}
