/**
 * Many clients that send whatever they like, for a long time, to one agent: every whole frame is answered, memory stays
 * flat, and an honest login every so often works.
 */

import { constants, createPublicKey, privateEncrypt, randomBytes, verify } from "node:crypto";
import { join } from "node:path";
import { type Daemon, startDaemon } from "../../agent/daemon.ts";
import type { KeyStore } from "../../lib/keys.ts";
import { silentLogger } from "../../lib/log.ts";
import { encodeSessionBind } from "../../lib/ssh/session-bind.ts";
import { decodeSignature } from "../../lib/ssh/signature.ts";
import { encodeUserauth, METHOD_HOSTBOUND } from "../../lib/ssh/userauth.ts";
import { encodeFrame } from "../../lib/ssh/wire.ts";
import { connectAgent } from "../helpers/agent-client.ts";
import { type FakeKey, fakeKey } from "../helpers/fake-key-store.ts";
import { hostKey } from "../helpers/host-key.ts";
import { tempDir } from "../helpers/temp-dir.ts";
import { collectedMemory } from "./collected-memory.ts";
import { FrameMaker } from "./frames.ts";
import { Random } from "./random.ts";

export interface SoakOptions {
  /** Frames to send in all. */
  readonly frames: number;
  /** Clients that send at the same time. */
  readonly clients: number;
  /** Clients that connect and say nothing, again and again. */
  readonly silent: number;
  /** Frames from one honest login to the next. */
  readonly loginEvery: number;
  readonly seed: number;
}

export interface SoakReport {
  readonly frames: number;
  readonly connections: number;
  readonly seconds: number;
  readonly logins: number;
  readonly worstLoginMs: number;
  /** After a tenth of the frames, when all code has run, and at the end; bytes, after a garbage collection. */
  readonly heap: readonly [early: number, late: number];
  readonly rss: readonly [early: number, late: number];
}

const FRAMES_PER_CONNECTION = 40;

/** @throws Error if a frame is not answered, or a login fails. */
export async function soak(options: SoakOptions): Promise<SoakReport> {
  const folder = await tempDir();
  const key = fakeKey();
  const daemon = await startDaemon({
    socketPath: join(folder.path, "agent.sock"),
    keys: storeOf(key),
    policy: { allowSha1: false, allowAnyData: false },
    confirmUse: async () => false,
    log: silentLogger,
  });
  try {
    return await new Soak(options, daemon, key).run();
  } finally {
    await daemon.close();
    await folder.remove();
  }
}

class Soak {
  readonly #options: SoakOptions;
  readonly #daemon: Daemon;
  readonly #key: FakeKey;
  readonly #random: Random;
  readonly #frames: FrameMaker;
  #sent = 0;
  #connections = 0;
  #logins = 0;
  #worstLoginMs = 0;
  #early: NodeJS.MemoryUsage | undefined;

  constructor(options: SoakOptions, daemon: Daemon, key: FakeKey) {
    this.#options = options;
    this.#daemon = daemon;
    this.#key = key;
    this.#random = new Random(options.seed);
    this.#frames = new FrameMaker(key.blob, this.#random);
  }

  async run(): Promise<SoakReport> {
    const { clients, silent } = this.#options;
    const startMs = performance.now();
    const work = [
      ...Array.from({ length: clients }, () => this.#whileSending(() => this.#sendSome())),
      ...Array.from({ length: silent }, () => this.#whileSending(() => this.#saySomethingBroken())),
    ];
    await Promise.all([...work, this.#logInAgainAndAgain()]);
    const seconds = (performance.now() - startMs) / 1000;
    const late = collectedMemory();
    const early = this.#early ?? late;
    return {
      frames: this.#sent,
      connections: this.#connections,
      seconds,
      logins: this.#logins,
      worstLoginMs: this.#worstLoginMs,
      heap: [early.heapUsed, late.heapUsed],
      rss: [early.rss, late.rss],
    };
  }

  async #whileSending(job: () => Promise<void>): Promise<void> {
    while (this.#sent < this.#options.frames) await job();
  }

  /** Whole frames, written in pieces of any size: as many answers must come. */
  async #sendSome(): Promise<void> {
    const client = await this.#connect();
    try {
      const bodies = Array.from({ length: FRAMES_PER_CONNECTION }, () => this.#frames.next());
      const stream = Buffer.concat(bodies.map((body) => encodeFrame(body)));
      for (let at = 0; at < stream.length; ) {
        const end = at + 1 + this.#random.int(4096);
        client.write(stream.subarray(at, end));
        at = end;
      }
      for (const body of bodies) {
        if ((await client.next()) === undefined)
          throw new Error(`no answer to ${Buffer.from(body).toString("hex")} (seed ${this.#options.seed})`);
        this.#sent++;
      }
    } finally {
      client.close();
    }
  }

  /** A stream that no frame comes out of: left open until the agent closes it, or closed in the middle. */
  async #saySomethingBroken(): Promise<void> {
    const client = await this.#connect();
    const length = this.#random.pick([0, 262_145, 0xffffffff, 1000]);
    const head = Buffer.alloc(4);
    head.writeUInt32BE(length);
    client.write(Buffer.concat([head, this.#random.bytes(this.#random.int(900))]));
    if (length !== 1000) await client.ended;
    else await new Promise((resolve) => setImmediate(resolve));
    client.close();
  }

  async #logInAgainAndAgain(): Promise<void> {
    const { frames, loginEvery } = this.#options;
    for (let next = 0; this.#sent < frames; next = this.#sent + loginEvery) {
      while (this.#sent < Math.min(next, frames)) await new Promise((resolve) => setTimeout(resolve, 5));
      const startMs = performance.now();
      await this.#logIn();
      this.#logins++;
      this.#worstLoginMs = Math.max(this.#worstLoginMs, performance.now() - startMs);
      if (this.#early === undefined && this.#sent > frames / 10) this.#early = collectedMemory();
    }
  }

  /** As ssh: bind, list, sign. */
  async #logIn(): Promise<void> {
    const server = hostKey();
    const sessionId = new Uint8Array(randomBytes(32));
    const data = encodeUserauth({
      sessionId,
      user: "root",
      service: "ssh-connection",
      method: METHOD_HOSTBOUND,
      algorithm: "rsa-sha2-512",
      keyBlob: this.#key.blob,
      hostKey: server.blob,
    });
    const body = encodeSessionBind(server.bind(sessionId));
    const client = await this.#connect();
    try {
      await client.ask({ kind: "extension", name: "session-bind@openssh.com", body });
      const list = await client.ask({ kind: "list" });
      if (list?.kind !== "identities" || list.identities.length !== 1) throw new Error("the list has not one key");
      const answer = await client.ask({ kind: "sign", keyBlob: this.#key.blob, data, flags: 4 });
      if (answer?.kind !== "signature") throw new Error(`a login was answered with ${answer?.kind}`);
      const { bytes } = decodeSignature(answer.signature);
      if (!verify("sha512", data, createPublicKey(this.#key.privateKey), bytes)) throw new Error("a wrong signature");
    } finally {
      client.close();
    }
  }

  #connect(): ReturnType<typeof connectAgent> {
    this.#connections++;
    return connectAgent(this.#daemon.socketPath);
  }
}

/** Keeps nothing of what it signs. */
function storeOf({ identity, privateKey }: FakeKey): KeyStore {
  return {
    list: () => [identity],
    sign: async (_keyId, digestInfo) =>
      privateEncrypt({ key: privateKey, padding: constants.RSA_PKCS1_PADDING }, digestInfo),
    forget: async () => {},
  };
}
