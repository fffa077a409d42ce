/** The shortest way to a signature of the agent: the only key it lists, over an SSHSIG blob. */

import { createHash } from "node:crypto";
import { decodeSignature, SSH_AGENT_RSA_SHA2_256 } from "../../lib/ssh/signature.ts";
import { encodeSshsig } from "../../lib/ssh/sshsig.ts";
import { type AgentClient, connectAgent } from "./agent-client.ts";

/** What is signed for a message: the data whose SHA-256 the card gets. */
export function sshsigData(message: string): Uint8Array {
  const digest = createHash("sha256").update(message).digest();
  return encodeSshsig({ namespace: "file", hashAlgorithm: "sha256", digest });
}

/** Connects, lists, and sends the request; the answer is to come. */
export async function requestSignature(socketPath: string, data = sshsigData("message")): Promise<AgentClient> {
  const client = await connectAgent(socketPath);
  const listed = await client.ask({ kind: "list" });
  const [identity] = listed?.kind === "identities" ? listed.identities : [];
  if (identity === undefined) throw new Error("the agent lists no key");
  client.send({ kind: "sign", keyBlob: identity.keyBlob, data, flags: SSH_AGENT_RSA_SHA2_256 });
  return client;
}

/** @returns the bare RSA signature; undefined if the agent refused. */
export async function askSignature(socketPath: string, data?: Uint8Array): Promise<Uint8Array | undefined> {
  const client = await requestSignature(socketPath, data);
  const answer = await client.next();
  client.close();
  return answer?.kind === "signature" ? decodeSignature(answer.signature).bytes : undefined;
}
