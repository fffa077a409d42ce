/** `pkcs11 env` on a home folder of its own, and `pkcs11 server-config` with a virtual card and with files. */

import { execFileSync } from "node:child_process";
import { X509Certificate } from "node:crypto";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { run } from "../../cli/program.ts";
import { serverAddress } from "../../cli/set-up/p11-kit.ts";
import { encodePem } from "../../lib/x509/pem.ts";
import { fakeDeps } from "../helpers/cli.ts";
import { testPki } from "../helpers/pki.ts";
import { type TempDir, tempDir } from "../helpers/temp-dir.ts";

let dir: TempDir;
beforeEach(async () => {
  dir = await tempDir();
});
afterEach(() => dir.remove());

async function cli(argv: readonly string[], env: Record<string, string> = {}, home = dir.path) {
  const own = { PATH: process.env["PATH"] ?? "", XDG_RUNTIME_DIR: "/r/u", ...env };
  const deps = fakeDeps({ env: own, home });
  return { status: await run(argv, deps), out: deps.out(), err: deps.err() };
}

const moduleFile = () => join(dir.path, ".config/pkcs11/modules/jpki-agent.module");

describe("pkcs11 env", () => {
  it("on the usual socket: no variable, and nothing that a shell would do", async () => {
    const { status, out } = await cli(["pkcs11", "env"]);
    expect(status).toBe(0);
    expect(out.split("\n").filter((line) => line !== "" && !line.startsWith("#"))).toEqual([]);
    for (const word of ["/pkcs11/p11-kit-client.so", "remote: unix:path=/r/u/p11-kit/pkcs11", "modutil", "MODULE_PATH"])
      expect(out).toContain(word);
  });

  it.each([
    ["without XDG_RUNTIME_DIR", [], { XDG_RUNTIME_DIR: "" }, (home: string) => `${home}/.cache/p11-kit/pkcs11`],
    ["with --pkcs11-socket", ["--pkcs11-socket", "/a/b 50%'c"], {}, () => "/a/b%2050%25%27c"],
  ])("%s: a variable that the shell takes over as it is meant", async (_what, argv, env, path) => {
    const { out } = await cli(["pkcs11", "env", "--shell", "bash", ...argv], env);
    const script = `${out}\necho "$P11_KIT_SERVER_ADDRESS"`;
    const said = execFileSync("bash", ["--norc", "-c", script], { env: {}, encoding: "utf8" });
    expect(said).toBe(`unix:path=${path(dir.path)}\n`);
  });

  it("takes the socket from the configuration file", async () => {
    await writeFile(join(dir.path, "config.toml"), '[agent]\npkcs11-socket = "/from/file"\n');
    const { moduleFile } = JSON.parse(
      (await cli(["--json", "--config", join(dir.path, "config.toml"), "pkcs11", "env"])).out,
    );
    expect(moduleFile.text).toBe("remote: unix:path=/from/file\n");
  });

  it("has fish's own form", async () => {
    const { out } = await cli(["pkcs11", "env", "--shell", "fish", "--pkcs11-socket", "/s"]);
    expect(out).toMatch(/^set -gx P11_KIT_SERVER_ADDRESS 'unix:path=\/s'\n/);
  });

  it("is JSON for programs", async () => {
    const plan = JSON.parse((await cli(["--json", "pkcs11", "env"])).out);
    expect(plan).toMatchObject({ moduleFile: { path: moduleFile() }, programs: { nss: expect.any(String) } });
    expect(plan).not.toHaveProperty("shell");
    for (const asRoot of ["openvpn", "wpa_supplicant"])
      expect(plan.programs[asRoot]).toMatch(/^# P11_KIT_SERVER_ADDRESS=unix:path=\/r\/u\/p11-kit\/pkcs11$/m);
  });

  it.each([
    [true, "auto", "# ClientSignatureAlgorithms"],
    [false, "auto", "ClientSignatureAlgorithms"],
    [true, "off", "ClientSignatureAlgorithms"],
    [false, "on", "# ClientSignatureAlgorithms"],
  ])(
    "OpenSSL is kept from RSASSA-PSS where the agent offers none (card: %s, pkcs11-pss: %s)",
    async (pss, how, line) => {
      const env = { XDG_STATE_HOME: join(dir.path, "state") };
      expect((await cli(["--card", "virtual", "export-key"], env)).status).toBe(0);
      const file = join(dir.path, "state/jpki-agent/keys.json");
      const known = JSON.parse(await readFile(file, "utf8"));
      for (const key of known.keys) key.pss = pss;
      await writeFile(file, JSON.stringify(known));
      const config = join(dir.path, "config.toml");
      await writeFile(config, `[agent]\npkcs11-pss = "${how}"\n`);
      const { programs } = JSON.parse((await cli(["--json", "--config", config, "pkcs11", "env"], env)).out);
      expect(programs.openssl.split("\n")).toContain(`${line} = RSA+SHA256`);
    },
  );
});

describe("pkcs11 env --write", () => {
  const changes = async (...argv: readonly string[]) => JSON.parse((await cli(["--json", ...argv])).out);

  it.each([undefined, "# mine", "critical: no\n"])("twice is once, and --remove gives %j back", async (before) => {
    await mkdir(dirname(moduleFile()), { recursive: true });
    if (before !== undefined) await writeFile(moduleFile(), before);
    expect(await changes("pkcs11", "env", "--write")).toEqual([{ path: moduleFile(), result: "written" }]);
    const once = await readFile(moduleFile(), "utf8");
    expect(once).toMatch(/^remote: unix:path=\/r\/u\/p11-kit\/pkcs11$/m);
    expect(await changes("pkcs11", "env", "--write")).toEqual([{ path: moduleFile(), result: "unchanged" }]);
    expect(await readFile(moduleFile(), "utf8")).toBe(once);
    expect(await changes("pkcs11", "env", "--remove")).toEqual([{ path: moduleFile(), result: "removed" }]);
    expect(await readFile(moduleFile(), "utf8").catch(() => undefined)).toBe(before);
    expect(await changes("pkcs11", "env", "--remove")).toEqual([]);
  });

  it("follows the socket", async () => {
    await changes("pkcs11", "env", "--write");
    await changes("pkcs11", "env", "--write", "--pkcs11-socket", "/other");
    expect(await readFile(moduleFile(), "utf8")).toMatch(/^remote: unix:path=\/other$/m);
  });

  it("is taken out by env --remove too, as service uninstall does", async () => {
    await changes("pkcs11", "env", "--write");
    expect(await changes("env", "--remove")).toEqual([{ path: moduleFile(), result: "removed" }]);
  });
});

describe("serverAddress", () => {
  it("leaves usual paths readable and encodes all else", () => {
    expect(serverAddress("/run/user/1000/p11-kit/pkcs11")).toBe("unix:path=/run/user/1000/p11-kit/pkcs11");
    expect(serverAddress("/a b/%/ü;#")).toBe("unix:path=/a%20b/%25/%C3%BC%3B%23");
  });
});

describe("pkcs11 server-config", () => {
  let card: TempDir;
  const env = () => ({ XDG_STATE_HOME: card.path });

  /** One virtual card for all of them. */
  beforeAll(async () => {
    card = await tempDir();
  });
  afterAll(() => card.remove());

  async function files(...argv: readonly string[]): Promise<{ path: string; text: string }[]> {
    const { status, out, err } = await cli(["--card", "virtual", "--json", "pkcs11", "server-config", ...argv], env());
    expect(status, err).toBe(0);
    return JSON.parse(out);
  }

  async function pem(name: string): Promise<string> {
    return (await cli(["--card", "virtual", "cert", name, "--format", "pem"], env())).out;
  }

  it("nginx: the whole certificate in the form of $ssl_client_escaped_cert, and the CA's", async () => {
    const [conf, ca] = await files("nginx");
    const [, escaped = ""] = /\$ssl_client_escaped_cert = "([^"]*)"/.exec(conf?.text ?? "") ?? [];
    expect(decodeURIComponent(escaped)).toBe(await pem("auth"));
    expect(escaped).toMatch(/^[\w.~%-]+$/);
    expect(ca?.text).toBe(await pem("auth-ca"));
    expect(conf?.text).toContain(`ssl_client_certificate ${ca?.path};`);
  });

  it("apache: the whole certificate in a file that the expression names", async () => {
    const [conf, ca, certificate] = await files("apache");
    expect(certificate?.text).toBe(await pem("auth"));
    expect(ca?.text).toBe(await pem("auth-ca"));
    expect(conf?.text).toContain(`Require expr "%{SSL_CLIENT_CERT} == file('${certificate?.path}')"`);
  });

  it("sshd: the line of export-key", async () => {
    const [, key] = await files("sshd");
    expect(key?.text).toBe((await cli(["--card", "virtual", "export-key"], env())).out);
  });

  it("for people: each file under its path, comments in their language", async () => {
    const argv = ["--card", "virtual", "pkcs11", "server-config", "nginx"];
    const english = (await cli(argv, { ...env(), LANG: "C" })).out;
    expect(english).toMatch(/^# \/etc\/nginx\/jpki-agent\.conf:\n# In a server block/);
    expect(english).toContain("\n# /etc/nginx/jpki-agent-ca.pem:\n-----BEGIN CERTIFICATE-----\n");
    expect((await cli(argv, { ...env(), LANG: "ja_JP.UTF-8" })).out).toMatch(/全国のカード/);
  });

  describe("--cert", () => {
    it("takes the certificate and its CA's from a file, whatever stands between", async () => {
      const pki = await testPki();
      const texts = [pki.authCertificate, pki.signCaCertificate, pki.authCaCertificate];
      await writeFile(join(dir.path, "f.pem"), texts.map((der) => encodePem(der, "CERTIFICATE")).join(""));
      const [, ca, certificate] = await files("apache", "--cert", join(dir.path, "f.pem"));
      const fingerprint = (text = "") => new X509Certificate(text).fingerprint256;
      expect(fingerprint(certificate?.text)).toBe(new X509Certificate(pki.authCertificate).fingerprint256);
      expect(fingerprint(ca?.text)).toBe(new X509Certificate(pki.authCaCertificate).fingerprint256);
    });

    it.each([
      ["no CA", ["authCertificate"], "CONFIG_INVALID", 2],
      ["another CA", ["authCertificate", "signCaCertificate"], "CONFIG_INVALID", 2],
      ["nothing", [], "MALFORMED", 1],
    ] as const)("with %s behind it: an error", async (_what, names, code, expected) => {
      const pki = await testPki();
      await writeFile(join(dir.path, "f.pem"), names.map((name) => encodePem(pki[name], "CERTIFICATE")).join(""));
      const argv = ["--json", "pkcs11", "server-config", "nginx", "--cert", join(dir.path, "f.pem")];
      const { status, out, err } = await cli(argv);
      expect([status, out]).toEqual([expected, ""]);
      expect(JSON.parse(err)).toMatchObject({ code });
    });
  });
});

it.each([
  [["pkcs11"], "no-command"],
  [["pkcs11", "server-config", "iis"], "bad-option-value"],
  [["pkcs11", "env", "--shell", "tcsh"], "bad-option-value"],
  [["pkcs11", "env", "--write", "--remove"], "conflicting-options"],
])("%j: status 2", async (argv, problem) => {
  const { status, err } = await cli(["--json", ...argv]);
  expect(status).toBe(2);
  expect(JSON.parse(err)).toMatchObject({ details: { problem } });
});
