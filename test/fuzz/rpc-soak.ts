/**
 * Many PKCS #11 programs that send whatever they like, for a long time, to one face: every whole frame is answered once,
 * none with a signature, memory stays flat, and a program whose person logs in signs every so often.
 */

import { createPrivateKey, type KeyObject, verify, X509Certificate } from "node:crypto";
import { join } from "node:path";
import { type P11Face, startP11Face } from "../../agent/p11/face.ts";
import { createApplications } from "../../agent/p11/handler.ts";
import type { P11Login, P11Token } from "../../agent/p11/token.ts";
import { ByteReader, equalBytes, utf8 } from "../../lib/bytes.ts";
import { PinError } from "../../lib/errors.ts";
import { silentLogger } from "../../lib/log.ts";
import { type Args, CALLS, type CallName, type Result } from "../../lib/p11/calls.ts";
import {
  CKA_CLASS,
  CKF_SERIAL_SESSION,
  CKM_SHA256_RSA_PKCS,
  CKO_PRIVATE_KEY,
  CKU_USER,
} from "../../lib/p11/constants.ts";
import { MAX_BODY_BYTES } from "../../lib/p11/wire.ts";
import type { Pin } from "../../lib/pin/pin.ts";
import type { VirtualPki } from "../../lib/virtual-card/pki.ts";
import { computeSignature } from "../../lib/virtual-card/signature.ts";
import { FakeSlots } from "../helpers/fake-p11-tokens.ts";
import { testPki } from "../helpers/pki.ts";
import { initializedRpc, type RpcClient } from "../helpers/rpc-client.ts";
import { encodeRpcRequest, RPC_STYLES, type RpcStyle, rpcRequestFrame } from "../helpers/rpc-wire.ts";
import { tempDir } from "../helpers/temp-dir.ts";
import { collectedMemory } from "./collected-memory.ts";
import { Random } from "./random.ts";
import { anyRpcBody } from "./rpc-frames.ts";

export interface RpcSoakOptions {
  /** Frames to send in all. */
  readonly frames: number;
  /** Programs that send at the same time. */
  readonly clients: number;
  /** Programs that stop in the middle of a frame and stay. */
  readonly stopped: number;
  /** Frames from one honest signature to the next. */
  readonly signEvery: number;
  readonly seed: number;
}

export interface RpcSoakReport {
  readonly frames: number;
  readonly connections: number;
  readonly seconds: number;
  /** Made by the card, and asked for by the honest program: equal, or somebody signed without login. */
  readonly signed: number;
  readonly asked: number;
  readonly worstSignMs: number;
  /** After a tenth of the frames, when all code has run, and at the end; bytes, after a garbage collection. */
  readonly heap: readonly [early: number, late: number];
  readonly rss: readonly [early: number, late: number];
}

const FRAMES_PER_CONNECTION = 40;
const RIGHT_PIN = "7391";
const SIGNING_CALLS: readonly number[] = [CALLS.C_Sign.id, CALLS.C_SignFinal.id];

/** @throws Error if a frame is not answered as it should be, or an honest signature fails. */
export async function soakRpc(options: RpcSoakOptions): Promise<RpcSoakReport> {
  const folder = await tempDir();
  const card = new SoakCard(await testPki());
  const open = createApplications({
    slots: new FakeSlots(card),
    allowSha1: false,
    version: "1.2.3",
    log: silentLogger,
  });
  const face = await startP11Face({ socketPath: join(folder.path, "pkcs11"), open, log: silentLogger });
  try {
    return await new RpcSoak(options, face, card).run();
  } finally {
    await face.close();
    await folder.remove();
  }
}

/** Knows one PIN; a person who is asked for it goes away. */
class SoakCard implements P11Token {
  readonly label = "soak";
  readonly serial = "0123456789abcdef";
  readonly asksEachTime = false;
  readonly publicKey: KeyObject;
  signed = 0;
  readonly #pki: VirtualPki;
  readonly #key: KeyObject;

  constructor(pki: VirtualPki) {
    this.#pki = pki;
    this.#key = createPrivateKey({ key: Buffer.from(pki.authKey), format: "der", type: "pkcs8" });
    this.publicKey = new X509Certificate(pki.authCertificate).publicKey;
  }

  certificate = () => this.#pki.authCertificate;
  caCertificate = () => this.#pki.authCaCertificate;
  pss = () => true;
  tries = () => "all" as const;

  async login(pin: Pin | undefined): Promise<P11Login> {
    const isRight = pin?.expose((bytes) => equalBytes(bytes, utf8(RIGHT_PIN))) ?? false;
    pin?.wipe();
    if (!isRight) throw new PinError(pin === undefined ? "PIN_CANCELLED" : "PIN_WRONG", "log in: not with this PIN");
    return {
      ended: new AbortController().signal,
      sign: async (scheme, input) => {
        this.signed++;
        return computeSignature(this.#key, scheme === "pss" ? 0x04 : 0x00, input);
      },
      refuse: () => {},
      end: () => {},
    };
  }
}

class RpcSoak {
  readonly #options: RpcSoakOptions;
  readonly #face: P11Face;
  readonly #card: SoakCard;
  readonly #random: Random;
  #sent = 0;
  #connections = 0;
  #asked = 0;
  #worstSignMs = 0;
  #early: NodeJS.MemoryUsage | undefined;

  constructor(options: RpcSoakOptions, face: P11Face, card: SoakCard) {
    this.#options = options;
    this.#face = face;
    this.#card = card;
    this.#random = new Random(options.seed);
  }

