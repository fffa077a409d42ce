import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { serveConnection } from "../../agent/connection.ts";
import { DEFAULT_LIMITS, type Limits } from "../../agent/limits.ts";
import { type Listener, startListener } from "../../agent/listener.ts";
import { concatBytes, equalBytes, utf8 } from "../../lib/bytes.ts";
import { MalformedError } from "../../lib/errors.ts";
import { type AgentRequest, decodeRequest, encodeRequest } from "../../lib/ssh/agent-protocol.ts";
import { type AgentResponse, encodeResponse, FAILURE, SUCCESS } from "../../lib/ssh/agent-response.ts";
import { encodeFrame } from "../../lib/ssh/wire.ts";
import { type AgentClient, connectAgent } from "../helpers/agent-client.ts";
import { deferred } from "../helpers/deferred.ts";
import { everySplit } from "../helpers/every-split.ts";
import { recordingLogger } from "../helpers/recording-logger.ts";
import { type TempDir, tempDir } from "../helpers/temp-dir.ts";
import { until } from "../helpers/until.ts";

type AnswerRequest = (request: AgentRequest, signal: AbortSignal) => Promise<AgentResponse>;

const LIST: AgentRequest = { kind: "list" };
const owner = { platform: process.platform, uid: process.getuid?.() ?? 0 };

let folder: TempDir;
let path: string;
let listener: Listener | undefined;
const clients: AgentClient[] = [];

beforeEach(async () => {
  folder = await tempDir();
  path = join(folder.path, "agent.sock");
});
afterEach(async () => {
  for (const client of clients.splice(0)) client.close();
  await listener?.close();
  listener = undefined;
  await folder.remove();
});

/** Serves `answer` at `path`. @param onSocket sees each one first. @returns the log. */
async function serve(answer: AnswerRequest, some: Partial<Limits> = {}, onSocket: (socket: Socket) => void = () => {}) {
  const limits = { ...DEFAULT_LIMITS, ...some };
  const log = recordingLogger();
  listener = await startListener({
    path,
    owner,
    limits,
    log,
    serve: (socket) => {
      onSocket(socket);
      return serveConnection(socket, {
        answer: async (request, signal) => encodeResponse(await answer(decodeRequest(request), signal)),
        limits,
        log,
      });
    },
  });
  return log;
}

async function client(): Promise<AgentClient> {
  const made = await connectAgent(path);
  clients.push(made);
  return made;
}

/** Answers an extension with its own name and body: shows which request an answer belongs to. */
const echo: AnswerRequest = async (request) =>
  request.kind === "extension" ? { kind: "extension-response", name: request.name, body: copy(request.body) } : SUCCESS;

const copy = (bytes: Uint8Array): Uint8Array => new Uint8Array(bytes);
const ping = (name: string): AgentRequest => ({ kind: "extension", name, body: utf8(`body of ${name}`) });
const pong = (name: string): AgentResponse => ({ kind: "extension-response", name, body: utf8(`body of ${name}`) });

/** An answer that hangs until it is told, and tells how it was left. */
function hanging() {
  const started = deferred<AbortSignal>();
  const release = deferred<AgentResponse>();
  const aborted = deferred<unknown>();
  const answer: AnswerRequest = async (request, signal) => {
    if (request.kind !== "sign") return echo(request, signal);
    signal.addEventListener("abort", () => {
      aborted.resolve(signal.reason);
      release.reject(signal.reason);
    });
    started.resolve(signal);
    return release.promise;
  };
  release.promise.catch(() => {});
  return { answer, started: started.promise, aborted: aborted.promise, release: release.resolve };
}
const SIGN: AgentRequest = { kind: "sign", keyBlob: utf8("key"), data: utf8("data"), flags: 4 };

