/** An SSH certificate for an RSA key, signed by nobody: whoever it is shown to checks that. */

import { randomBytes } from "node:crypto";
import { ByteWriter } from "../../lib/bytes.ts";
import { hostKey } from "./host-key.ts";

export interface UserCertificateChange {
  /** 1 user, 2 host. */
  readonly role?: number;
  readonly validAfter?: bigint;
  readonly validBefore?: bigint;
}

/** @param keyBlob an `ssh-rsa` blob. */
export function userCertificate(keyBlob: Uint8Array, change: UserCertificateChange = {}): Uint8Array {
  const { role = 1, validAfter = 0n, validBefore = 2n ** 64n - 1n } = change;
  const writer = new ByteWriter().string("ssh-rsa-cert-v01@openssh.com").string(randomBytes(32));
  writer
    .bytes(keyBlob.subarray(4 + "ssh-rsa".length))
    .u64(1n)
    .u32(role)
    .string("id")
    .string(new ByteWriter().string("root").finish())
    .u64(validAfter)
    .u64(validBefore);
  return writer.string("").string("").string("").string(hostKey().blob).string("signature").finish();
}
