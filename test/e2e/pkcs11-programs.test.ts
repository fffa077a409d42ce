/** Stock programs of Debian through p11-kit's own client: what they list, and signatures that openssl verifies. */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openPkcs11Desk, type Pkcs11Desk } from "../helpers/pkcs11-desk.ts";
import { type RunResult, run, runOk } from "../helpers/run.ts";
import { type Sshd, startSshd } from "../helpers/sshd.ts";

const PKCS1 = ["SHA256-RSA-PKCS", "SHA384-RSA-PKCS", "SHA512-RSA-PKCS"] as const;

describe.each([
  { profile: "card", pss: true },
  { profile: "old", pss: false },
] as const)("a card of profile $profile", ({ profile, pss }) => {
  let desk: Pkcs11Desk;

  beforeAll(async () => {
    desk = await openPkcs11Desk({ card: { profile } });
    await runOk("openssl", ["x509", "-in", desk.certificateFile, "-pubkey", "-noout", "-out", desk.at("card.pub")]);
    await writeFile(desk.at("data"), "to be signed");
    await runOk("openssl", ["dgst", "-sha256", "-binary", "-out", desk.at("hash"), desk.at("data")]);
  });

  afterAll(() => desk?.close());

  const pkcs11Tool = (...args: readonly string[]): Promise<RunResult> =>
    run("pkcs11-tool", ["--module", desk.module, ...args], { env: desk.env });

  async function verifies(...options: readonly string[]): Promise<string> {
    const files = ["-verify", desk.at("card.pub"), "-signature", desk.at("sig"), desk.at("data")];
    return (await run("openssl", ["dgst", ...options, ...files])).stdout;
  }

  describe("pkcs11-tool", () => {
    it("-L: one slot, one token", async () => {
      const { status, stdout } = await pkcs11Tool("-L");
      expect(status).toBe(0);
      expect(stdout.match(/token label +: My Number card [0-9a-f]{8}$/gm)).toHaveLength(1);
      expect(stdout).toMatch(/login required, PIN pad present, token initialized, PIN initialized/);
    });

    it("-O: certificates and public key; the private key after the login alone", async () => {
      const open = (await pkcs11Tool("-O")).stdout;
      expect(open).toMatch(/label: +JPKI authentication$/m);
      expect(open).toMatch(/label: +JPKI authentication CA$/m);
      expect(open).not.toMatch(/Private Key Object/);
      expect((await pkcs11Tool("--login", "-O")).stdout).toMatch(/Private Key Object; RSA/);
    });

    it("-M: PSS where the card has it alone", async () => {
      const { stdout } = await pkcs11Tool("-M");
      expect(stdout).toMatch(/^ {2}RSA-PKCS, keySize=\{2048,2048\}, hw, sign$/m);
      expect(/^ {2}RSA-PKCS-PSS,/m.test(stdout)).toBe(pss);
      expect(stdout).not.toMatch(/SHA1/);
    });

    it.each(PKCS1)("signs by %s", async (mechanism) => {
      const files = ["-i", desk.at("data"), "-o", desk.at("sig")];
      expect((await pkcs11Tool("--login", "--sign", "-m", mechanism, ...files)).status).toBe(0);
      expect(await verifies(`-${mechanism.split("-")[0]?.toLowerCase()}`)).toBe("Verified OK\n");
    });

    it("signs by RSA-PKCS what another program has hashed", async () => {
      const prefix = Buffer.from("3031300D060960864801650304020105000420", "hex");
      await writeFile(desk.at("info"), Buffer.concat([prefix, await readFile(desk.at("hash"))]));
      const files = ["-i", desk.at("info"), "-o", desk.at("sig")];
      expect((await pkcs11Tool("--login", "--sign", "-m", "RSA-PKCS", ...files)).status).toBe(0);
      expect(await verifies("-sha256")).toBe("Verified OK\n");
    });

    it(`RSA-PKCS-PSS: ${pss ? "signs" : "is refused, and never reaches the card"}`, async () => {
      const before = desk.card.signatures.auth;
      const parameters = ["--hash-algorithm", "SHA256", "--mgf", "MGF1-SHA256", "--salt-len", "32"];
      const files = ["-i", desk.at("hash"), "-o", desk.at("sig")];
      const { status } = await pkcs11Tool("--login", "--sign", "-m", "RSA-PKCS-PSS", ...parameters, ...files);
      expect([status === 0, desk.card.signatures.auth - before]).toEqual(pss ? [true, 1] : [false, 0]);
      if (!pss) return;
      const padding = ["-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:32"];
      expect(await verifies("-sha256", ...padding)).toBe("Verified OK\n");
    });
  });

  it("p11tool lists all of it, with one login", async () => {
    const uri = "pkcs11:manufacturer=jpki-agent";
    const provider = ["--provider", desk.module];
    expect((await runOk("p11tool", [...provider, "--list-all", uri], { env: desk.env })).stdout).toMatch(/X.509/);
    const { stdout } = await runOk("p11tool", [...provider, "--login", "--batch", "--list-all", uri], {
      env: desk.env,
    });
    expect(stdout).toMatch(/Type: Private key \(RSA-2048\)/);
  });

  describe("Java's keytool", () => {
    const keytool = (...args: readonly string[]) => {
      const store = ["-keystore", "NONE", "-storetype", "PKCS11", "-addprovider", "SunPKCS11"];
      const options = [...store, "-providerarg", desk.at("java.cfg"), "-storepass", ""];
      return runOk("keytool", [...args, ...options], { env: desk.env });
    };

    beforeAll(() => writeFile(desk.at("java.cfg"), `name = card\nlibrary = ${desk.module}\n`));

    it("lists the key with its chain", async () => {
      const { stdout } = await keytool("-list", "-v");
      expect(stdout).toMatch(/^Alias name: JPKI authentication$/m);
      expect(stdout).toMatch(/^Entry type: PrivateKeyEntry$/m);
      expect(stdout).toMatch(/^Certificate chain length: 2$/m);
    });

    it("signs by SHA256withRSA", async () => {
      const request = ["-certreq", "-alias", "JPKI authentication", "-sigalg", "SHA256withRSA"];
      await writeFile(desk.at("request.pem"), (await keytool(...request)).stdout);
      const { stderr } = await runOk("openssl", ["req", "-verify", "-noout", "-in", desk.at("request.pem")]);
      expect(stderr).toMatch(/verify OK/);
    });
  });

  describe("OpenSSH", () => {
    let sshd: Sshd;

    beforeAll(async () => {
      sshd = await startSshd(desk.folder, (await desk.jpkiAgent("export-key")).stdout);
    });
    afterAll(() => sshd?.close());

    it("ssh-keygen -D has the key of export-key", async () => {
      const { stdout } = await runOk("ssh-keygen", ["-D", desk.module], { env: desk.env });
      const blob = (await desk.jpkiAgent("export-key")).stdout.split(" ")[1];
      expect(stdout.split("\n").map((line) => line.split(" ")[1])).toContain(blob);
    });

    it("ssh -I logs in", async () => {
      // In batch mode ssh uses no token that wants a login.
      const own = ["-o", "BatchMode=no", "-o", "IdentityAgent=none", "-I", desk.module];
      const args = ["-F", sshd.clientConfig, ...own, "127.0.0.1", "echo in"];
      expect((await runOk("ssh", args, { env: desk.env })).stdout).toBe("in\n");
    });

    it("ssh-add -s: ssh-agent with the module logs in", async () => {
      const socket = desk.at("ssh-agent.sock");
      const child = spawn("ssh-agent", ["-D", "-a", socket], { env: desk.env, stdio: ["ignore", "pipe", "ignore"] });
      const exited = once(child, "exit");
      try {
        await once(child.stdout, "data");
        // ssh-add asks itself, whatever the token says: the PIN reaches the card by way of OpenSSH, and nobody else asks.
        const before = (await desk.sand.questions()).length;
        await desk.sand.answer("1234");
        await runOk("ssh-add", ["-s", desk.module], { env: { ...desk.env, SSH_AUTH_SOCK: socket } });
        await desk.sand.answer("yes");
        expect((await desk.sand.questions()).slice(before)).toEqual(["Enter passphrase for PKCS#11: "]);
        const args = ["-F", sshd.clientConfig, "-o", `IdentityAgent=${socket}`, "127.0.0.1", "echo in"];
        expect((await runOk("ssh", args, { env: desk.env })).stdout).toBe("in\n");
      } finally {
        child.kill("SIGTERM");
        await exited;
      }
    });
  });

  it("no attempt of the PIN was lost, and it was asked for once: each later login was a yes", async () => {
    expect(desk.card.triesLeft.auth).toBe(3);
    const forPin = (await desk.sand.questions()).filter((question) => question.includes("Tries left"));
    expect(forPin).toHaveLength(1);
  });
});

