/**
 * `session-bind@openssh.com`: a client tells the agent which server a connection leads to, proved by the signature of
 * that server's key exchange (PROTOCOL.agent).
 *
 *     string host_key · string session_id · string signature · bool is_forwarding
 */

import { ByteReader, ByteWriter } from "../bytes.ts";
import { MalformedError } from "../errors.ts";
import { decodePublicKey } from "./public-key.ts";
import { decodeSshCertificate } from "./ssh-certificate.ts";
import { type Verification, verifySshSignature } from "./verify.ts";
import { MAX_KEY_BLOB_BYTES, MAX_SESSION_ID_BYTES, MAX_SIGNATURE_BYTES } from "./wire.ts";

/** A claim until {@link verifySessionBind} says otherwise. Arrays are views of the frame. */
export interface SessionBind {
  /** The server's host key, or its host certificate. */
  readonly hostKey: Uint8Array;
  /** The exchange hash of the connection's first key exchange. */
  readonly sessionId: Uint8Array;
  readonly signature: Uint8Array;
  /** Whether the agent is about to be forwarded to that server (else: a login there). */
  readonly isForwarding: boolean;
}

/** The extension's body. @throws MALFORMED, also for an empty session id and for bytes after the flag; TOO_LARGE. */
export function decodeSessionBind(body: Uint8Array): SessionBind {
  const reader = new ByteReader(body, "session-bind");
  const bind = {
    hostKey: reader.string("host_key", MAX_KEY_BLOB_BYTES),
    sessionId: reader.string("session_id", MAX_SESSION_ID_BYTES),
    signature: reader.string("signature", MAX_SIGNATURE_BYTES),
    isForwarding: reader.bool("is_forwarding"),
  };
  reader.end();
  if (bind.sessionId.length === 0) throw new MalformedError("session-bind: the session id is empty");
  return bind;
}

/** The inverse of {@link decodeSessionBind}. @returns a fresh array. */
export function encodeSessionBind({ hostKey, sessionId, signature, isForwarding }: SessionBind): Uint8Array {
  return new ByteWriter().string(hostKey).string(sessionId).string(signature).bool(isForwarding).finish();
}

/**
 * Whether the host key signed the session id. Of a host certificate the key inside counts; its authority is not looked
 * at here (ssh has done so, and `known-hosts.ts` does before it names the host).
 *
 * @throws MALFORMED, TOO_LARGE if the key or the signature is broken.
 */
export function verifySessionBind({ hostKey, sessionId, signature }: SessionBind): Verification {
  const key = decodeSshCertificate(hostKey)?.publicKey ?? decodePublicKey(hostKey);
  return verifySshSignature(key, signature, sessionId);
}
