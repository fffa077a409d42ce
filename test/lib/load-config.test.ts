import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { parseConfig } from "../../lib/config-file.ts";
import { loadConfig } from "../../lib/load-config.ts";

const FILE = "/home/taro/.config/jpki-agent/config.toml";

describe("parseConfig", () => {
  it("reads every key", () => {
    const text = `
      reader = "SCR3310"
      card = "pcsc"
      pcsc-binding = "pcsclite"
      [agent]
      socket = "/run/user/1000/jpki.sock"
      pin-prompt = "askpass"
      pinentry = "/usr/bin/pinentry-qt"
      pin-cache = "off"
      pin-cache-ttl = 600
      card-hold = 0.5
      wait-card = 0
      allow-sha1 = true
      allow-any-data = false
      confirm = true
      require-binding = true
      allow-forwarded = ["build.example", "*.lan"]
      certificate = ["/home/taro/.ssh/card-cert.pub"]
      upstream = "/run/user/1000/other.sock"
      pkcs11-socket = "/run/user/1000/pkcs11"
      pkcs11-signature-key = true
      pkcs11-login-ttl = 28800
      pkcs11-login-signatures = 50
      pkcs11-pss = "off"
      notify = true`;
    expect(parseConfig(text, FILE)).toEqual({
      reader: "SCR3310",
      card: "pcsc",
      pcscBinding: "pcsclite",
      agent: {
        socket: "/run/user/1000/jpki.sock",
        pinPrompt: "askpass",
        pinentry: "/usr/bin/pinentry-qt",
        pinCache: "off",
        pinCacheTtl: 600,
        cardHold: 0.5,
        waitCard: 0,
        allowSha1: true,
        allowAnyData: false,
        confirm: true,
        requireBinding: true,
        allowForwarded: ["build.example", "*.lan"],
        certificate: ["/home/taro/.ssh/card-cert.pub"],
        upstream: "/run/user/1000/other.sock",
        pkcs11Socket: "/run/user/1000/pkcs11",
        pkcs11SignatureKey: true,
        pkcs11LoginTtl: 28800,
        pkcs11LoginSignatures: 50,
        pkcs11Pss: "off",
        notify: true,
      },
    });
  });

  it.each([true, false])("takes pkcs11-socket = %j: at the default path, or not at all", (value) => {
    expect(parseConfig(`[agent]\npkcs11-socket = ${value}`, FILE).agent.pkcs11Socket).toBe(value);
  });

  it("takes an empty file as no settings", () => {
    expect(parseConfig("# nothing\n", FILE)).toEqual({ agent: {} });
  });

  it.each([
    ['colour = "red"', "unknown-key", { key: "colour" }],
    ["[agent]\nholdcard = 3", "unknown-key", { key: "agent.holdcard" }],
    ["[cert]\nca = 3", "unknown-key", { key: "cert" }],
    ['card = "nfc"', "bad-value", { key: "card" }],
    ['reader = ""', "bad-value", { key: "reader" }],
    ["[agent]\ncard-hold = -1", "bad-value", { key: "agent.card-hold" }],
    ["[agent]\ncard-hold = inf", "bad-value", { key: "agent.card-hold" }],
    ["[agent]\npin-cache-ttl = 3000000", "bad-value", { key: "agent.pin-cache-ttl" }],
    ['[agent]\nallow-sha1 = "yes"', "bad-value", { key: "agent.allow-sha1" }],
    ['[agent]\nsocket = "agent.sock"', "bad-value", { key: "agent.socket" }],
    ['[agent]\nallow-forwarded = "*"', "bad-value", { key: "agent.allow-forwarded" }],
    ['[agent]\ncertificate = ["card-cert.pub"]', "bad-value", { key: "agent.certificate.0" }],
    ['[agent]\nupstream = "other.sock"', "bad-value", { key: "agent.upstream" }],
    ['[agent]\npkcs11-socket = "pkcs11"', "bad-value", { key: "agent.pkcs11-socket" }],
    ["[agent]\npkcs11-login-ttl = 0", "bad-value", { key: "agent.pkcs11-login-ttl" }],
    ["[agent]\npkcs11-login-signatures = 0", "bad-value", { key: "agent.pkcs11-login-signatures" }],
    ["[agent]\npkcs11-login-signatures = 1.5", "bad-value", { key: "agent.pkcs11-login-signatures" }],
    ["[agent]\npkcs11-pss = true", "bad-value", { key: "agent.pkcs11-pss" }],
    ['[agent]\nnotify = "yes"', "bad-value", { key: "agent.notify" }],
    ['[agent]\npin-prompt = "gui"', "bad-value", { key: "agent.pin-prompt" }],
    ["reader = ", "syntax", {}],
    ['reader = "a"\nreader = "b"', "syntax", {}],
  ])("refuses %j as %s", (text, problem, details) => {
    expect(() => parseConfig(text, FILE)).toThrowError(
      expect.objectContaining({
        code: "CONFIG_INVALID",
        details: expect.objectContaining({ problem, file: FILE, ...details }),
      }),
    );
  });
});

describe("loadConfig", () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "jpki-config-"));
  });
  afterEach(() => rm(folder, { recursive: true }));

  it("reads the file", async () => {
    const path = join(folder, "config.toml");
    await writeFile(path, 'reader = "Reader A"');
    await expect(loadConfig({ path, required: true })).resolves.toMatchObject({ reader: "Reader A" });
  });

  it("takes a missing default file as no settings", async () => {
    const path = join(folder, "no-folder", "config.toml");
    await expect(loadConfig({ path, required: false })).resolves.toEqual({ agent: {} });
  });

  it("refuses a missing file that the user named", async () => {
    await expect(loadConfig({ path: join(folder, "none.toml"), required: true })).rejects.toMatchObject({
      code: "CONFIG_INVALID",
      details: { problem: "unreadable-file" },
    });
  });

  it("refuses a default file that is there but cannot be read", async () => {
    await expect(loadConfig({ path: folder, required: false })).rejects.toMatchObject({
      code: "CONFIG_INVALID",
      details: { problem: "unreadable-file" },
    });
  });
});
