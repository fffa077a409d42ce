/**
 * `ssh-add -x` and `-X`: a password that closes the agent until it is given again. Kept as a slow hash; a wrong one is
 * answered after a delay that grows as in ssh-agent, and nobody else waits for it.
 */

import { randomBytes, scrypt, timingSafeEqual } from "node:crypto";
import { setTimeout } from "node:timers/promises";
import { Turns } from "./turns.ts";

/** scrypt (RFC 7914): 32 MiB and about 0.1 s for each password tried, off the main thread. */
export const LOCK_HASH = { N: 2 ** 15, r: 8, p: 1, keyBytes: 32, saltBytes: 16, maxmem: 64 * 1024 * 1024 } as const;

/** Added with each wrong password in a row, milliseconds (ssh-agent.c, process_lock_agent). */
const DELAY_STEP_MS = 100;
const MAX_DELAY_MS = 10_000;

export interface AgentLockOptions {
  /** Monotonic milliseconds. */
  readonly now: () => number;
  /** Resolves after `delayMs`; rejects with the signal's reason. */
  readonly wait?: ((delayMs: number, signal: AbortSignal) => Promise<void>) | undefined;
}

interface Locked {
  readonly salt: Uint8Array;
  readonly hash: Promise<Uint8Array>;
}

export class AgentLock {
  readonly #now: () => number;
  readonly #wait: (delayMs: number, signal: AbortSignal) => Promise<void>;
  readonly #attempts = new Turns();
  #locked: Locked | undefined;
  #failures = 0;
  /** When the next password may be looked at: leaving and coming back gains nothing. */
  #notBeforeMs = 0;

  constructor({ now, wait = waitFor }: AgentLockOptions) {
    this.#now = now;
    this.#wait = wait;
  }

  get locked(): boolean {
    return this.#locked !== undefined;
  }

  /**
   * Locks at once; resolves when the password is hashed. It is the caller's, who wipes it then.
   *
   * @returns false if it is locked already or the password is empty.
   */
  async lock(password: Uint8Array): Promise<boolean> {
    if (this.locked || password.length === 0) return false;
    const salt = new Uint8Array(randomBytes(LOCK_HASH.saltBytes));
    const locked = { salt, hash: hashOf(password, salt) };
    this.#locked = locked;
    try {
      await locked.hash;
      return true;
    } catch (error) {
      this.#locked = undefined; // with a hash that nobody has, it could never be unlocked
      throw error;
    }
  }

  /**
   * Looks at one password after the other. It is the caller's, who wipes it afterwards.
   *
   * @returns false if it is not locked, or after a delay if the password is wrong.
   * @throws the signal's reason when it aborts.
   */
  async unlock(password: Uint8Array, signal: AbortSignal): Promise<boolean> {
    if (!this.locked) return false;
    return this.#attempts.run(signal, async () => {
      await this.#pause(signal);
      const locked = this.#locked;
      if (locked === undefined) return false;
      if (timingSafeEqual(await hashOf(password, locked.salt), await locked.hash)) {
        this.#locked = undefined;
        this.#failures = 0;
        return true;
      }
      this.#failures++;
      this.#notBeforeMs = this.#now() + unlockDelayMs(this.#failures);
      await this.#pause(signal);
      return false;
    });
  }

  async #pause(signal: AbortSignal): Promise<void> {
    const leftMs = this.#notBeforeMs - this.#now();
    if (leftMs > 0) await this.#wait(leftMs, signal);
  }
}

/** How long the answer to a wrong password is held back. @param failures in a row, this one counted. */
export function unlockDelayMs(failures: number): number {
  return Math.min(DELAY_STEP_MS * failures, MAX_DELAY_MS);
}

function hashOf(password: Uint8Array, salt: Uint8Array): Promise<Uint8Array> {
  const { keyBytes, N, r, p, maxmem } = LOCK_HASH;
  return new Promise((resolve, reject) => {
    scrypt(password, salt, keyBytes, { N, r, p, maxmem }, (error, hash) => (error ? reject(error) : resolve(hash)));
  });
}

async function waitFor(delayMs: number, signal: AbortSignal): Promise<void> {
  await setTimeout(delayMs, undefined, { signal, ref: false });
}
