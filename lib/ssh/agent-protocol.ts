/**
 * Requests of the SSH agent protocol (RFC 9987), bytes to value and back. Answers are in `agent-response.ts`.
 *
 *     11  -                                            25  as 17 · constraint[]
 *     13  string key_blob · string data · uint32 flags 26  string token_id · string pin · constraint[]
 *     17  string key_type · key fields · string comment
 *     18  string key_blob                              27  string name · byte[] contents
 *     19  -                                            20, 21  string token_id · string pin
 *                                                      22, 23  string passphrase
 */

import { ByteReader, ByteWriter } from "../bytes.ts";
import { assertNever } from "../errors.ts";
import { type AddOtherRequest, type AddRequest, decodeAdd, encodeAdd } from "./add-identity.ts";
import { type Constraint, decodeConstraints, encodeConstraints } from "./constraints.ts";
import {
  SSH_AGENTC_ADD_ID_CONSTRAINED,
  SSH_AGENTC_ADD_IDENTITY,
  SSH_AGENTC_ADD_SMARTCARD_KEY,
  SSH_AGENTC_ADD_SMARTCARD_KEY_CONSTRAINED,
  SSH_AGENTC_EXTENSION,
  SSH_AGENTC_LOCK,
  SSH_AGENTC_REMOVE_ALL_IDENTITIES,
  SSH_AGENTC_REMOVE_IDENTITY,
  SSH_AGENTC_REMOVE_SMARTCARD_KEY,
  SSH_AGENTC_REQUEST_IDENTITIES,
  SSH_AGENTC_SIGN_REQUEST,
  SSH_AGENTC_UNLOCK,
} from "./message-numbers.ts";
import { MAX_KEY_BLOB_BYTES, MAX_NAME_BYTES, MAX_SECRET_BYTES, MAX_SIGN_DATA_BYTES, MAX_TEXT_BYTES } from "./wire.ts";

/**
 * Every request there is; `unsupported` is any other type, whatever follows it. Arrays are views of the frame: copy
 * them before keeping them. `pin` and `passphrase` are secrets: never log them, and wipe the frame after use.
 */
export type AgentRequest =
  | { readonly kind: "list" }
  | { readonly kind: "sign"; readonly keyBlob: Uint8Array; readonly data: Uint8Array; readonly flags: number }
  | AddRequest
  | AddOtherRequest
  | { readonly kind: "remove"; readonly keyBlob: Uint8Array }
  | { readonly kind: "remove-all" }
  | {
      readonly kind: "add-smartcard";
      /** Opaque; OpenSSH sends the path of a PKCS#11 library. */
      readonly tokenId: string;
      readonly pin: Uint8Array;
    }
  | {
      readonly kind: "add-smartcard-constrained";
      readonly tokenId: string;
      readonly pin: Uint8Array;
      readonly constraints: readonly Constraint[];
    }
  | { readonly kind: "remove-smartcard"; readonly tokenId: string; readonly pin: Uint8Array }
  | { readonly kind: "lock"; readonly passphrase: Uint8Array }
  | { readonly kind: "unlock"; readonly passphrase: Uint8Array }
  | { readonly kind: "extension"; readonly name: string; readonly body: Uint8Array }
  | { readonly kind: "unsupported"; readonly type: number };

/**
 * One frame's body, type byte first. Bytes after the last field are ignored in `list` and `sign`, where OpenSSH's agent
 * ignores them (observed); elsewhere they are an error.
 *
 * @throws MALFORMED, TOO_LARGE: answer FAILURE, the connection stays.
 */
