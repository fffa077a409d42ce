import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { symlink } from "node:fs/promises";
import { connect } from "node:net";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ByteWriter, utf8 } from "../../lib/bytes.ts";
import { type AgentRequest, encodeRequest } from "../../lib/ssh/agent-protocol.ts";
import { decodeQueryNames, encodeQueryNames, encodeResponse, FAILURE, SUCCESS } from "../../lib/ssh/agent-response.ts";
import { encodeSshsig } from "../../lib/ssh/sshsig.ts";
import { encodeFrame, MAX_FRAME_BYTES, MAX_IDENTITIES } from "../../lib/ssh/wire.ts";
import type { FakeAnswer } from "../helpers/fake-upstream.ts";
import {
  BOTH,
  blobsIn,
  OURS_ONLY,
  ourKey,
  ProxyBench,
  THEIR_SIGNATURE,
  takesAll,
  theirs,
} from "../helpers/proxy-bench.ts";
import { until } from "../helpers/until.ts";

const LIST: AgentRequest = { kind: "list" };
const DATA = encodeSshsig({ namespace: "file", hashAlgorithm: "sha512", digest: randomBytes(64) });
const SIGN_OURS: AgentRequest = { kind: "sign", keyBlob: ourKey.blob, data: DATA, flags: 4 };
const SIGN_THEIRS: AgentRequest = { kind: "sign", keyBlob: theirs.keyBlob, data: DATA, flags: 0 };

let bench: ProxyBench;
beforeEach(async () => {
  bench = await ProxyBench.open();
});
afterEach(() => bench.close());

describe("list", () => {
  it("gives ours first, then theirs", async () => {
    await bench.upstream.start();
    expect(blobsIn(await (await bench.client()).ask(LIST))).toEqual(BOTH);
  });

  it("leaves out of theirs what is ours: the key, and a certificate for it", async () => {
    await bench.upstream.start();
    const certificate = sshCertificateFor(ourKey.blob);
    const all = [
      { keyBlob: ourKey.blob, comment: utf8("again") },
      { keyBlob: certificate, comment: utf8("c") },
      theirs,
    ];
    bench.upstream.answer = () => ({ kind: "identities", identities: all });
    expect(blobsIn(await (await bench.client()).ask(LIST))).toEqual(BOTH);
  });

  it("keeps to what a client reads and a frame holds", async () => {
    await bench.upstream.start();
    const identity = (bytes: number) => ({ keyBlob: randomBytes(bytes), comment: utf8("") });
    bench.upstream.answer = () => ({
      kind: "identities",
      identities: Array.from({ length: MAX_IDENTITIES }, () => identity(9)),
    });
    const it = await bench.client();
    expect(blobsIn(await it.ask(LIST))).toHaveLength(MAX_IDENTITIES);
    const big = [identity(65_000), identity(65_000), identity(65_000), identity(65_000)];
    bench.upstream.answer = () => ({ kind: "identities", identities: big });
    expect(blobsIn(await it.ask(LIST))).toHaveLength(1 + 4);
    bench.upstream.answer = () => ({ kind: "identities", identities: [...big, identity(2000)] });
    expect(blobsIn(await it.ask(LIST))).toHaveLength(1 + 4);
  });

  const useless: [string, FakeAnswer][] = [
    ["fails", FAILURE],
    ["hangs up", "drop"],
    ["does not answer", "hang"],
    ["answers something else", THEIR_SIGNATURE],
    ["answers no message", utf8("?")],
    ["answers too long a frame", { raw: Uint8Array.of(0, 4, 0, 1) }],
    ["answers twice", { raw: new Uint8Array([...encodeFrame(Uint8Array.of(6)), ...encodeFrame(Uint8Array.of(6))]) }],
    ["stops in the middle", { raw: Uint8Array.of(0, 0, 0, 9, 12) }],
  ];
  it.each(useless)("an upstream that %s leaves ours, and the next request finds it again", async (_what, answer) => {
    await bench.upstream.start();
    const it = await bench.client({ limits: { upstreamMs: 150 } });
    bench.upstream.answer = () => answer;
    expect(blobsIn(await it.ask(LIST))).toEqual(OURS_ONLY);
    bench.upstream.answer = takesAll;
    expect(blobsIn(await it.ask(LIST))).toEqual(BOTH);
  });

  it("an upstream comes and goes on one connection", async () => {
    const it = await bench.client();
    for (let turn = 0; turn < 3; turn++) {
      expect(blobsIn(await it.ask(LIST))).toEqual(OURS_ONLY);
      await bench.upstream.start();
      expect(blobsIn(await it.ask(LIST))).toEqual(BOTH);
      await bench.upstream.stop();
    }
  });
});