describe("an agent that allows SHA-1", () => {
  const SYSTEM_MODULES = "/etc/pkcs11/modules";
  let desk: Pkcs11Desk;

  beforeAll(async () => {
    desk = await openPkcs11Desk({ agentArgs: ["--allow-sha1"] });
  });
  afterAll(() => desk?.close());

  it("passes pkcs11-tool's own test, which signs SHA-1 too", async () => {
    const args = ["--module", desk.module, "--login", "--test"];
    const { status, stdout, stderr } = await run("pkcs11-tool", args, { env: desk.env });
    expect(status, stdout + stderr).toBe(0);
    expect(stdout).toMatch(/^No errors$/m);
  });

  it("is seen by p11-kit's programs with the module file of pkcs11 env --write", async () => {
    expect((await desk.jpkiAgent("pkcs11", "env", "--write")).status).toBe(0);
    const written = await readFile(desk.at("config/pkcs11/modules/jpki-agent.module"));
    // Root's own files are not read (pkcs11.conf(5)), only the system's.
    const ours = join(SYSTEM_MODULES, `jpki-agent-test-${process.pid}.module`);
    await mkdir(SYSTEM_MODULES, { recursive: true });
    await writeFile(ours, written);
    try {
      const { stdout } = await runOk("p11tool", ["--list-tokens"], { env: desk.env });
      expect(stdout).toMatch(/^\tLabel: My Number card [0-9a-f]{8}$/m);
    } finally {
      await rm(ours);
    }
  });
});
