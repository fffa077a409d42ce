/**
 * OpenSC as a witness: a program by other people, made for the real card, sees the virtual card behind the real pcscd as
 * what it is meant to be. OpenSC recognises it by itself (SELECT of the application); no configuration is needed.
 */

import { constants, createHash, createPrivateKey, privateEncrypt, X509Certificate } from "node:crypto";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { concatBytes, fromHex } from "../../lib/bytes.ts";
import { DEFAULT_AUTH_PIN, VirtualCard } from "../../lib/virtual-card/card.ts";
import type { VirtualPki } from "../../lib/virtual-card/pki.ts";
import { Pcscd, VPCD_READERS } from "../helpers/pcscd.ts";
import { testPki } from "../helpers/pki.ts";
import { runOk } from "../helpers/run.ts";
import { VpcdSlot } from "./bridge.ts";

const MODULE = "/usr/lib/x86_64-linux-gnu/opensc-pkcs11.so";
const AUTH_CERTIFICATE = "1";
const AUTH_KEY = "1";
const SHA256_PREFIX = fromHex("3031300D060960864801650304020105000420");

let pki: VirtualPki;
let pcscd: Pcscd;
let slot: VpcdSlot;
let folder: string;

beforeAll(async () => {
  pki = await testPki();
  pcscd = await Pcscd.start();
  slot = new VpcdSlot(pcscd.port);
  return async () => {
    await slot.remove();
    await pcscd.stop();
  };
});

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "jpki-opensc-"));
});

afterEach(async () => {
  await rm(folder, { recursive: true });
});

describe.each(["card", "old"] as const)("profile %s", (profile) => {
  let card: VirtualCard;

  beforeEach(async () => {
    card = new VirtualCard({ pki, profile });
    await slot.insert(card);
  });

  test("pkcs15-tool reads the card's certificate and key", async () => {
    const pem = await runOk("pkcs15-tool", ["--reader", VPCD_READERS[0], "--read-certificate", AUTH_CERTIFICATE]);
    const certificate = new X509Certificate(pki.authCertificate);
    expect(new X509Certificate(pem.stdout).fingerprint256).toBe(certificate.fingerprint256);
  });

  /** Not by `pkcs15-tool --read-ssh-key`: OpenSC 0.23 takes the JPKI certificate for a bare key there, and fails. */
  test("OpenSSH with OpenSC's module lists the authentication key", async () => {
    const { stdout } = await runOk("ssh-keygen", ["-D", MODULE]);
    const certificate = new X509Certificate(pki.authCertificate);
    const modulus = certificate.publicKey.export({ format: "jwk" }).n ?? "";
    const keys = stdout.split("\n").map((line) => Buffer.from(line.split(" ")[1] ?? "", "base64"));
    expect(keys.some((blob) => blob.includes(Buffer.from(modulus, "base64url")))).toBe(true);
    expect(card.pinAttempts).toBe(0);
  });

  test("pkcs15-crypt signs a DigestInfo as the key itself does", async () => {
    const digestInfo = concatBytes(SHA256_PREFIX, createHash("sha256").update("to be signed").digest());
    const [input, output] = [join(folder, "digest-info"), join(folder, "signature")];
    await writeFile(input, digestInfo);
    const files = ["--input", input, "--output", output];
    const key = ["--sign", "--key", AUTH_KEY, "--pkcs1", "--raw", "--pin", DEFAULT_AUTH_PIN];
    await runOk("pkcs15-crypt", ["--reader", VPCD_READERS[0], ...key, ...files]);

    const privateKey = createPrivateKey({ key: Buffer.from(pki.authKey), format: "der", type: "pkcs8" });
    const expected = privateEncrypt({ key: privateKey, padding: constants.RSA_PKCS1_PADDING }, digestInfo);
    expect((await readFile(output)).equals(expected)).toBe(true);
    expect(card.pinAttempts).toBe(1);
    expect(card.signatures).toEqual({ auth: 1, sign: 0 });
  });

  test("pkcs15-tool sees the tries left and spends none", async () => {
    card.setTries("auth", 2);
    const { stdout } = await runOk("pkcs15-tool", ["--reader", VPCD_READERS[0], "--list-pins"]);
    expect(stdout).toMatch(/Tries left\s*: 2/);
    expect(card.pinAttempts).toBe(0);
    expect(card.triesLeft).toEqual({ auth: 2, sign: 5, text: 3 });
  });
});

test.each([
  ["card", "T=1"],
  ["old", "T=1"],
  ["phone", "T=1"],
  ["t0", "T=0"],
] as const)("pcscd gives profile %s the protocol %s", async (profile, protocol) => {
  const card = new VirtualCard({ pki, profile });
  await slot.insert(card);
  expect(card.protocol).toBe(protocol);
  // OpenSC's "default" driver sends nothing by itself; its debug log is the one place where it tells the protocol.
  const command = ["--card-driver", "default", "--send-apdu", "00A4040C0AD392F000260100000001"];
  const env = { ...process.env, OPENSC_DEBUG: "9" };
  const { stderr } = await runOk("opensc-tool", ["--reader", VPCD_READERS[0], ...command], { env });
  expect(stderr).toContain(`Initial protocol: ${protocol}`);
});