describe("requests for our key in a form that we do not read", () => {
  const { modulus, exponent } = ourKey.identity.publicKey;
  const padded = new Uint8Array([0, 0, 0, ...modulus]);
  it.each([
    ["with zeros before its modulus", new ByteWriter().string("ssh-rsa").string(exponent).string(padded).finish()],
    ["with a name that only OpenSSH reads", new ByteWriter().string("RSA").string(exponent).string(padded).finish()],
  ])("%s: not passed on, whoever else could sign with the card", async (_what, keyBlob) => {
    await bench.upstream.start();
    const it = await bench.client();
    expect(await it.ask({ kind: "sign", keyBlob, data: randomBytes(100), flags: 4 })).toEqual(FAILURE);
    expect(await it.ask({ kind: "remove", keyBlob })).toEqual(FAILURE);
    expect(bench.upstream.connections).toEqual([]);
  });
});

describe("requests for other keys than ours", () => {
  const passedOn: readonly (readonly [string, Uint8Array])[] = [
    ["sign", encodeRequest(SIGN_THEIRS)],
    ["sign, with bytes after the flags", new Uint8Array([...encodeRequest(SIGN_THEIRS), 1, 2, 3])],
    ["remove", encodeRequest({ kind: "remove", keyBlob: theirs.keyBlob })],
    ["add", new ByteWriter().u8(17).string("ssh-ed25519").string("pub").string("priv").string("c").finish()],
    ["add with an unknown constraint", new ByteWriter().u8(25).string("ssh-new").u8(255).string("x@y").finish()],
    ["add a smart card", encodeRequest({ kind: "add-smartcard", tokenId: "/lib/x.so", pin: utf8("1") })],
    ["remove a smart card", encodeRequest({ kind: "remove-smartcard", tokenId: "/lib/x.so", pin: utf8("") })],
    ["an unknown extension", encodeRequest({ kind: "extension", name: "x@example.test", body: utf8("anything") })],
  ];

  it.each(passedOn)("%s: passed on and answered byte for byte", async (_what, body) => {
    await bench.upstream.start();
    const answer = encodeResponse({ kind: "extension-response", name: "any", body: randomBytes(100) });
    bench.upstream.answer = () => answer;
    const socket = connect({ path: (await bench.start()).socketPath });
    socket.write(encodeFrame(body));
    const [got] = await once(socket, "data");
    expect(got).toEqual(Buffer.from(encodeFrame(answer)));
    expect(bench.upstream.connections).toEqual([[body]]);
    socket.destroy();
  });

  it.each(passedOn)("%s: nobody there, so it fails", async (_what, body) => {
    const it = await bench.client();
    it.write(encodeFrame(body));
    expect(await it.next()).toEqual(FAILURE);
  });

  it.each(passedOn)("%s: an upstream that hangs up fails this request alone", async (_what, body) => {
    await bench.upstream.start();
    const it = await bench.client();
    bench.upstream.answer = () => "drop";
    it.write(encodeFrame(body));
    expect(await it.next()).toEqual(FAILURE);
    bench.upstream.answer = () => SUCCESS;
    it.write(encodeFrame(body));
    expect(await it.next()).toEqual(SUCCESS);
    expect(bench.upstream.connections).toEqual([[body], [body]]);
  });

  it("the longest frame passes", async () => {
    await bench.upstream.start();
    const it = await bench.client();
    const name = "big@example.test";
    it.write(
      encodeFrame(encodeRequest({ kind: "extension", name, body: new Uint8Array(MAX_FRAME_BYTES - 5 - name.length) })),
    );
    expect(await it.next()).toEqual(SUCCESS);
    expect(bench.upstream.connections[0]?.[0]?.length).toBe(MAX_FRAME_BYTES);
  });

  it("a signature may take longer than the limit, and a client that leaves takes it along", async () => {
    await bench.upstream.start();
    const it = await bench.client({ limits: { upstreamMs: 30 } });
    let answerLater = () => {};
    bench.upstream.answer = () => {
      answerLater = () => bench.upstream.write(encodeFrame(encodeResponse(THEIR_SIGNATURE)));
      return "hang";
    };
    it.send(SIGN_THEIRS);
    await until("the request is there", () => bench.upstream.connections[0]?.length === 1);
    const since = performance.now();
    await until("the limit is over", () => performance.now() - since > 60);
    answerLater();
    expect(await it.next()).toEqual(THEIR_SIGNATURE);
    it.send(SIGN_THEIRS);
    await until("the next one is there", () => bench.upstream.connections[0]?.length === 2);
    it.close();
    await until("the upstream is left too", () => bench.upstream.open === 0);
  });
});

