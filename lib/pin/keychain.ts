/**
 * The OS keychain as a {@link PinVault}: Keychain (macOS), Secret Service (GNOME Keyring, KWallet), by a program of
 * its own for each request (keychain-child.ts), which is ended when it takes too long.
 */

import { wipeableBytes, wipeableCopy, wipeRead } from "../bytes.ts";
import { PinError } from "../errors.ts";
import type { Logger } from "../log.ts";
import { type Environment, startGroup } from "./child-group.ts";
import { type Pin, pinFromBytes } from "./pin.ts";
import type { PinVault } from "./vault.ts";

export interface KeychainOptions {
  /** What runs keychain-child.js: node and the script, or what stands in for it. */
  readonly command: readonly [string, ...string[]];
  /** Its whole environment (DBUS_SESSION_BUS_ADDRESS, HOME). */
  readonly env: Environment;
  /** For one request. A locked keyring asks its owner to unlock it meanwhile. */
  readonly timeoutMs: number;
  readonly log: Logger;
}

/** Exit statuses of keychain-child.ts. */
const DONE = 0;
const NOTHING_THERE = 10;
const NO_KEYTAR = 12;

const MAX_PIN_BYTES = 64;

interface Answer {
  readonly found: boolean;
  /** Owned by the caller. */
  readonly bytes: Uint8Array;
}

/** Each request is one process, ended within its time. */
export function createKeychain(options: KeychainOptions): PinVault {
  const { log } = options;
  return {
    async read(cardId) {
      const { found, bytes } = await ask(options, "read", cardId);
      if (!found) return undefined;
      try {
        return pinFromBytes("auth", bytes);
      } catch (error) {
        if (!(error instanceof PinError)) throw error;
        log.warn("what is saved in the keychain is no PIN", { key: cardId, code: error.code });
        return undefined;
      }
    },
    async save(cardId, pin) {
      await ask(options, "save", cardId, pin);
    },
    async erase(cardId) {
      return (await ask(options, "erase", cardId)).found;
    },
  };
}

async function ask(
  { command, env, timeoutMs }: KeychainOptions,
  verb: "read" | "save" | "erase",
  cardId: string,
  pin?: Pin | undefined,
): Promise<Answer> {
  const [program, ...args] = command;
  const child = startGroup(program, [...args, verb, cardId], env);
  const kept = wipeableBytes(MAX_PIN_BYTES);
  let length = 0;
  let late = false;
  child.stdout.on("data", (chunk: Buffer) => {
    if (length + chunk.length <= MAX_PIN_BYTES) kept.set(chunk, length);
    length += chunk.length;
    wipeRead(chunk);
  });
  const timer = setTimeout(() => {
    late = true;
    child.stop();
  }, timeoutMs);
  const sent = pin?.expose((bytes) => Buffer.from(bytes));
  try {
    child.stdin.end(sent);
    const status = await child.ended;
    if (late) throw unavailable(`no answer within ${timeoutMs} ms`, "unlock the keychain and try again", "timeout");
    if (status === NOTHING_THERE) return { found: false, bytes: new Uint8Array() };
    if (status === DONE && length <= MAX_PIN_BYTES)
      return { found: true, bytes: wipeableCopy(kept.subarray(0, length)) };
    if (status === NO_KEYTAR)
      throw unavailable(
        "keytar is not installed",
        "run: npm install keytar (on Debian after: apt install libsecret-1-dev build-essential python3)",
        "no-keytar",
      );
    throw unavailable(
      "it refused",
      "start and unlock it (GNOME: gnome-keyring-daemon --start; a D-Bus session is needed)",
      "refused",
    );
  } finally {
    clearTimeout(timer);
    sent?.fill(0);
    kept.fill(0);
  }
}

function unavailable(reason: string, hint: string, problem: "timeout" | "no-keytar" | "refused"): PinError {
  return new PinError("KEYCHAIN_UNAVAILABLE", `use the OS keychain: ${reason}`, { hint, details: { problem } });
}
