/** The keychain against a real gnome-keyring; every PIN here is made up. */

import { copyFile, mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { execPath } from "node:process";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createKeychain } from "../../../lib/pin/keychain.ts";
import type { PinVault } from "../../../lib/pin/vault.ts";
import { JPKI_AGENT } from "../../helpers/agent-process.ts";
import { type Keyring, startKeyring } from "../../helpers/keyring.ts";
import { recordingLogger } from "../../helpers/recording-logger.ts";
import { run } from "../../helpers/run.ts";
import { digitsOf, spyPin } from "../../helpers/spy-pin.ts";
import { type TempDir, tempDir } from "../../helpers/temp-dir.ts";

const CHILD = join(dirname(JPKI_AGENT), "keychain-child.js");
const CARD = "a".repeat(64);
const OTHER = "b".repeat(64);
const log = recordingLogger();

let dir: TempDir;
beforeAll(async () => {
  dir = await tempDir();
});
afterAll(() => dir.remove());

function keychain(env: Readonly<Record<string, string>>, child = CHILD, timeoutMs = 20_000): PinVault {
  return createKeychain({ command: [execPath, child], env, timeoutMs, log });
}

const problem = (name: string) => expect.objectContaining({ code: "KEYCHAIN_UNAVAILABLE", details: { problem: name } });

describe("an unlocked keyring", () => {
  let keyring: Keyring;
  let vault: PinVault;
  beforeAll(async () => {
    keyring = await startKeyring({ folder: dir.path });
    vault = keychain(keyring.env);
  });
  afterAll(() => keyring.stop());

  it("keeps one PIN for each card", async () => {
    expect(await vault.read(CARD)).toBeUndefined();
    await vault.save(CARD, spyPin("7391"));
    await vault.save(OTHER, spyPin("4826"));
    expect([digitsOf(await vault.read(CARD)), digitsOf(await vault.read(OTHER))]).toEqual(["7391", "4826"]);
    await vault.save(CARD, spyPin("7392"));
    expect(digitsOf(await vault.read(CARD))).toBe("7392");
    expect([await vault.erase(CARD), await vault.erase(CARD), await vault.read(CARD)]).toEqual([
      true,
      false,
      undefined,
    ]);
    expect(digitsOf(await vault.read(OTHER))).toBe("4826");
  });

  it("shows it under our name and the card's", async () => {
    await vault.save(CARD, spyPin("7391"));
    const { stdout, stderr } = await run(
      "dbus-send",
      [
        ...["--session", "--print-reply", "--dest=org.freedesktop.secrets", "/org/freedesktop/secrets"],
        ...["org.freedesktop.Secret.Service.SearchItems", `dict:string:string:service,jpki-agent,account,${CARD}`],
      ],
      { env: keyring.env },
    );
    expect(stdout, stderr).toContain("/org/freedesktop/secrets/collection/");
  });

  it("something else there is no PIN, and that is said without it", async () => {
    await vault.save(CARD, spyPin("12345678"));
    expect(await vault.read(CARD)).toBeUndefined();
    expect(JSON.stringify(log.lines)).not.toContain("12345678");
    expect(log.lines.at(-1)?.level).toBe("warn");
  });
});

it("a locked keyring that waits for its owner: an error in time, and nothing is left running", async () => {
  const locked = await startKeyring({ folder: dir.path, locked: true });
  const began = performance.now();
  await expect(keychain(locked.env, CHILD, 1500).read(CARD)).rejects.toEqual(problem("timeout"));
  expect(performance.now() - began).toBeLessThan(10_000);
  await locked.stop();
});

it("no D-Bus", async () => {
  const env = { PATH: process.env["PATH"] ?? "", HOME: dir.path };
  await expect(keychain(env).read(CARD)).rejects.toEqual(problem("refused"));
  await expect(keychain(env).save(CARD, spyPin("7391"))).rejects.toEqual(problem("refused"));
});

it("keytar not installed", async () => {
  const alone = join(dir.path, "alone");
  await mkdir(alone);
  await writeFile(join(alone, "package.json"), '{"type":"module"}');
  await copyFile(CHILD, join(alone, "keychain-child.js"));
  const child = join(alone, "keychain-child.js");
  await expect(keychain({}, child).read(CARD)).rejects.toEqual(problem("no-keytar"));
});
