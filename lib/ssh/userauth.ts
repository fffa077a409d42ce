/**
 * What an agent signs for a login: the `publickey` user authentication request (RFC 4252 section 7), and OpenSSH's
 * variant that also names the server's host key (PROTOCOL, "publickey-hostbound-v00@openssh.com").
 *
 *     string session_id · byte 50 · string user · string service · string method · bool 1 · string algorithm
 *     string key_blob · string host_key (only with the hostbound method)
 */

import { ByteReader, ByteWriter } from "../bytes.ts";
import { MalformedError } from "../errors.ts";
import { MAX_KEY_BLOB_BYTES, MAX_NAME_BYTES, MAX_SESSION_ID_BYTES, MAX_TEXT_BYTES } from "./wire.ts";

export const SSH_MSG_USERAUTH_REQUEST = 50;
export const METHOD_PUBLICKEY = "publickey";
export const METHOD_HOSTBOUND = "publickey-hostbound-v00@openssh.com";

/** A login as it is to be signed. Arrays are views of the data. */
export interface UserauthRequest {
  readonly kind: "userauth";
  /** The exchange hash of the connection's first key exchange, 1 to 128 bytes. */
  readonly sessionId: Uint8Array;
  readonly user: string;
  /** `ssh-connection` for a login; whatever was asked for is here. */
  readonly service: string;
  readonly method: typeof METHOD_PUBLICKEY | typeof METHOD_HOSTBOUND;
  /** `rsa-sha2-512`, `rsa-sha2-512-cert-v01@openssh.com` … */
  readonly algorithm: string;
  /** The key, or a certificate for it. */
  readonly keyBlob: Uint8Array;
  /** The server's host key or host certificate; there exactly with the hostbound method. */
  readonly hostKey: Uint8Array | undefined;
}

/**
 * @returns null for data that does not begin with a session id (a string of 1 to 128 bytes) and byte 50: not mine.
 * @throws MALFORMED, TOO_LARGE for data that does and is not exactly this structure: a field cut short, a method other
 * than the two, a has-signature byte other than 1, bytes after the last field.
 */
export function decodeUserauth(data: Uint8Array): UserauthRequest | null {
  if (!looksLikeUserauth(data)) return null;
  const reader = new ByteReader(data, "user authentication request");
  const sessionId = reader.string("session_id", MAX_SESSION_ID_BYTES);
  reader.u8("message number");
  const user = reader.text("user", MAX_TEXT_BYTES);
  const service = reader.text("service", MAX_NAME_BYTES);
  const method = decodeMethod(reader.text("method", MAX_NAME_BYTES));
  // RFC 4251: every other value reads as true too, but must not be written.
  if (reader.u8("has_signature") !== 1)
    throw new MalformedError("user authentication request: has_signature is not true");
  const algorithm = reader.text("algorithm", MAX_NAME_BYTES);
  const keyBlob = reader.string("key_blob", MAX_KEY_BLOB_BYTES);
  const hostKey = method === METHOD_HOSTBOUND ? reader.string("host_key", MAX_KEY_BLOB_BYTES) : undefined;
  reader.end();
  return { kind: "userauth", sessionId, user, service, method, algorithm, keyBlob, hostKey };
}

/** The inverse of {@link decodeUserauth}. @returns a fresh array. */
export function encodeUserauth(request: Omit<UserauthRequest, "kind">): Uint8Array {
  const writer = new ByteWriter().string(request.sessionId).u8(SSH_MSG_USERAUTH_REQUEST);
  writer.string(request.user).string(request.service).string(request.method).bool(true);
  writer.string(request.algorithm).string(request.keyBlob);
  if (request.hostKey !== undefined) writer.string(request.hostKey);
  return writer.finish();
}

function looksLikeUserauth(data: Uint8Array): boolean {
  if (data.length < 5) return false;
  const length = new ByteReader(data, "session id").u32("length");
  return length >= 1 && length <= MAX_SESSION_ID_BYTES && data[4 + length] === SSH_MSG_USERAUTH_REQUEST;
}

function decodeMethod(method: string): UserauthRequest["method"] {
  if (method === METHOD_PUBLICKEY || method === METHOD_HOSTBOUND) return method;
  throw new MalformedError(`user authentication request: unknown method ${JSON.stringify(method)}`);
}
