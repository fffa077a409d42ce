/** Random values of structures that several tests need. */

import fc from "fast-check";
import type { Constraint, ConstraintPlace } from "../../../lib/ssh/constraints.ts";
import type { DestinationConstraint } from "../../../lib/ssh/destination-constraint.ts";

const blob = fc.uint8Array({ maxLength: 40 });
const keys = fc.array(fc.record({ keyBlob: blob, isCa: fc.boolean() }), { minLength: 1, maxLength: 3 });
const hostname = fc.string({ unit: "grapheme", minLength: 1, maxLength: 20 });
const user = fc.string({ maxLength: 20 });

/** A destination that OpenSSH would take. */
export const anyDestination: fc.Arbitrary<DestinationConstraint> = fc.record({
  from: fc.oneof(
    fc.constant({ user: "", hostname: "", keys: [] }),
    fc.record({ user: fc.constant(""), hostname, keys }),
  ),
  to: fc.record({ user, hostname, keys }),
});

/** Constraints that may stand in one request, each kind at most once. */
export function anyConstraints(place: ConstraintPlace): fc.Arbitrary<readonly Constraint[]> {
  const ofPlace: fc.Arbitrary<Constraint> =
    place === "identity"
      ? fc.record({ kind: fc.constant("sk-provider"), path: fc.string() })
      : fc.record({ kind: fc.constant("associated-certs"), certsOnly: fc.boolean(), certificates: fc.array(blob) });
  const any: fc.Arbitrary<Constraint> = fc.oneof(
    fc.record({ kind: fc.constant("lifetime"), seconds: fc.nat({ max: 0xffffffff }) }),
    fc.constant<Constraint>({ kind: "confirm" }),
    fc.record({ kind: fc.constant("restrict-destination"), destinations: fc.array(anyDestination, { maxLength: 3 }) }),
    ofPlace,
  );
  return fc.uniqueArray(any, { selector: ({ kind }) => kind });
}
