/**
 * `restrict-destination-v00@openssh.com`: between which hosts a key may be used (PROTOCOL.agent, "key constraints").
 *
 *     destinations  string destination, repeated
 *     destination   string from_hop · string to_hop · string reserved (empty)
 *     hop           string user · string hostname · string reserved (empty) · { string key_blob · bool is_ca } repeated
 *
 * PROTOCOL.agent's prose shows the fields flat; on the wire every hop and every destination is a string of its own
 * (observed with OpenSSH 9.2 and 10.5, and so in ssh-agent.c).
 */

import { ByteReader, ByteWriter } from "../bytes.ts";
import { MalformedError } from "../errors.ts";
import { MAX_FRAME_BYTES, MAX_KEY_BLOB_BYTES, MAX_TEXT_BYTES } from "./wire.ts";

/** Most destinations of one key (as OpenSSH's AGENT_MAX_DEST_CONSTRAINTS). */
const MAX_DESTINATIONS = 1024;
/** Most host keys of one hop; ssh-add sends the few that known_hosts has. */
const MAX_HOP_KEYS = 1024;
/** Most bytes of a user pattern (as OpenSSH's AGENT_USER_CONSTRAINT_MAX_LEN). */
const MAX_USER_PATTERN_BYTES = 256;

/** A host key, or a certification authority whose host certificates count. `keyBlob` is a view of the frame. */
export interface HopKey {
  readonly keyBlob: Uint8Array;
  readonly isCa: boolean;
}

/** One end of a permitted step. */
export interface DestinationHop {
  /** A pattern of user names; empty for any. Always empty in `from`. */
  readonly user: string;
  /** For messages only: what counts is `keys`. */
  readonly hostname: string;
  readonly keys: readonly HopKey[];
}

/** One permitted step; a `from` with neither host name nor keys is the host where the agent runs. */
export interface DestinationConstraint {
  readonly from: DestinationHop;
  readonly to: DestinationHop;
}

/** The inside of the extension's string. @throws MALFORMED, also for a hop that OpenSSH refuses; TOO_LARGE. */
export function decodeDestinations(body: Uint8Array): readonly DestinationConstraint[] {
  const reader = new ByteReader(body, "destination constraints");
  const destinations: DestinationConstraint[] = [];
  while (reader.remaining > 0) {
    if (destinations.length === MAX_DESTINATIONS)
      throw new MalformedError(`destination constraints: more than ${MAX_DESTINATIONS}`);
    destinations.push(decodeDestination(reader.string("destination", MAX_FRAME_BYTES)));
  }
  return destinations;
}

/** The inverse of {@link decodeDestinations}. @returns a fresh array. */
export function encodeDestinations(destinations: readonly DestinationConstraint[]): Uint8Array {
  const writer = new ByteWriter();
  for (const { from, to } of destinations)
    writer.string(new ByteWriter().string(encodeHop(from)).string(encodeHop(to)).string("").finish());
  return writer.finish();
}

function decodeDestination(body: Uint8Array): DestinationConstraint {
  const reader = new ByteReader(body, "destination constraint");
  const from = decodeHop(reader.string("from", MAX_FRAME_BYTES), "hop from");
  const to = decodeHop(reader.string("to", MAX_FRAME_BYTES), "hop to");
  reader.string("reserved", 0);
  reader.end();
  if (from.user !== "") throw new MalformedError("destination constraint: a user in the hop from");
  if ((from.hostname === "") !== (from.keys.length === 0))
    throw new MalformedError("destination constraint: the hop from has only one of host name and keys");
  if (to.hostname === "" || to.keys.length === 0)
    throw new MalformedError("destination constraint: the hop to needs a host name and keys");
  return { from, to };
}

function decodeHop(body: Uint8Array, what: string): DestinationHop {
  const reader = new ByteReader(body, what);
  const user = reader.text("user", MAX_USER_PATTERN_BYTES);
  const hostname = reader.text("hostname", MAX_TEXT_BYTES);
  reader.string("reserved", 0);
  const keys: HopKey[] = [];
  while (reader.remaining > 0) {
    if (keys.length === MAX_HOP_KEYS) throw new MalformedError(`${what}: more than ${MAX_HOP_KEYS} keys`);
    keys.push({ keyBlob: reader.string("key_blob", MAX_KEY_BLOB_BYTES), isCa: reader.bool("is_ca") });
  }
  return { user, hostname, keys };
}

function encodeHop({ user, hostname, keys }: DestinationHop): Uint8Array {
  const writer = new ByteWriter().string(user).string(hostname).string("");
  for (const { keyBlob, isCa } of keys) writer.string(keyBlob).bool(isCa);
  return writer.finish();
}
