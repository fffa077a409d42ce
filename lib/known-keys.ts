/**
 * The keys once seen, in `keys.json` of the state folder: the agent lists them before any card is read, and a phone's
 * key, which shows itself only after a PIN, at all. Nothing of the holder is in it.
 *
 * Two processes share the file (the agent and `export-key`). It is always replaced as a whole, by rename; whoever finds
 * it changed right before that starts again from what the other wrote.
 */

import { randomUUID } from "node:crypto";
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, statSync } from "node:fs";
import { open } from "node:fs/promises";
import { join } from "node:path";
import { fromHex, toHex, utf8 } from "./bytes.ts";
import type { CardKey, KnownKeyStore } from "./card-key.ts";
import { FileError, hasErrno, messageOf } from "./errors.ts";
import type { Logger } from "./log.ts";
import { z } from "./schema.ts";

export interface KnownKeysOptions {
  /** The state folder, absolute; made (mode 0700) when the first key is kept. */
  readonly folder: string;
  readonly log: Logger;
}

const FILE_NAME = "keys.json";
const MAX_FILE_BYTES = 1024 * 1024;
const MAX_REPLACE_TRIES = 10;

/** Big-endian without leading zeros, at most 8192 bits. */
const magnitude = z.string().regex(/^(?!00)([0-9a-f]{2}){1,1024}$/);

const keysFile = z.strictObject({
  version: z.literal(1),
  keys: z.array(
    z.strictObject({
      id: z.string().regex(/^[0-9a-f]{64}$/),
      kind: z.enum(["card", "phone"]),
      modulus: magnitude,
      exponent: magnitude,
      comment: z.string().regex(/^\P{Cc}{0,200}$/u),
      /** Only where the PKCS#11 face has asked the card. */
      pss: z.boolean().optional(),
      /** Absent in files of earlier versions, until the card is seen again. */
      lastYear: z.int().min(1970).max(9999).optional(),
    }),
  ),
});

/** What the file holds, and by which marks a later look tells that it is still the same. */
interface Snapshot {
  readonly keys: readonly CardKey[];
  readonly state: "absent" | "good" | "broken" | "unreadable";
  readonly mark: string;
}

/** Opens the store; touches nothing until it is asked. */
export function openKnownKeys(options: KnownKeysOptions): KnownKeyStore {
  return new KnownKeysFile(options);
}

class KnownKeysFile implements KnownKeyStore {
  readonly #folder: string;
  readonly #path: string;
  readonly #log: Logger;
  #snapshot: Snapshot = { keys: [], state: "absent", mark: "" };

  constructor({ folder, log }: KnownKeysOptions) {
    this.#folder = folder;
    this.#path = join(folder, FILE_NAME);
    this.#log = log;
  }

  list(): readonly CardKey[] {
    return this.#look().keys;
  }

  async remember(key: CardKey, replaces?: string | undefined): Promise<void> {
    try {
      for (let tries = 0; tries < MAX_REPLACE_TRIES; tries++) {
        const before = this.#look();
        const known = before.keys.find(({ id }) => id === key.id);
        const now = { ...key, pss: key.pss ?? known?.pss, lastYear: key.lastYear ?? known?.lastYear };
        const others = before.keys.filter(({ id }) => id !== key.id && id !== replaces);
        const isKept = known !== undefined && isSame(known, now);
        if (isKept && others.length === before.keys.length - 1) return;
        if (before.state === "unreadable") throw new Error("it is there, but cannot be read");
        if (await this.#replace([...others, now], before)) return;
      }
      throw new Error(`another process changed it ${MAX_REPLACE_TRIES} times meanwhile`);
    } catch (cause) {
      throw new FileError(`remember a key in ${this.#path}: ${messageOf(cause)}`, {
        hint: `see who owns ${this.#folder} and whether the disk is full`,
        details: { path: this.#path },
        cause,
      });
    }
  }

  /** The file as it is now; read again only if it changed, or could not be read. */
  #look(): Snapshot {
    const mark = this.#mark();
    if (mark !== this.#snapshot.mark || this.#snapshot.state === "unreadable")
      this.#snapshot = { ...this.#read(), mark };
    return this.#snapshot;
  }

  /** Empty: there is no file. */
  #mark(): string {
    try {
      const stat = statSync(this.#path, { bigint: true, throwIfNoEntry: false });
      return stat === undefined ? "" : [stat.dev, stat.ino, stat.size, stat.mtimeNs, stat.ctimeNs].join(" ");
    } catch (error) {
      return messageOf(error); // no right to look: told by the reading that follows
    }
  }

  /** Never throws: cards on the readers are listed all the same. */
  #read(): Omit<Snapshot, "mark"> {
    let text: Uint8Array;
    try {
      text = readFileSync(this.#path);
    } catch (error) {
      if (hasErrno(error, "ENOENT")) return { keys: [], state: "absent" };
      this.#log.warn("the remembered keys cannot be read", { file: this.#path, error: messageOf(error) });
      return { keys: [], state: "unreadable" };
    }
    try {
      return { keys: decodeKeys(text), state: "good" };
    } catch (error) {
      // Not fatal: keys are learnt again. The file stays, and is moved aside before a new one is written.
      this.#log.warn("the remembered keys are damaged; starting without them", {
        file: this.#path,
        error: messageOf(error),
      });
      return { keys: [], state: "broken" };
    }
  }

  /** @returns false if the file is no longer as it was in `before`; then nothing was changed. */
  async #replace(keys: readonly CardKey[], before: Snapshot): Promise<boolean> {
    mkdirSync(this.#folder, { recursive: true, mode: 0o700 });
    chmodSync(this.#folder, 0o700);
    const temporary = `${this.#path}.${randomUUID()}`;
    try {
      const file = await open(temporary, "wx", 0o600);
      try {
        await file.writeFile(encodeKeys(keys));
        await file.sync();
      } finally {
        await file.close();
      }
      if (this.#mark() !== before.mark) return false;
      if (before.state === "broken") renameSync(this.#path, this.#freeName());
      renameSync(temporary, this.#path);
      return true;
    } finally {
      rmSync(temporary, { force: true });
    }
  }

  #freeName(): string {
    for (let n = 1; ; n++) if (!existsSync(`${this.#path}.broken-${n}`)) return `${this.#path}.broken-${n}`;
  }
}

function decodeKeys(text: Uint8Array): readonly CardKey[] {
  if (text.length > MAX_FILE_BYTES) throw new Error(`${text.length} bytes, the limit is ${MAX_FILE_BYTES}`);
  const { keys } = keysFile.parse(JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(text)));
  return keys.map(({ id, kind, modulus, exponent, comment, pss, lastYear }) => ({
    id,
    kind,
    publicKey: { modulus: fromHex(modulus), exponent: fromHex(exponent) },
    comment,
    ...(pss === undefined ? {} : { pss }),
    ...(lastYear === undefined ? {} : { lastYear }),
  }));
}

/** Checked like what is read: what could not be read again must not be written. */
function encodeKeys(keys: readonly CardKey[]): Uint8Array {
  return utf8(`${JSON.stringify(keysFile.parse({ version: 1, keys: keys.map(plain) }), null, 2)}\n`);
}

function plain({ id, kind, publicKey, comment, pss, lastYear }: CardKey) {
  return { id, kind, modulus: toHex(publicKey.modulus), exponent: toHex(publicKey.exponent), comment, pss, lastYear };
}

function isSame(a: CardKey, b: CardKey): boolean {
  return JSON.stringify(plain(a)) === JSON.stringify(plain(b));
}
