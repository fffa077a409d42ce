import { randomBytes } from "node:crypto";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type AgentRequest, encodeRequest } from "../../lib/ssh/agent-protocol.ts";
import { EXTENSION_FAILURE, FAILURE, SUCCESS } from "../../lib/ssh/agent-response.ts";
import { encodeSessionBind } from "../../lib/ssh/session-bind.ts";
import { hostKey } from "../helpers/host-key.ts";
import { BOTH, blobsIn, OURS_ONLY, ProxyBench, takesAll, theirs } from "../helpers/proxy-bench.ts";

const LIST: AgentRequest = { kind: "list" };
const SIGN_THEIRS: AgentRequest = { kind: "sign", keyBlob: theirs.keyBlob, data: randomBytes(32), flags: 0 };
const server = hostKey();
const session = () => new Uint8Array(randomBytes(32));
const bind = (sessionId: Uint8Array, isForwarding = false): AgentRequest => ({
  kind: "extension",
  name: "session-bind@openssh.com",
  body: encodeSessionBind(server.bind(sessionId, isForwarding)),
});

let bench: ProxyBench;
beforeEach(async () => {
  bench = await ProxyBench.open();
});
afterEach(() => bench.close());

describe("session-bind with an upstream agent", () => {
  const body = (request: AgentRequest) => Buffer.from(encodeRequest(request));
  const seen = (connection: number) => bench.upstream.connections[connection]?.map((request) => Buffer.from(request));

  it("reaches a connection made later, all bindings first and in order, and one made anew", async () => {
    const [a, b, c] = [bind(session(), true), bind(session(), true), bind(session())];
    const it = await bench.client();
    for (const request of [a, b]) expect(await it.ask(request)).toEqual(SUCCESS);
    await bench.upstream.start();
    await it.ask(LIST);
    expect(seen(0)).toEqual([a, b, LIST].map(body));
    expect(await it.ask(c)).toEqual(SUCCESS);
    expect(seen(0)).toEqual([a, b, LIST, c].map(body));
    await bench.upstream.stop();
    await bench.upstream.start();
    expect((await it.ask(SIGN_THEIRS))?.kind).toBe("signature");
    expect(seen(1)).toEqual([a, b, c, SIGN_THEIRS].map(body));
  });

  it("does not dial by itself, and binds no other client's connection", async () => {
    await bench.upstream.start();
    const [one, other] = [await bench.client(), await bench.client()];
    const bound = bind(session());
    await one.ask(bound);
    expect(bench.upstream.connections).toEqual([]);
    await other.ask(LIST);
    await one.ask(LIST);
    expect([seen(0), seen(1)]).toEqual([[body(LIST)], [body(bound), body(LIST)]]);
  });

  it("is answered by us: what the upstream refuses is our own concern, what we refuse it hears all the same", async () => {
    await bench.upstream.start();
    const it = await bench.client();
    const [good, bad] = [session(), session()];
    bench.upstream.answer = (request) => (request[0] === 27 ? EXTENSION_FAILURE : takesAll(request));
    const forged: AgentRequest = {
      kind: "extension",
      name: "session-bind@openssh.com",
      body: encodeSessionBind({ ...server.bind(good), sessionId: bad }),
    };
    expect(await it.ask(forged)).toEqual(EXTENSION_FAILURE);
    expect(await it.ask(bind(good))).toEqual(SUCCESS);
    expect(blobsIn(await it.ask(LIST))).toEqual(BOTH);
    expect(seen(0)).toEqual([forged, bind(good), LIST].map(body));
  });

  it("repeated is passed on once", async () => {
    await bench.upstream.start();
    const it = await bench.client();
    const bound = bind(session(), true);
    for (let i = 0; i < 100; i++) expect(await it.ask(bound)).toEqual(SUCCESS);
    await it.ask(LIST);
    expect(seen(0)).toEqual([bound, LIST].map(body));
  });

  it.each([
    ["in number", { upstreamBinds: 3 }],
    ["in bytes", { upstreamBindBytes: 700 }],
  ])("over the cap %s the upstream is out of reach on this connection, not on others", async (_what, limits) => {
    await bench.upstream.start();
    const it = await bench.client({ limits });
    for (let i = 0; i < 4; i++) expect(await it.ask(bind(session(), true))).toEqual(SUCCESS);
    expect(blobsIn(await it.ask(LIST))).toEqual(OURS_ONLY);
    expect(await it.ask(SIGN_THEIRS)).toEqual(FAILURE);
    expect(blobsIn(await (await bench.client()).ask(LIST))).toEqual(BOTH);
  });
});
