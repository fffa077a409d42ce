/**
 * The table of pin-table.system.test.ts for a PIN that is saved in a real gnome-keyring: it is sent at most once, and
 * what is no PIN never.
 */

import { copyFile, mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { execPath } from "node:process";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createKeychain } from "../../lib/pin/keychain.ts";
import type { PinVault } from "../../lib/pin/vault.ts";
import type { VirtualPki } from "../../lib/virtual-card/pki.ts";
import { JPKI_AGENT } from "../helpers/agent-process.ts";
import { type Keyring, startKeyring } from "../helpers/keyring.ts";
import { type FaultTable, NO_PINS, rowsOf } from "../helpers/pin-faults.ts";
import {
  allTriesAgain,
  askedAndCancelled,
  type Case,
  OTHER_PIN,
  openSourceBench,
  PIN,
  play,
  type SourceBench,
  typedRight,
  unasked,
} from "../helpers/pin-source-bench.ts";
import { testPki } from "../helpers/pki.ts";
import { recordingLogger } from "../helpers/recording-logger.ts";
import { spyPin } from "../helpers/spy-pin.ts";
import { type TempDir, tempDir } from "../helpers/temp-dir.ts";

const log = recordingLogger();

let dir: TempDir;
let pki: VirtualPki;
beforeAll(async () => {
  [dir, pki] = await Promise.all([tempDir(), testPki()]);
});
afterAll(() => dir.remove());

const CHILD = join(dirname(JPKI_AGENT), "keychain-child.js");

function keychain(env: Readonly<Record<string, string>>, command: readonly [string, ...string[]] = [execPath, CHILD]) {
  return createKeychain({ command, env, timeoutMs: 20_000, log });
}
/** What is in the keychain is written by other programs, too. */
const saved = (text: string) => (bench: SourceBench) => bench.vault.save(bench.keyId, spyPin(text));
/** The keychain is another one from now on, which fails in this way. */
const instead = (problem: string, open: (keyId: string) => Promise<PinVault>) => async (bench: SourceBench) => {
  bench.vault = await open(bench.keyId);
  await expect(bench.vault.read(bench.keyId)).rejects.toMatchObject({
    code: "KEYCHAIN_UNAVAILABLE",
    details: { problem },
  });
};
const savedNoPin = (text: string): readonly Case[] => [
  { how: "not sent: a person is asked", steps: [{ ...typedRight, before: saved(text) }] },
];

async function withoutKeytar(): Promise<PinVault> {
  const folder = join(dir.path, "without-keytar");
  await mkdir(folder);
  await writeFile(join(folder, "package.json"), '{"type":"module"}');
  await copyFile(CHILD, join(folder, "keychain-child.js"));
  return keychain({}, [execPath, join(folder, "keychain-child.js")]);
}

let lockedKeyring: Keyring | undefined;
/** A keyring of its own, with a PIN that nobody gets at. */
async function lockedKeychain(unlocking: "waits" | "refused", keyId: string): Promise<PinVault> {
  const folder = join(dir.path, `locked-${unlocking}`);
  const open = await startKeyring({ folder });
  await keychain(open.env).save(keyId, spyPin(PIN));
  await open.stop();
  lockedKeyring = await startKeyring({ folder, locked: true, unlocking });
  return createKeychain({ command: [execPath, CHILD], env: lockedKeyring.env, timeoutMs: 1500, log });
}