export function decodeRequest(frame: Uint8Array): AgentRequest {
  const reader = new ByteReader(frame, "agent request");
  const type = reader.u8("type");
  switch (type) {
    case SSH_AGENTC_REQUEST_IDENTITIES:
      return { kind: "list" };
    case SSH_AGENTC_SIGN_REQUEST:
      return {
        kind: "sign",
        keyBlob: reader.string("key_blob", MAX_KEY_BLOB_BYTES),
        data: reader.string("data", MAX_SIGN_DATA_BYTES),
        flags: reader.u32("flags"),
      };
    case SSH_AGENTC_ADD_IDENTITY:
    case SSH_AGENTC_ADD_ID_CONSTRAINED:
      return decodeAdd(reader.rest(), type === SSH_AGENTC_ADD_ID_CONSTRAINED);
    case SSH_AGENTC_EXTENSION:
      return { kind: "extension", name: reader.text("name", MAX_NAME_BYTES), body: reader.rest() };
    case SSH_AGENTC_ADD_SMARTCARD_KEY_CONSTRAINED:
      return {
        kind: "add-smartcard-constrained",
        ...tokenFields(reader),
        constraints: decodeConstraints(reader.rest(), "smartcard"),
      };
    default: {
      const request = decodeStrict(type, reader);
      if (request.kind !== "unsupported") reader.end();
      return request;
    }
  }
}

/** The inverse of {@link decodeRequest}. @returns a fresh array, to be framed by `encodeFrame`. */
export function encodeRequest(request: AgentRequest): Uint8Array {
  const writer = new ByteWriter();
  switch (request.kind) {
    case "list":
      return writer.u8(SSH_AGENTC_REQUEST_IDENTITIES).finish();
    case "sign":
      writer.u8(SSH_AGENTC_SIGN_REQUEST).string(request.keyBlob).string(request.data);
      return writer.u32(request.flags).finish();
    case "add":
    case "add-constrained":
    case "add-other":
      return encodeAdd(request);
    case "remove":
      return writer.u8(SSH_AGENTC_REMOVE_IDENTITY).string(request.keyBlob).finish();
    case "remove-all":
      return writer.u8(SSH_AGENTC_REMOVE_ALL_IDENTITIES).finish();
    case "add-smartcard":
      return writer.u8(SSH_AGENTC_ADD_SMARTCARD_KEY).string(request.tokenId).string(request.pin).finish();
    case "add-smartcard-constrained":
      writer.u8(SSH_AGENTC_ADD_SMARTCARD_KEY_CONSTRAINED).string(request.tokenId).string(request.pin);
      return writer.bytes(encodeConstraints(request.constraints)).finish();
    case "remove-smartcard":
      return writer.u8(SSH_AGENTC_REMOVE_SMARTCARD_KEY).string(request.tokenId).string(request.pin).finish();
    case "lock":
      return writer.u8(SSH_AGENTC_LOCK).string(request.passphrase).finish();
    case "unlock":
      return writer.u8(SSH_AGENTC_UNLOCK).string(request.passphrase).finish();
    case "extension":
      return writer.u8(SSH_AGENTC_EXTENSION).string(request.name).bytes(request.body).finish();
    case "unsupported":
      return writer.u8(request.type).finish();
    default:
      return assertNever(request);
  }
}

/** The requests after whose last field nothing may follow. */
function decodeStrict(type: number, reader: ByteReader): AgentRequest {
  switch (type) {
    case SSH_AGENTC_REMOVE_IDENTITY:
      return { kind: "remove", keyBlob: reader.string("key_blob", MAX_KEY_BLOB_BYTES) };
    case SSH_AGENTC_REMOVE_ALL_IDENTITIES:
      return { kind: "remove-all" };
    case SSH_AGENTC_ADD_SMARTCARD_KEY:
      return { kind: "add-smartcard", ...tokenFields(reader) };
    case SSH_AGENTC_REMOVE_SMARTCARD_KEY:
      return { kind: "remove-smartcard", ...tokenFields(reader) };
    case SSH_AGENTC_LOCK:
      return { kind: "lock", passphrase: reader.string("passphrase", MAX_SECRET_BYTES) };
    case SSH_AGENTC_UNLOCK:
      return { kind: "unlock", passphrase: reader.string("passphrase", MAX_SECRET_BYTES) };
    default:
      return { kind: "unsupported", type };
  }
}

function tokenFields(reader: ByteReader): { readonly tokenId: string; readonly pin: Uint8Array } {
  return { tokenId: reader.text("token_id", MAX_TEXT_BYTES), pin: reader.string("pin", MAX_SECRET_BYTES) };
}
