/**
 * Constraints of an added key (RFC 9987, PROTOCOL.agent). A type byte and no length, so an unknown one
 * cannot be skipped: the whole request fails, as it must ("MUST refuse").
 *
 *     1    uint32 seconds
 *     2    -
 *     255  string name · details
 */

import { ByteReader, ByteWriter } from "../bytes.ts";
import { assertNever, MalformedError } from "../errors.ts";
import { type DestinationConstraint, decodeDestinations, encodeDestinations } from "./destination-constraint.ts";
import {
  CONSTRAINT_ASSOCIATED_CERTS,
  CONSTRAINT_RESTRICT_DESTINATION,
  CONSTRAINT_SK_PROVIDER,
  SSH_AGENT_CONSTRAIN_CONFIRM,
  SSH_AGENT_CONSTRAIN_EXTENSION,
  SSH_AGENT_CONSTRAIN_LIFETIME,
} from "./message-numbers.ts";
import { MAX_FRAME_BYTES, MAX_KEY_BLOB_BYTES, MAX_NAME_BYTES, MAX_TEXT_BYTES } from "./wire.ts";

/** Most certificates of one token (as OpenSSH's AGENT_MAX_EXT_CERTS). */
const MAX_ASSOCIATED_CERTIFICATES = 1024;

/** One constraint; each kind at most once per request. Arrays are views of the frame. */
export type Constraint =
  | { readonly kind: "lifetime"; readonly seconds: number }
  | { readonly kind: "confirm" }
  | { readonly kind: "restrict-destination"; readonly destinations: readonly DestinationConstraint[] }
  | { readonly kind: "associated-certs"; readonly certsOnly: boolean; readonly certificates: readonly Uint8Array[] }
  | { readonly kind: "sk-provider"; readonly path: string };

/** What the constraints are for: associated certificates belong to a smart card, a FIDO library to a key. */
export type ConstraintPlace = "identity" | "smartcard";

/** All constraints up to the end of `body`. @throws MALFORMED (unknown, twice, or in the wrong place), TOO_LARGE. */
export function decodeConstraints(body: Uint8Array, place: ConstraintPlace): readonly Constraint[] {
  const reader = new ByteReader(body, "key constraints");
  const constraints: Constraint[] = [];
  while (reader.remaining > 0) {
    const constraint = decodeConstraint(reader, place);
    if (constraints.some(({ kind }) => kind === constraint.kind))
      throw new MalformedError(`key constraints: "${constraint.kind}" is there twice`);
    constraints.push(constraint);
  }
  return constraints;
}

/** The inverse of {@link decodeConstraints}. @returns a fresh array. */
export function encodeConstraints(constraints: readonly Constraint[]): Uint8Array {
  const writer = new ByteWriter();
  for (const constraint of constraints) encodeConstraint(writer, constraint);
  return writer.finish();
}

function decodeConstraint(reader: ByteReader, place: ConstraintPlace): Constraint {
  const type = reader.u8("type");
  switch (type) {
    case SSH_AGENT_CONSTRAIN_LIFETIME:
      return { kind: "lifetime", seconds: reader.u32("seconds") };
    case SSH_AGENT_CONSTRAIN_CONFIRM:
      return { kind: "confirm" };
    case SSH_AGENT_CONSTRAIN_EXTENSION:
      return decodeExtension(reader, place);
    default:
      throw new MalformedError(`key constraints: unknown type ${type}`);
  }
}

function decodeExtension(reader: ByteReader, place: ConstraintPlace): Constraint {
  const name = reader.text("extension name", MAX_NAME_BYTES);
  if (name === CONSTRAINT_RESTRICT_DESTINATION)
    return {
      kind: "restrict-destination",
      destinations: decodeDestinations(reader.string("destinations", MAX_FRAME_BYTES)),
    };
  if (name === CONSTRAINT_ASSOCIATED_CERTS && place === "smartcard") {
    const certsOnly = reader.bool("certs_only");
    return { kind: "associated-certs", certsOnly, certificates: decodeCertificates(reader) };
  }
  if (name === CONSTRAINT_SK_PROVIDER && place === "identity")
    return { kind: "sk-provider", path: reader.text("sk provider", MAX_TEXT_BYTES) };
  throw new MalformedError(`key constraints: unknown extension ${JSON.stringify(name)} for this request`);
}

function decodeCertificates(outer: ByteReader): readonly Uint8Array[] {
  const reader = new ByteReader(outer.string("certificates", MAX_FRAME_BYTES), "associated certificates");
  const certificates: Uint8Array[] = [];
  while (reader.remaining > 0) {
    if (certificates.length === MAX_ASSOCIATED_CERTIFICATES)
      throw new MalformedError(`associated certificates: more than ${MAX_ASSOCIATED_CERTIFICATES}`);
    certificates.push(reader.string("certificate", MAX_KEY_BLOB_BYTES));
  }
  return certificates;
}

function encodeConstraint(writer: ByteWriter, constraint: Constraint): void {
  switch (constraint.kind) {
    case "lifetime":
      writer.u8(SSH_AGENT_CONSTRAIN_LIFETIME).u32(constraint.seconds);
      return;
    case "confirm":
      writer.u8(SSH_AGENT_CONSTRAIN_CONFIRM);
      return;
    case "restrict-destination":
      writer.u8(SSH_AGENT_CONSTRAIN_EXTENSION).string(CONSTRAINT_RESTRICT_DESTINATION);
      writer.string(encodeDestinations(constraint.destinations));
      return;
    case "associated-certs": {
      const certificates = new ByteWriter();
      for (const certificate of constraint.certificates) certificates.string(certificate);
      writer.u8(SSH_AGENT_CONSTRAIN_EXTENSION).string(CONSTRAINT_ASSOCIATED_CERTS);
      writer.bool(constraint.certsOnly).string(certificates.finish());
      return;
    }
    case "sk-provider":
      writer.u8(SSH_AGENT_CONSTRAIN_EXTENSION).string(CONSTRAINT_SK_PROVIDER).string(constraint.path);
      return;
    default:
      assertNever(constraint);
  }
}
