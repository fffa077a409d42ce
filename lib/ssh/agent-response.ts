/**
 * Answers of the SSH agent protocol (RFC 9987), value to bytes and back.
 *
 *     5   failure              12  uint32 n · n × { string key_blob · string comment }
 *     6   success              14  string signature
 *     28  extension failure    29  string name · byte[] contents
 */

import { ByteReader, ByteWriter } from "../bytes.ts";
import { assertNever, MalformedError, TooLargeError } from "../errors.ts";
import {
  SSH_AGENT_EXTENSION_FAILURE,
  SSH_AGENT_EXTENSION_RESPONSE,
  SSH_AGENT_FAILURE,
  SSH_AGENT_IDENTITIES_ANSWER,
  SSH_AGENT_SIGN_RESPONSE,
  SSH_AGENT_SUCCESS,
  SSH_COM_AGENT2_FAILURE,
  SSH2_AGENT_FAILURE,
} from "./message-numbers.ts";
import { MAX_IDENTITIES, MAX_KEY_BLOB_BYTES, MAX_NAME_BYTES, MAX_SIGNATURE_BYTES, MAX_TEXT_BYTES } from "./wire.ts";

/** One entry of a list. Arrays are views of the frame when decoded. */
export interface Identity {
  /** The public key or certificate: the key's name everywhere, compared byte by byte. */
  readonly keyBlob: Uint8Array;
  /** UTF-8 as a rule; kept as bytes because another agent's need not be. */
  readonly comment: Uint8Array;
}

/** Every answer there is. */
export type AgentResponse =
  | { readonly kind: "failure" }
  | { readonly kind: "success" }
  | { readonly kind: "identities"; readonly identities: readonly Identity[] }
  | {
      readonly kind: "signature";
      /** `string algorithm · string bytes`, see `signature.ts`. */
      readonly signature: Uint8Array;
    }
  | { readonly kind: "extension-failure" }
  | { readonly kind: "extension-response"; readonly name: string; readonly body: Uint8Array };

/** Refused, unknown or failed. */
export const FAILURE: AgentResponse = { kind: "failure" };
export const SUCCESS: AgentResponse = { kind: "success" };
/** A known extension failed. Not for anything else: OpenSSH before 10.3 does not know it after a sign request. */
export const EXTENSION_FAILURE: AgentResponse = { kind: "extension-failure" };

/** One frame's body, type byte first. @returns a fresh array, to be framed by `encodeFrame`. */
export function encodeResponse(response: AgentResponse): Uint8Array {
  const writer = new ByteWriter();
  switch (response.kind) {
    case "failure":
      return writer.u8(SSH_AGENT_FAILURE).finish();
    case "success":
      return writer.u8(SSH_AGENT_SUCCESS).finish();
    case "identities":
      writer.u8(SSH_AGENT_IDENTITIES_ANSWER).u32(response.identities.length);
      for (const { keyBlob, comment } of response.identities) writer.string(keyBlob).string(comment);
      return writer.finish();
    case "signature":
      return writer.u8(SSH_AGENT_SIGN_RESPONSE).string(response.signature).finish();
    case "extension-failure":
      return writer.u8(SSH_AGENT_EXTENSION_FAILURE).finish();
    case "extension-response":
      return writer.u8(SSH_AGENT_EXTENSION_RESPONSE).string(response.name).bytes(response.body).finish();
    default:
      return assertNever(response);
  }
}

/**
 * The inverse of {@link encodeResponse}, for what an agent answered us. The failure codes of old agents count as
 * `failure`; bytes after a signature are ignored, as ssh ignores them (observed).
 *
 * @throws MALFORMED, also for a type that is no answer; TOO_LARGE, also over {@link MAX_IDENTITIES} entries.
 */
export function decodeResponse(frame: Uint8Array): AgentResponse {
  const reader = new ByteReader(frame, "agent response");
  const type = reader.u8("type");
  if (type === SSH_AGENT_SIGN_RESPONSE)
    return { kind: "signature", signature: reader.string("signature", MAX_SIGNATURE_BYTES) };
  const response = decodeStrict(type, reader);
  reader.end();
  return response;
}

/** The contents of the answer to `query`: the names of the extensions that work, up to the end, without a count. */
export function encodeQueryNames(names: readonly string[]): Uint8Array {
  const writer = new ByteWriter();
  for (const name of names) writer.string(name);
  return writer.finish();
}

/** The inverse of {@link encodeQueryNames}. @throws MALFORMED, TOO_LARGE. */
export function decodeQueryNames(body: Uint8Array): readonly string[] {
  const reader = new ByteReader(body, "extension names");
  const names: string[] = [];
  while (reader.remaining > 0) names.push(reader.text("name", MAX_NAME_BYTES));
  return names;
}

function decodeStrict(type: number, reader: ByteReader): AgentResponse {
  switch (type) {
    case SSH_AGENT_FAILURE:
    case SSH2_AGENT_FAILURE:
    case SSH_COM_AGENT2_FAILURE:
      return FAILURE;
    case SSH_AGENT_SUCCESS:
      return SUCCESS;
    case SSH_AGENT_IDENTITIES_ANSWER:
      return { kind: "identities", identities: decodeIdentities(reader) };
    case SSH_AGENT_EXTENSION_FAILURE:
      return EXTENSION_FAILURE;
    case SSH_AGENT_EXTENSION_RESPONSE:
      return { kind: "extension-response", name: reader.text("name", MAX_NAME_BYTES), body: reader.rest() };
    default:
      throw new MalformedError(`agent response: unknown type ${type}`);
  }
}

function decodeIdentities(reader: ByteReader): readonly Identity[] {
  const count = reader.u32("count");
  if (count > MAX_IDENTITIES)
    throw new TooLargeError(`agent response: ${count} identities, the limit is ${MAX_IDENTITIES}`);
  const identities: Identity[] = [];
  while (identities.length < count)
    identities.push({
      keyBlob: reader.string("key_blob", MAX_KEY_BLOB_BYTES),
      comment: reader.string("comment", MAX_TEXT_BYTES),
    });
  return identities;
}