describe("the stream", () => {
  it("may be cut anywhere", async () => {
    await serve(echo);
    const requests = [ping("a"), LIST, ping("b"), SIGN];
    const bytes = concatBytes(...requests.map((request) => encodeFrame(encodeRequest(request))));
    const it = await client();
    for (const parts of everySplit(bytes)) {
      for (const part of parts) {
        it.write(part);
        await new Promise((resolve) => setImmediate(resolve));
      }
      expect([await it.next(), await it.next(), await it.next(), await it.next()]).toEqual([
        pong("a"),
        SUCCESS,
        pong("b"),
        SUCCESS,
      ]);
    }
  });

  it("a frame of the largest size is served", async () => {
    await serve(echo);
    const body = new Uint8Array(262_144 - 1 - 4 - 1).fill(7);
    const it = await client();
    const answer = await it.ask({ kind: "extension", name: "x", body });
    expect(answer?.kind === "extension-response" && equalBytes(answer.body, body)).toBe(true);
  });

  it.each([
    { what: "over the cap", bytes: Uint8Array.of(0, 4, 0, 1), code: "TOO_LARGE" },
    { what: "of 4 GiB", bytes: Uint8Array.of(255, 255, 255, 255), code: "TOO_LARGE" },
    { what: "of length 0", bytes: Uint8Array.of(0, 0, 0, 0), code: "MALFORMED" },
  ])("a frame $what ends the connection without an answer", async ({ bytes, code }) => {
    const log = await serve(echo);
    const it = await client();
    it.write(bytes);
    await it.ended;
    expect(await it.next()).toBeUndefined();
    expect(log.lines).toContainEqual(
      expect.objectContaining({ level: "warn", fields: expect.objectContaining({ code }) }),
    );
  });

  it("what came whole before a broken frame is answered", async () => {
    await serve(echo);
    const it = await client();
    it.write(concatBytes(encodeFrame(encodeRequest(ping("a"))), Uint8Array.of(255, 255, 255, 255, 1, 2, 3)));
    expect(await it.next()).toEqual(pong("a"));
    await it.ended;
  });

  it("a client may hang up in the middle of a frame, or without a word", async () => {
    await serve(echo);
    const half = await client();
    half.write(Uint8Array.of(0, 0, 0, 9, 11));
    half.close();
    (await client()).close();
    expect(await (await client()).ask(ping("still here"))).toEqual(pong("still here"));
  });
});

describe("one request after the other", () => {
  it("answers keep the requests' order", async () => {
    const { answer, started, release } = hanging();
    await serve(answer);
    const it = await client();
    it.send(SIGN, ping("a"), ping("b"));
    await started;
    release(FAILURE);
    expect([await it.next(), await it.next(), await it.next()]).toEqual([FAILURE, pong("a"), pong("b")]);
  });

  it("a client that waits costs the others nothing", async () => {
    const { answer, started, release } = hanging();
    await serve(answer);
    const slow = await client();
    slow.send(SIGN);
    await started;
    expect(await (await client()).ask(ping("quick"))).toEqual(pong("quick"));
    release(SUCCESS);
    expect(await slow.next()).toEqual(SUCCESS);
  });

  it("a client that sends thousands at once is not served alone", async () => {
    const order: string[] = [];
    await serve(async (request) => {
      if (request.kind === "extension") order.push(request.name);
      return SUCCESS;
    });
    const [greedy, modest] = [await client(), await client()];
    const flood = 2000;
    greedy.write(concatBytes(...Array.from({ length: flood }, () => encodeFrame(encodeRequest(ping("flood"))))));
    await greedy.next();
    await modest.ask(ping("modest"));
    expect(order.indexOf("modest")).toBeLessThan(100);
    for (let i = 1; i < flood; i++) await greedy.next();
    expect(order).toHaveLength(flood + 1);
  });

  it("a client that pipelines too much is not read from until its answers are out", async () => {
    const { answer, started, release } = hanging();
    await serve(answer, { pendingRequests: 4 });
    const it = await client();
    it.send(SIGN);
    await started;
    const body = new Uint8Array(200_000);
    for (let i = 0; i < 20; i++) it.send({ kind: "extension", name: `${i}`, body });
    const drained = once(it.socket, "drain");
    // The kernel's buffers and four requests of ours do not hold 4 MB: most of it is still with the client.
    expect(await (await client()).ask(ping("meanwhile"))).toEqual(pong("meanwhile"));
    expect(it.socket.writableLength).toBeGreaterThan(1_000_000);
    release(SUCCESS);
    expect(await it.next()).toEqual(SUCCESS);
    for (let i = 0; i < 20; i++) expect(await it.next()).toMatchObject({ kind: "extension-response", name: `${i}` });
    await drained;
  });
});

