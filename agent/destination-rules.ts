/**
 * Whether the hosts that a connection was bound to are ones a key may go to: `restrict-destination-v00@openssh.com`,
 * decided as OpenSSH's agent decides (ssh-agent.c: identity_permitted, permitted_by_dest_constraints, match_key_hop).
 */

import { equalBytes } from "../lib/bytes.ts";
import type { DestinationConstraint, DestinationHop } from "../lib/ssh/destination-constraint.ts";
import { matchPattern } from "../lib/ssh/host-pattern.ts";
import { decodePublicKey } from "../lib/ssh/public-key.ts";
import { decodeSshCertificate, type SshCertificate, validityAt } from "../lib/ssh/ssh-certificate.ts";
import { verifySshSignature } from "../lib/ssh/verify.ts";
import type { Binding } from "./session-bindings.ts";

/** What a connection has shown of itself. */
export interface ConnectionFacts {
  /** Verified, in the order of the hops. */
  readonly bindings: readonly Binding[];
  /** Whether it tried to bind at all, with or without success. */
  readonly bindAttempted: boolean;
}

/**
 * Whether the key may be shown (`user` undefined) or used for a login as `user` on this connection. Nothing bound and
 * nothing tried is use on this machine: the key is shown.
 *
 * @param unixSeconds for the dates of host certificates.
 */
export function permitsConnection(
  destinations: readonly DestinationConstraint[],
  { bindings, bindAttempted }: ConnectionFacts,
  user: string | undefined,
  unixSeconds: number,
): boolean {
  const last = bindings.at(-1);
  if (last === undefined) return !bindAttempted;
  // A login over a connection that is bound for forwarding only is somebody else's.
  if (last.isForwarding && user !== undefined) return false;
  let from: Uint8Array | undefined;
  for (const binding of bindings) {
    const userThere = binding === last ? user : undefined;
    if (binding !== last && !binding.isForwarding) return false;
    if (!permitsStep(destinations, from, binding.hostKey, userThere, unixSeconds)) return false;
    from = binding.hostKey;
  }
  // A forwarding host sees the key only if it may go on from there.
  return !last.isForwarding || permitsStep(destinations, last.hostKey, undefined, undefined, unixSeconds);
}

/** @param from undefined: this machine. @param to undefined: any host. @param user undefined: not known yet. */
function permitsStep(
  destinations: readonly DestinationConstraint[],
  from: Uint8Array | undefined,
  to: Uint8Array | undefined,
  user: string | undefined,
  unixSeconds: number,
): boolean {
  return destinations.some((destination) => {
    const origin = destination.from.hostname === "" && destination.from.keys.length === 0;
    if (from === undefined ? !origin : !matchesHop(from, destination.from, unixSeconds)) return false;
    if (to !== undefined && !matchesHop(to, destination.to, unixSeconds)) return false;
    const pattern = destination.to.user;
    return pattern === "" || user === undefined || matchPattern(user, pattern);
  });
}

function matchesHop(hostKey: Uint8Array, hop: DestinationHop, unixSeconds: number): boolean {
  const certificate = decodeSshCertificate(hostKey);
  return hop.keys.some(({ keyBlob, isCa }) => {
    if (certificate === null) return !isCa && equalBytes(keyBlob, hostKey);
    return isCa && equalBytes(keyBlob, certificate.signatureKey) && isGoodFor(certificate, hop.hostname, unixSeconds);
  });
}

/** A host certificate counts as far as its role, dates, names and authority go; no critical option is known for hosts. */
function isGoodFor(certificate: SshCertificate, hostname: string, unixSeconds: number): boolean {
  if (certificate.role !== "host" || certificate.criticalOptions.length > 0) return false;
  if (validityAt(certificate, unixSeconds) !== "valid") return false;
  if (!certificate.principals.some((principal) => matchPattern(hostname, principal))) return false;
  const authority = decodePublicKey(certificate.signatureKey);
  return verifySshSignature(authority, certificate.signature, certificate.signed) === "valid";
}
