/** Clients that ask again at once when they are refused: one "no" of a person is enough. */

import { randomBytes } from "node:crypto";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { AgentRequest } from "../../lib/ssh/agent-protocol.ts";
import { FAILURE } from "../../lib/ssh/agent-response.ts";
import { SSH_AGENT_RSA_SHA2_512 } from "../../lib/ssh/signature.ts";
import { encodeUserauth, METHOD_PUBLICKEY } from "../../lib/ssh/userauth.ts";
import { type AgentClient, connectAgent } from "../helpers/agent-client.ts";
import { type ClientDesk, openClientDesk } from "../helpers/client-desk.ts";

/** As rclone does (seen). */
const ON_ONE_CONNECTION = 10;
/** As libgit2 does (seen). */
const ON_NEW_CONNECTIONS = 19;

let desk: ClientDesk;

afterEach(() => desk?.close());

/** A login as clients without session-bind ask for it; each attempt has a session of its own. */
const login = (keyBlob: Uint8Array, user: string): AgentRequest => ({
  kind: "sign",
  keyBlob,
  data: encodeUserauth({
    sessionId: randomBytes(32),
    user,
    service: "ssh-connection",
    method: METHOD_PUBLICKEY,
    algorithm: "rsa-sha2-512",
    keyBlob,
    hostKey: undefined,
  }),
  flags: SSH_AGENT_RSA_SHA2_512,
});

async function firstKey(client: AgentClient): Promise<Uint8Array> {
  const listed = await client.ask({ kind: "list" });
  const [identity] = listed?.kind === "identities" ? listed.identities : [];
  if (identity === undefined) throw new Error("the agent lists no key");
  return identity.keyBlob;
}

async function onOneConnection(user: string): Promise<void> {
  const client = await connectAgent(desk.sand.socketPath);
  const keyBlob = await firstKey(client);
  for (let i = 0; i < ON_ONE_CONNECTION; i++) expect(await client.ask(login(keyBlob, user))).toEqual(FAILURE);
  client.close();
}

async function onNewConnections(user: string): Promise<void> {
  for (let i = 0; i < ON_NEW_CONNECTIONS; i++) {
    const client = await connectAgent(desk.sand.socketPath);
    expect(await client.ask(login(await firstKey(client), user))).toEqual(FAILURE);
    client.close();
  }
}

describe.each([
  { what: "cancels", answers: [null], reason: "PIN_CANCELLED", prompts: 1 },
  // As ssh itself would be: asked again while two tries are left, then no more.
  { what: "is wrong until one try is left", answers: ["9999", "9998", "1234"], reason: "PIN_WRONG", prompts: 2 },
])("a person who $what is not asked again", ({ answers, reason, prompts }) => {
  beforeEach(async () => {
    desk = await openClientDesk(...answers);
  });

  it("by a client that repeats its request on one connection, nor by one that does on new ones", async () => {
    await onOneConnection("root");
    await onNewConnections("root");
    expect(await desk.sand.questions()).toHaveLength(prompts);
    const reasons = (await desk.record()).map((entry) => entry.reason);
    expect(reasons).toEqual(Array(ON_ONE_CONNECTION + ON_NEW_CONNECTIONS).fill(reason));
  });
});

it("a no to one user's login is no answer about another's", async () => {
  desk = await openClientDesk(null);
  await onOneConnection("root");
  await onOneConnection("someone");
  expect(await desk.sand.questions()).toHaveLength(2);
});