describe("our own key", () => {
  it("is never asked for upstream", async () => {
    await bench.upstream.start();
    const it = await bench.client();
    expect((await it.ask(SIGN_OURS))?.kind).toBe("signature");
    expect((await it.ask({ ...SIGN_OURS, data: randomBytes(100) }))?.kind).toBe("failure");
    expect(
      (await it.ask({ ...SIGN_OURS, data: randomBytes(100), keyBlob: sshCertificateFor(ourKey.blob) }))?.kind,
    ).toBe("failure");
    await it.ask({ kind: "remove", keyBlob: ourKey.blob });
    await it.ask({ kind: "add-smartcard", tokenId: "jpki", pin: utf8("") });
    expect(bench.upstream.connections).toEqual([]);
  });

  it("signs while the upstream is killed and started again all the time", async () => {
    const it = await bench.client();
    let over = false;
    const churn = (async () => {
      while (!over) {
        const before = bench.upstream.connections.length;
        await bench.upstream.start();
        await until("it was asked", () => over || bench.upstream.connections.length > before);
        await bench.upstream.stop();
      }
    })();
    for (let turn = 0; turn < 50; turn++) {
      expect([OURS_ONLY, BOTH]).toContainEqual(blobsIn(await it.ask(LIST)));
      await it.ask(SIGN_THEIRS);
      expect((await it.ask(SIGN_OURS))?.kind).toBe("signature");
    }
    over = true;
    await churn;
  });
});

describe("remove all", () => {
  it.each([
    ["takes it", SUCCESS, SUCCESS],
    ["refuses", FAILURE, FAILURE],
    ["hangs up", "drop", FAILURE],
  ] as const)("forgets ours in every case; an upstream that %s decides the answer", async (_what, answer, expected) => {
    await bench.upstream.start();
    bench.upstream.answer = () => answer;
    expect(await (await bench.client()).ask({ kind: "remove-all" })).toEqual(expected);
    expect(bench.keys.forgotten).toBe(1);
  });

  it("succeeds without an upstream", async () => {
    expect(await (await bench.client()).ask({ kind: "remove-all" })).toEqual(SUCCESS);
    expect(bench.keys.forgotten).toBe(1);
  });
});

describe("query", () => {
  it("lists what we do, and what the upstream does besides", async () => {
    await bench.upstream.start();
    bench.upstream.answer = () => ({
      kind: "extension-response",
      name: "query",
      body: encodeQueryNames(["session-bind@openssh.com", "more@example.test"]),
    });
    const answer = await (await bench.client()).ask({ kind: "extension", name: "query", body: utf8("") });
    if (answer?.kind !== "extension-response") throw new Error(answer?.kind);
    const ours = ["session-bind@openssh.com", "forget@jpki-agent", "release@jpki-agent", "status@jpki-agent"];
    expect(decodeQueryNames(answer.body)).toEqual([...ours, "more@example.test"]);
  });
});

describe("a socket of our own as upstream", () => {
  it("is refused at the start, also by another name", async () => {
    await symlink(bench.socketPath, bench.upstreamPath);
    await expect(bench.start()).rejects.toMatchObject({ code: "CONFIG_INVALID", details: { problem: "own-upstream" } });
  });

  it("is not dialled when it becomes one later", async () => {
    const it = await bench.client();
    await symlink(bench.socketPath, bench.upstreamPath);
    expect(blobsIn(await it.ask(LIST))).toEqual(OURS_ONLY);
  });
});

/** A certificate in form; nobody has signed it. */
function sshCertificateFor(rsaBlob: Uint8Array): Uint8Array {
  const fields = rsaBlob.subarray(4 + "ssh-rsa".length);
  const writer = new ByteWriter().string("ssh-rsa-cert-v01@openssh.com").string("nonce").bytes(fields);
  writer
    .u64(1n)
    .u32(1)
    .string("id")
    .string("")
    .u64(0n)
    .u64(1n << 63n)
    .string("")
    .string("")
    .string("");
  return writer.string(theirs.keyBlob).string("signature").finish();
}
