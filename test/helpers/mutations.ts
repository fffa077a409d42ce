/** Properties that every decoder of untrusted bytes has, whatever the bytes. */

import fc from "fast-check";
import { JpkiError } from "../../lib/errors.ts";

/** One of `seeds` with some bytes changed, cut off or added. */
export function mutated(seeds: readonly Uint8Array[]): fc.Arbitrary<Uint8Array> {
  return fc
    .tuple(
      fc.constantFrom(...seeds),
      fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { maxLength: 4 }),
      fc.option(fc.nat(), { nil: undefined }),
      fc.uint8Array({ maxLength: 8 }),
    )
    .map(([seed, changes, cut, tail]) => {
      const bytes = new Uint8Array([
        ...(cut === undefined ? seed : seed.subarray(0, cut % (seed.length + 1))),
        ...tail,
      ]);
      for (const [at, value] of changes) if (bytes.length > 0) bytes[at % bytes.length] = value;
      return bytes;
    });
}

/** Runs `decode` on random and on mutated bytes: a value, MALFORMED or TOO_LARGE, and nothing else. */
export function expectTotal(decode: (bytes: Uint8Array) => unknown, seeds: readonly Uint8Array[], numRuns = 400): void {
  const inputs = fc.oneof(mutated(seeds), fc.uint8Array({ maxLength: 200 }));
  fc.assert(
    fc.property(inputs, (bytes) => {
      try {
        decode(bytes);
      } catch (error) {
        if (!(error instanceof JpkiError) || !["MALFORMED", "TOO_LARGE"].includes(error.code)) throw error;
      }
    }),
    { numRuns },
  );
}