describe("a bad request", () => {
  it("is answered with failure, and the connection stays", async () => {
    const log = await serve(echo);
    const it = await client();
    it.write(encodeFrame(Uint8Array.of(13, 0, 0, 0, 200, 1)));
    expect(await it.next()).toEqual(FAILURE);
    expect(await it.ask(ping("a"))).toEqual(pong("a"));
    expect(log.lines.map(({ level }) => level)).toContain("warn");
  });

  it.each([
    { what: "a plain error", error: new Error("boom"), level: "error" },
    { what: "a malformed field", error: new MalformedError("short"), level: "warn" },
  ])("$what in the handler is a failure in the log's level $level", async ({ error, level }) => {
    const log = await serve(async (request) => {
      if (request.kind === "list") throw error;
      return SUCCESS;
    });
    const it = await client();
    expect(await it.ask(LIST)).toEqual(FAILURE);
    expect(await it.ask(SIGN)).toEqual(SUCCESS);
    expect(log.lines).toContainEqual(
      expect.objectContaining({ level, fields: expect.objectContaining({ error: error.message }) }),
    );
  });

  it("an answer too long for a frame is a failure", async () => {
    const identity = { keyBlob: new Uint8Array(60_000), comment: new Uint8Array() };
    await serve(async () => ({ kind: "identities", identities: Array(5).fill(identity) }));
    const it = await client();
    expect(await it.ask(LIST)).toEqual(FAILURE);
    expect(await it.ask(LIST)).toEqual(FAILURE);
  });

  it("its bytes are wiped afterwards: they may hold a PIN", async () => {
    let kept: Uint8Array | undefined;
    await serve(async (request) => {
      if (request.kind === "lock") kept = request.passphrase;
      return SUCCESS;
    });
    await (await client()).ask({ kind: "lock", passphrase: utf8("secret") });
    expect(kept).toEqual(new Uint8Array(6));
  });

  it("what the socket brought is wiped too, in whatever pieces, also behind a broken frame", async () => {
    const chunks: Uint8Array[] = [];
    const passphrases: string[] = [];
    await serve(
      async (request) => {
        if (request.kind === "lock") passphrases.push(new TextDecoder().decode(request.passphrase));
        return SUCCESS;
      },
      {},
      (socket) => void socket.on("data", (chunk) => chunks.push(chunk)),
    );
    const it = await client();
    const frame = encodeFrame(encodeRequest({ kind: "lock", passphrase: utf8("secret") }));
    it.write(frame.subarray(0, 12));
    await until("the first piece is read", () => chunks.length === 1);
    it.write(frame.subarray(12));
    await it.next();
    it.write(concatBytes(frame, Uint8Array.of(255, 255, 255, 255), utf8("secret")));
    await it.ended;
    expect(passphrases).toEqual(["secret", "secret"]);
    expect(chunks.length).toBeGreaterThan(2);
    expect(chunks.flatMap((chunk) => [...chunk]).filter((byte) => byte !== 0)).toEqual([]);
  });
});

