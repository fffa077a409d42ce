/** One list of the keys of two agents. */

import type { Identity } from "../lib/ssh/agent-response.ts";
import { MAX_FRAME_BYTES, MAX_IDENTITIES } from "../lib/ssh/wire.ts";

/** What stands before the entries of IDENTITIES_ANSWER: `byte type · uint32 n`. */
const LIST_HEAD_BYTES = 5;

/**
 * All of ours, then of theirs in their order as many as a client reads and a frame holds. Ours first: servers cut off a
 * client after a few keys.
 */
export function joinIdentities(ours: readonly Identity[], theirs: readonly Identity[]): readonly Identity[] {
  const joined = [...ours];
  let bytes = ours.reduce((sum, identity) => sum + encodedBytes(identity), LIST_HEAD_BYTES);
  for (const identity of theirs) {
    bytes += encodedBytes(identity);
    if (joined.length === MAX_IDENTITIES || bytes > MAX_FRAME_BYTES) break;
    joined.push(identity);
  }
  return joined;
}

/** As in IDENTITIES_ANSWER: `string key_blob · string comment`. */
function encodedBytes({ keyBlob, comment }: Identity): number {
  return 4 + keyBlob.length + 4 + comment.length;
}
