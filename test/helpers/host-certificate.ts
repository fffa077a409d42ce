/** A certification authority for SSH hosts, and a host that it certifies. */

import { generateKeyPairSync, randomBytes, sign } from "node:crypto";
import { ByteWriter } from "../../lib/bytes.ts";
import { hostKey } from "./host-key.ts";

export interface CertificateChange {
  readonly principals?: readonly string[];
  readonly validAfter?: bigint;
  readonly validBefore?: bigint;
  /** 1 user, 2 host. */
  readonly role?: number;
  readonly criticalOption?: string;
  /** Signed by nobody. */
  readonly forged?: boolean;
}

export interface CertifiedHost {
  readonly authorityBlob: Uint8Array;
  /** The plain key inside the certificates. */
  readonly hostBlob: Uint8Array;
  certificate(change?: CertificateChange): Uint8Array;
}

export function certifiedHost(): CertifiedHost {
  const { privateKey, publicKey } = generateKeyPairSync("ed25519");
  const { x = "" } = publicKey.export({ format: "jwk" });
  const authorityBlob = new ByteWriter().string("ssh-ed25519").string(Buffer.from(x, "base64url")).finish();
  const hostBlob = hostKey().blob;
  return {
    authorityBlob,
    hostBlob,
    certificate: ({
      principals = [],
      validAfter = 0n,
      validBefore = 2n ** 64n - 1n,
      role = 2,
      criticalOption,
      forged = false,
    } = {}) => {
      const names = new ByteWriter();
      for (const principal of principals) names.string(principal);
      const critical = criticalOption === undefined ? "" : new ByteWriter().string(criticalOption).string("").finish();
      const signed = new ByteWriter()
        .string("ssh-ed25519-cert-v01@openssh.com")
        .string(randomBytes(32))
        .bytes(hostBlob.subarray(4 + "ssh-ed25519".length))
        .u64(1n)
        .u32(role)
        .string("host")
        .string(names.finish())
        .u64(validAfter)
        .u64(validBefore)
        .string(critical)
        .string("")
        .string("")
        .string(authorityBlob)
        .finish();
      const raw = forged ? randomBytes(64) : sign(null, signed, privateKey);
      const signature = new ByteWriter().string("ssh-ed25519").string(raw).finish();
      return new ByteWriter().bytes(signed).string(signature).finish();
    },
  };
}