const KEYCHAIN: FaultTable<Case> = {
  empty: [{ how: "a line end alone: not sent", steps: [{ ...typedRight, before: saved("\n") }] }],
  short: savedNoPin(NO_PINS.short),
  long: savedNoPin(NO_PINS.long),
  letters: savedNoPin(NO_PINS.letters),
  "full-width digits": savedNoPin(NO_PINS["full-width digits"]),
  "wrong once": [
    {
      how: "sent once, then a person is asked",
      steps: [{ before: saved(OTHER_PIN), typed: [PIN], outcome: "signed", attempts: 2, questions: 1 }],
    },
  ],
  "wrong twice": [
    {
      how: "never sent a second time, though all tries are left and another program saves it again",
      steps: [
        { before: saved(OTHER_PIN), typed: [null], outcome: "PIN_CANCELLED", attempts: 1, questions: 1 },
        {
          ...askedAndCancelled,
          before: async (bench) => {
            expect(await bench.vault.read(bench.keyId)).toBeUndefined();
            allTriesAgain(bench);
            await saved(OTHER_PIN)(bench);
          },
        },
      ],
    },
    {
      how: "but the right one is, when it is saved in its place",
      steps: [
        { before: saved(OTHER_PIN), typed: [null], outcome: "PIN_CANCELLED", attempts: 1, questions: 1 },
        {
          ...unasked,
          before: async (bench) => {
            allTriesAgain(bench);
            await saved(PIN)(bench);
          },
        },
      ],
    },
    {
      how: "not even once while a try is lost",
      steps: [{ ...askedAndCancelled, before: ({ card }) => card.setTries("auth", 2) }],
    },
  ],
  cancelled: [
    { how: "erased: pin forget", steps: [{ ...typedRight, before: (it) => it.vault.erase(it.keyId) }] },
    {
      how: "a locked keyring, and its owner does not unlock it: as if nothing were saved",
      steps: [
        {
          ...typedRight,
          before: async (bench) => {
            bench.vault = await lockedKeychain("refused", bench.keyId);
            expect(await bench.vault.read(bench.keyId)).toBeUndefined();
          },
        },
      ],
    },
  ],
  "source crashes": [
    {
      how: "a person is asked",
      steps: [
        { ...typedRight, before: instead("refused", async () => keychain({}, ["/bin/sh", "-c", "kill -SEGV $$"])) },
      ],
    },
  ],
  "source hangs": [
    {
      how: "a locked keyring waits for its owner: a person is asked in time",
      steps: [{ ...typedRight, before: instead("timeout", (keyId) => lockedKeychain("waits", keyId)) }],
    },
  ],
  "source missing": [
    {
      how: "no D-Bus",
      steps: [{ ...typedRight, before: instead("refused", async () => keychain({ HOME: dir.path })) }],
    },
    { how: "keytar is not installed", steps: [{ ...typedRight, before: instead("no-keytar", withoutKeytar) }] },
  ],
  "client gone": [
    {
      how: "while the keychain is read: nothing is sent",
      steps: [
        {
          ...{ before: saved(PIN), typed: [], clientLeaves: "while the keychain is read" },
          ...{ outcome: "hung up", attempts: 0, questions: 0 },
        },
        unasked,
      ],
    },
    {
      how: "while the card checks a PIN that is wrong: that counts, and it is not sent again",
      steps: [
        {
          ...{ before: saved(OTHER_PIN), typed: [], clientLeaves: "at VERIFY" },
          ...{ outcome: "hung up", attempts: 1, questions: 0 },
        },
        { ...askedAndCancelled, before: allTriesAgain },
      ],
    },
  ],
};

describe("a real gnome-keyring: --pin-cache keychain", () => {
  let keyring: Keyring;
  let vault: PinVault;
  beforeAll(async () => {
    keyring = await startKeyring({ folder: join(dir.path, "keyring") });
    vault = keychain(keyring.env);
  });
  afterAll(() => keyring.stop());

  it("right: sent without a question, once for each signature", async () => {
    const bench = await openSourceBench("keychain", pki, vault);
    await play(bench, [{ ...unasked, before: saved(PIN) }, unasked]);
    await bench.close();
  });

  it.each(rowsOf(KEYCHAIN))("$fault: $how", async ({ steps }) => {
    const bench = await openSourceBench("keychain", pki, vault);
    try {
      await bench.vault.save(bench.keyId, spyPin(PIN));
      await play(bench, steps);
      expect(JSON.stringify(log.lines)).not.toMatch(/739|8264/);
    } finally {
      await bench.close();
      await lockedKeyring?.stop();
      lockedKeyring = undefined;
    }
  });
});
