/** An SSH server's ed25519 host key that proves sessions, as in `session-bind@openssh.com`. */

import { generateKeyPairSync, sign } from "node:crypto";
import { ByteWriter } from "../../lib/bytes.ts";
import type { SessionBind } from "../../lib/ssh/session-bind.ts";

export interface HostKey {
  readonly blob: Uint8Array;
  /** A binding with a good signature. */
  bind(sessionId: Uint8Array, isForwarding?: boolean): SessionBind;
}

export function hostKey(): HostKey {
  const { privateKey, publicKey } = generateKeyPairSync("ed25519");
  const { x = "" } = publicKey.export({ format: "jwk" });
  const blob = new ByteWriter().string("ssh-ed25519").string(Buffer.from(x, "base64url")).finish();
  return {
    blob,
    bind: (sessionId, isForwarding = false) => {
      const raw = sign(null, sessionId, privateKey);
      const signature = new ByteWriter().string("ssh-ed25519").string(raw).finish();
      return { hostKey: blob, sessionId, signature, isForwarding };
    },
  };
}
