/** A key store with a real RSA key in memory: the faces' tests need no card. */

import { constants, createPublicKey, generateKeyPairSync, type KeyObject, privateEncrypt } from "node:crypto";
import type { KeyIdentity, KeyStore, RsaPublicKey, SignContext } from "../../lib/keys.ts";
import { encodeRsaBlob } from "../../lib/ssh/public-key.ts";
import { type Deferred, deferred } from "./deferred.ts";

export interface FakeKey {
  readonly privateKey: KeyObject;
  readonly identity: KeyIdentity;
  /** The `ssh-rsa` blob. */
  readonly blob: Uint8Array;
}

/** A fresh RSA-2048 key. */
export function fakeKey(comment = "fake key"): FakeKey {
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const publicKey = rsaPublicKeyOf(privateKey);
  const identity = { id: comment, publicKey, comment, present: true };
  return { privateKey, identity, blob: encodeRsaBlob(publicKey) };
}

/** A signature in progress. */
export interface HeldSignature {
  readonly context: SignContext;
  /** Lets it go on. */
  release(): void;
  /** Makes it fail. */
  fail(error: Error): void;
}

export class FakeKeyStore implements KeyStore {
  /** What was signed, in order. */
  readonly signed: { readonly digestInfo: Uint8Array; readonly context: SignContext }[] = [];
  forgotten = 0;
  readonly #keys: readonly FakeKey[];
  readonly #held: HeldSignature[] = [];
  readonly #nextHeld: Deferred<HeldSignature>[] = [];
  #hold = false;

  constructor(...keys: readonly FakeKey[]) {
    this.#keys = keys;
  }

  list(): readonly KeyIdentity[] {
    return this.#keys.map(({ identity }) => identity);
  }

  async sign(keyId: string, digestInfo: Uint8Array, context: SignContext): Promise<Uint8Array> {
    const key = this.#keys.find(({ identity }) => identity.id === keyId);
    if (!key) throw new Error(`no key ${keyId}`);
    if (this.#hold) await this.#wait(context);
    this.signed.push({ digestInfo, context });
    return privateEncrypt({ key: key.privateKey, padding: constants.RSA_PKCS1_PADDING }, digestInfo);
  }

  async forget(): Promise<void> {
    this.forgotten++;
  }

  /** From now on every signature waits, as for a card or a person. */
  hold(): void {
    this.#hold = true;
  }

  /** The next signature that waits. */
  nextHeld(): Promise<HeldSignature> {
    const held = this.#held.shift();
    if (held) return Promise.resolve(held);
    const next = deferred<HeldSignature>();
    this.#nextHeld.push(next);
    return next.promise;
  }

  async #wait(context: SignContext): Promise<void> {
    const go = deferred<void>();
    const onAbort = () => go.reject(context.signal.reason);
    context.signal.addEventListener("abort", onAbort, { once: true });
    const held = { context, release: () => go.resolve(), fail: (error: Error) => go.reject(error) };
    const next = this.#nextHeld.shift();
    if (next) next.resolve(held);
    else this.#held.push(held);
    await go.promise;
  }
}

function rsaPublicKeyOf(privateKey: KeyObject): RsaPublicKey {
  const { n = "", e = "" } = createPublicKey(privateKey).export({ format: "jwk" });
  return { modulus: Buffer.from(n, "base64url"), exponent: Buffer.from(e, "base64url") };
}