  async run(): Promise<RpcSoakReport> {
    const { clients, stopped } = this.#options;
    const startMs = performance.now();
    const stops = await Promise.all(Array.from({ length: stopped }, () => this.#stopInAFrame()));
    await Promise.all([...Array.from({ length: clients }, () => this.#whileSending()), this.#signAgainAndAgain()]);
    const seconds = (performance.now() - startMs) / 1000;
    const late = collectedMemory();
    const early = this.#early ?? late;
    for (const client of stops) client.close();
    return {
      frames: this.#sent,
      connections: this.#connections,
      seconds,
      signed: this.#card.signed,
      asked: this.#asked,
      worstSignMs: this.#worstSignMs,
      heap: [early.heapUsed, late.heapUsed],
      rss: [early.rss, late.rss],
    };
  }

  async #whileSending(): Promise<void> {
    while (this.#sent < this.#options.frames) await this.#sendSome();
  }

  /** Whole frames, written in pieces of any size, and C_Finalize, which ends what waits. */
  async #sendSome(): Promise<void> {
    const style = this.#random.pick(RPC_STYLES);
    const client = await this.#connect(style);
    try {
      const [session] = await ask(client, "C_OpenSession", [1, CKF_SERIAL_SESSION]);
      const bodies = Array.from({ length: FRAMES_PER_CONNECTION }, () => this.#body(style, session));
      bodies.push(encodeRpcRequest("C_Finalize", []));
      const firstCode = 0x1000;
      const answers = bodies.map((_, i) => client.answerTo(firstCode + i));
      const stream = Buffer.concat(bodies.map((body, i) => rpcRequestFrame(firstCode + i, body)));
      for (let at = 0; at < stream.length; ) {
        const end = at + 1 + this.#random.int(4096);
        client.write(stream.subarray(at, end));
        at = end;
      }
      for (const [i, answer] of (await Promise.all(answers)).entries()) this.#check(bodies[i], answer);
      if (client.answered.length !== bodies.length + 2) throw new Error("a frame was answered twice");
      this.#sent += bodies.length;
    } finally {
      client.close();
    }
  }

  #body(style: RpcStyle, session: number): Uint8Array {
    // Drained, so a rare one.
    if (this.#random.int(5000) === 0) return new Uint8Array(MAX_BODY_BYTES + 1 + this.#random.int(100));
    return anyRpcBody(this.#random, { style, session });
  }

  #check(body: Uint8Array | undefined, answer: Uint8Array | undefined): void {
    const request = Buffer.from(body ?? [])
      .subarray(0, 2000)
      .toString("hex");
    if (answer === undefined) throw new Error(`no answer to ${request} (seed ${this.#options.seed})`);
    const reader = new ByteReader(answer, "answer");
    const id = reader.u32("id");
    const signature = reader.text("signature", 64);
    if (id === 0 && (signature !== "u" || reader.u64("rv") === 0n)) throw new Error(`${request} gave no error`);
    if (SIGNING_CALLS.includes(id) && reader.bool("there")) throw new Error(`${request} gave a signature`);
  }

  /** An honest start, then half a frame of any length. */
  async #stopInAFrame(): Promise<RpcClient> {
    const client = await this.#connect("0.24");
    const body = new Uint8Array(1 + this.#random.int(MAX_BODY_BYTES));
    const frame = rpcRequestFrame(0x11, body);
    client.write(frame.subarray(0, Math.min(1 + this.#random.int(4096), frame.length - 1)));
    return client;
  }

  async #signAgainAndAgain(): Promise<void> {
    const { frames, signEvery } = this.#options;
    for (let next = 0; this.#sent < frames; next = this.#sent + signEvery) {
      while (this.#sent < Math.min(next, frames)) await new Promise((resolve) => setTimeout(resolve, 5));
      const startMs = performance.now();
      await this.#sign(this.#random.pick(RPC_STYLES));
      this.#worstSignMs = Math.max(this.#worstSignMs, performance.now() - startMs);
      if (this.#early === undefined && this.#sent > frames / 10) this.#early = collectedMemory();
    }
  }

  /** As GnuTLS: log in, find the key, ask for the size, sign. */
  async #sign(style: RpcStyle): Promise<void> {
    const client = await this.#connect(style);
    const data = this.#random.bytes(100);
    try {
      const [session] = await ask(client, "C_OpenSession", [1, CKF_SERIAL_SESSION]);
      await ask(client, "C_Login", [session, CKU_USER, utf8(RIGHT_PIN)]);
      await ask(client, "C_FindObjectsInit", [session, [{ type: CKA_CLASS, value: CKO_PRIVATE_KEY }]]);
      const [found] = await ask(client, "C_FindObjects", [session, 1]);
      const key = "needed" in found ? undefined : found[0];
      if (key === undefined) throw new Error("the private key is not found");
      await ask(client, "C_FindObjectsFinal", [session]);
      const mechanism = { type: CKM_SHA256_RSA_PKCS, parameter: { kind: "none" } } as const;
      await ask(client, "C_SignInit", [session, mechanism, key]);
      const [size] = await ask(client, "C_Sign", [session, data, 0]);
      if (!("needed" in size) || size.needed !== 256) throw new Error("a size question was answered with a signature");
      this.#asked++;
      const [signature] = await ask(client, "C_Sign", [session, data, 256]);
      if ("needed" in signature || !verify("sha256", data, this.#card.publicKey, signature))
        throw new Error("a wrong signature");
    } finally {
      client.close();
    }
  }

  async #connect(style: RpcStyle): Promise<RpcClient> {
    this.#connections++;
    return initializedRpc(this.#face.socketPath, style);
  }
}

/** @throws Error if the call fails. */
async function ask<C extends CallName>(client: RpcClient, call: C, args: Args<C>): Promise<Result<C>> {
  const reply = await client.call(call, args);
  if ("rv" in reply) throw new Error(`${call} gave 0x${reply.rv.toString(16)}`);
  return reply.values;
}
