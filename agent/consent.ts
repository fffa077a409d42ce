/** What a person has said about the forwarded use of one connection: asked once, however many requests come. */

import type { SignPurpose } from "../lib/keys.ts";
import type { Hop } from "../lib/pin/prompt.ts";
import { keyFingerprint } from "../lib/ssh/public-key.ts";
import type { Binding } from "./session-bindings.ts";

/** Kept per connection, gone with it. */
export class ForwardingConsent {
  #answer: { readonly yes: boolean; readonly use: string } | undefined;

  /**
   * The answer that holds; undefined: ask. A yes is for the way as it was then and for what the person was told: who
   * agreed to a login has not agreed to a signature for git. A no is for all that comes later too.
   */
  answerFor(bindings: readonly Binding[], purpose: SignPurpose): boolean | undefined {
    if (this.#answer === undefined) return undefined;
    return this.#answer.yes && this.#answer.use !== useOf(bindings, purpose) ? undefined : this.#answer.yes;
  }

  keep(yes: boolean, bindings: readonly Binding[], purpose: SignPurpose): void {
    this.#answer = { yes, use: useOf(bindings, purpose) };
  }
}

/** A login goes to the last hop, whoever logs in there. */
function useOf({ length }: readonly Binding[], purpose: SignPurpose): string {
  return JSON.stringify([length, purpose.kind, purpose.kind === "sshsig" ? purpose.namespace : ""]);
}

/** The way in a person's words. */
export function hopsOf(
  bindings: readonly Binding[],
  hostsOfKey: (hostKeyBlob: Uint8Array) => readonly string[],
): readonly Hop[] {
  return bindings.map(({ hostKey }) => ({ names: hostsOfKey(hostKey), fingerprint: keyFingerprint(hostKey) }));
}