describe("a client that goes away", () => {
  it.each([
    { how: "hangs up", leave: (it: AgentClient) => it.close() },
    { how: "closes its writing half", leave: (it: AgentClient) => it.socket.end() },
  ])("and $how ends the waiting for it, and nobody else's", async ({ leave }) => {
    const one = hanging();
    const other = hanging();
    const answers = [one, other];
    await serve((request, signal) => {
      const next = request.kind === "sign" ? answers.shift() : undefined;
      return (next?.answer ?? echo)(request, signal);
    });
    const leaving = await client();
    leaving.send(SIGN);
    await one.started;
    const staying = await client();
    staying.send(SIGN);
    const signal = await other.started;
    leave(leaving);
    expect(await one.aborted).toMatchObject({ name: "AbortError" });
    expect(await leaving.next()).toBeUndefined();
    expect(signal.aborted).toBe(false);
    other.release(SUCCESS);
    expect(await staying.next()).toEqual(SUCCESS);
  });

  it("and half-closes right after a request gets no answer, as from ssh-agent", async () => {
    const { answer, aborted } = hanging();
    await serve(answer);
    const it = await client();
    it.socket.end(encodeFrame(encodeRequest(SIGN)));
    await aborted;
    await it.ended;
    expect(await it.next()).toBeUndefined();
  });
});

describe("time", () => {
  it("a frame that is never completed ends the connection", async () => {
    const log = await serve(echo, { frameMs: 50 });
    const it = await client();
    it.write(Uint8Array.of(0, 0));
    it.write(Uint8Array.of(0));
    await it.ended;
    expect(log.lines).toContainEqual(expect.objectContaining({ level: "warn", fields: { limitMs: 50 } }));
  });

  it("between frames there is no limit", async () => {
    await serve(echo, { frameMs: 30 });
    const [quiet, bad] = [await client(), await client()];
    expect(await quiet.ask(ping("a"))).toEqual(pong("a"));
    bad.write(Uint8Array.of(0));
    await bad.ended;
    expect(await quiet.ask(ping("b"))).toEqual(pong("b"));
  });

  it("a client that takes no answers is dropped", async () => {
    const log = await serve(echo, { replyMs: 50, pendingRequests: 2 });
    const it = await client();
    it.socket.pause();
    for (let i = 0; i < 30; i++) it.send({ kind: "extension", name: "x", body: new Uint8Array(200_000) });
    await it.ended;
    expect(log.lines).toContainEqual(expect.objectContaining({ level: "warn", fields: { limitMs: 50 } }));
  });
});

describe("many connections", () => {
  it("40 at once", async () => {
    await serve(echo);
    const all = await Promise.all(Array.from({ length: 40 }, () => client()));
    const answers = await Promise.all(all.map((it, i) => it.ask(ping(`${i}`))));
    expect(answers).toEqual(all.map((_, i) => pong(`${i}`)));
  });

  it("over the cap, the one idle longest makes room", async () => {
    const log = await serve(echo, { connections: 2 });
    const [first, second] = [await client(), await client()];
    await first.ask(ping("a"));
    await second.ask(ping("a"));
    await first.ask(ping("b")); // now the second is idle longest
    const third = await client();
    expect(await third.ask(ping("c"))).toEqual(pong("c"));
    await second.ended;
    expect(await first.ask(ping("d"))).toEqual(pong("d"));
    expect(log.lines).toContainEqual(expect.objectContaining({ level: "warn", message: "too many connections" }));
  });

  it("over the cap, one that waits for an answer is not dropped: the new one is turned away", async () => {
    const { answer, started, release } = hanging();
    await serve(answer, { connections: 1 });
    const waiting = await client();
    waiting.send(SIGN);
    await started;
    const turnedAway = connect({ path });
    turnedAway.resume();
    await once(turnedAway, "close");
    release(SUCCESS);
    expect(await waiting.next()).toEqual(SUCCESS);
  });
});

describe("close", () => {
  it("aborts what waits, hangs up on everybody, and may be called twice", async () => {
    const { answer, started, aborted } = hanging();
    await serve(answer);
    const [waiting, idle] = [await client(), await client()];
    await idle.ask(ping("a"));
    waiting.send(SIGN);
    await started;
    await Promise.all([listener?.close(), listener?.close()]);
    expect(await aborted).toMatchObject({ name: "AbortError" });
    await Promise.all([waiting.ended, idle.ended]);
    await expect(connectAgent(path)).rejects.toMatchObject({ code: "ENOENT" });
  });
});
