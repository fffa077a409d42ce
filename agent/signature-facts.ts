/** What the record of signatures tells about a request, whatever becomes of it. */

import type { SignatureEntry } from "../lib/signature-entry.ts";
import { keyFingerprint } from "../lib/ssh/public-key.ts";
import { describeSignData } from "../lib/ssh/sign-data.ts";
import type { BindingFacts } from "./session-bindings.ts";

export type SignatureFacts = Pick<SignatureEntry, "data" | "user" | "namespace" | "hosts" | "hostKey" | "forwarded">;

/** @param data what is to be signed. */
export function signatureFacts(
  data: Uint8Array,
  { bindings, unprovenForwarding }: BindingFacts,
  hostsOfKey: (hostKeyBlob: Uint8Array) => readonly string[],
): SignatureFacts {
  const described = describeSignData(data);
  const hostKey = bindings.at(-1)?.hostKey;
  return {
    data: described.kind,
    user: described.kind === "userauth" ? described.user : undefined,
    namespace: described.kind === "sshsig" ? described.namespace : undefined,
    hosts: hostKey === undefined ? undefined : hostsOfKey(hostKey),
    hostKey: hostKey === undefined ? undefined : keyFingerprint(hostKey),
    forwarded: unprovenForwarding || bindings.some(({ isForwarding }) => isForwarding),
  };
}
