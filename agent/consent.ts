/** What a person has said about the forwarded use of one connection: asked once, however many requests come. */

import type { Hop } from "../lib/pin/prompt.ts";
import { keyFingerprint } from "../lib/ssh/public-key.ts";
import type { Binding } from "./session-bindings.ts";

/** Kept per connection, gone with it. */
export class ForwardingConsent {
  #answer: { readonly yes: boolean; readonly bindings: number } | undefined;

  /** The answer that holds; undefined: ask. A yes is for the way as it was then, a no for all that comes later too. */
  answerFor(bindings: readonly Binding[]): boolean | undefined {
    if (this.#answer === undefined) return undefined;
    return this.#answer.yes && this.#answer.bindings !== bindings.length ? undefined : this.#answer.yes;
  }

  keep(yes: boolean, bindings: readonly Binding[]): void {
    this.#answer = { yes, bindings: bindings.length };
  }
}

/** The way in a person's words. */
export function hopsOf(
  bindings: readonly Binding[],
  hostsOfKey: (hostKeyBlob: Uint8Array) => readonly string[],
): readonly Hop[] {
  return bindings.map(({ hostKey }) => ({ names: hostsOfKey(hostKey), fingerprint: keyFingerprint(hostKey) }));
}
