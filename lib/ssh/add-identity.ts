/**
 * The key inside an add request: where its fields end and the comment begins (RFC 9987; PROTOCOL.u2f for
 * `sk-`). What is in the fields stays unread: this agent keeps no such keys, it passes them on.
 *
 *     string key_type · key fields · string comment · constraint[] (only when constrained)
 */

import { ByteReader, ByteWriter } from "../bytes.ts";
import { type Constraint, decodeConstraints, encodeConstraints } from "./constraints.ts";
import { SSH_AGENTC_ADD_ID_CONSTRAINED, SSH_AGENTC_ADD_IDENTITY } from "./message-numbers.ts";
import { MAX_FRAME_BYTES, MAX_NAME_BYTES, MAX_TEXT_BYTES } from "./wire.ts";

/** A key to be added. Holds private key material: never log it. All arrays are views of the frame. */
export interface AddRequest {
  readonly kind: "add" | "add-constrained";
  readonly keyType: string;
  /** Everything between the key type and the comment, as it came. */
  readonly keyFields: Uint8Array;
  /** UTF-8 as a rule; kept as bytes because nothing makes sure of it. */
  readonly comment: Uint8Array;
  /** Empty for `add`. */
  readonly constraints: readonly Constraint[];
}

/** A key of a type whose fields this program does not know, so that neither comment nor constraints can be found. */
export interface AddOtherRequest {
  readonly kind: "add-other";
  readonly constrained: boolean;
  readonly keyType: string;
  readonly rest: Uint8Array;
}

/** Fields after the key type: `s` a string or mpint, `b` one byte. In a certificate's the first is the certificate. */
const KEY_FIELDS: ReadonlyMap<string, string> = new Map([
  ["ssh-rsa", "ssssss"],
  ["ssh-dss", "sssss"],
  ["ssh-ed25519", "ss"],
  ["ecdsa-sha2-nistp256", "sss"],
  ["ecdsa-sha2-nistp384", "sss"],
  ["ecdsa-sha2-nistp521", "sss"],
  ["sk-ssh-ed25519@openssh.com", "ssbss"],
  ["sk-ecdsa-sha2-nistp256@openssh.com", "sssbss"],
  ["ssh-rsa-cert-v01@openssh.com", "sssss"],
  ["ssh-dss-cert-v01@openssh.com", "ss"],
  ["ssh-ed25519-cert-v01@openssh.com", "sss"],
  ["ecdsa-sha2-nistp256-cert-v01@openssh.com", "ss"],
  ["ecdsa-sha2-nistp384-cert-v01@openssh.com", "ss"],
  ["ecdsa-sha2-nistp521-cert-v01@openssh.com", "ss"],
  ["sk-ssh-ed25519-cert-v01@openssh.com", "sssbss"],
  ["sk-ecdsa-sha2-nistp256-cert-v01@openssh.com", "ssbss"],
]);

/**
 * What follows the type byte of ADD_IDENTITY or ADD_ID_CONSTRAINED.
 *
 * @throws MALFORMED, also for an unknown constraint and for bytes after the comment of an unconstrained key; TOO_LARGE.
 */
export function decodeAdd(body: Uint8Array, constrained: boolean): AddRequest | AddOtherRequest {
  const head = new ByteReader(body, "add request");
  const keyType = head.text("key_type", MAX_NAME_BYTES);
  const rest = head.rest();
  const layout = KEY_FIELDS.get(keyType);
  if (layout === undefined) return { kind: "add-other", constrained, keyType, rest };
  const reader = new ByteReader(rest, "add request");
  for (const [i, field] of [...layout].entries()) {
    if (field === "b") reader.u8(`key field ${i + 1}`);
    else reader.string(`key field ${i + 1}`, MAX_FRAME_BYTES);
  }
  const keyFields = rest.subarray(0, rest.length - reader.remaining);
  const comment = reader.string("comment", MAX_TEXT_BYTES);
  const constraints = constrained ? decodeConstraints(reader.rest(), "identity") : [];
  reader.end();
  return { kind: constrained ? "add-constrained" : "add", keyType, keyFields, comment, constraints };
}

/** The inverse of {@link decodeAdd}, type byte first. @returns a fresh array that holds private key material. */
export function encodeAdd(request: AddRequest | AddOtherRequest): Uint8Array {
  const constrained = request.kind === "add-other" ? request.constrained : request.kind === "add-constrained";
  const writer = new ByteWriter().u8(constrained ? SSH_AGENTC_ADD_ID_CONSTRAINED : SSH_AGENTC_ADD_IDENTITY);
  writer.string(request.keyType);
  if (request.kind === "add-other") return writer.bytes(request.rest).finish();
  return writer.bytes(request.keyFields).string(request.comment).bytes(encodeConstraints(request.constraints)).finish();
}
