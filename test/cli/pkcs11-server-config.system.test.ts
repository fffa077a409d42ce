/** What `pkcs11 server-config` prints, in the servers that it is for: this certificate is let in, and no other. */

import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { run } from "../../cli/program.ts";
import { encodePem } from "../../lib/x509/pem.ts";
import { startApache } from "../helpers/apache.ts";
import { fakeDeps } from "../helpers/cli.ts";
import { startNginx } from "../helpers/nginx.ts";
import { OpensslCa } from "../helpers/openssl-ca.ts";
import { testPki } from "../helpers/pki.ts";
import { runOk, run as runProgram } from "../helpers/run.ts";
import { type TempDir, tempDir } from "../helpers/temp-dir.ts";

let dir: TempDir;
let ca: OpensslCa;

beforeAll(async () => {
  dir = await tempDir();
  const pki = await testPki();
  ca = await OpensslCa.create(dir.path, pki);
  const bundle = [pki.authCertificate, pki.authCaCertificate].map((der) => encodePem(der, "CERTIFICATE"));
  await writeFile(at("bundle.pem"), bundle.join(""));
  await writeFile(at("card.der"), pki.authKey);
  await ca.openssl("pkey", "-inform", "DER", "-in", "card.der", "-out", "cert.key");
  const self = ["-subj", "/C=JP/CN=self", "-days", "2", "-keyout", "self.key", "-out", "self.pem"];
  await ca.openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", ...self);
});

afterAll(() => dir.remove());

function at(name: string): string {
  return join(dir.path, name);
}

async function printed(server: string) {
  const deps = fakeDeps({ home: dir.path });
  expect(await run(["--json", "pkcs11", "server-config", server, "--cert", at("bundle.pem")], deps)).toBe(0);
  return JSON.parse(deps.out());
}

/** @returns the HTTP status, or "none" where the handshake failed. */
async function statusFor(server: { url: string; certificateFile: string }, name?: string): Promise<string> {
  const certificate = name === undefined ? [] : ["--cert", at(`${name}.pem`), "--key", at(`${name}.key`)];
  const args = ["-sS", "-o", "/dev/null", "-w", "%{http_code}", "--cacert", server.certificateFile, ...certificate];
  const { status, stdout } = await runProgram("curl", [...args, server.url]);
  return status === 0 ? stdout : "none";
}

describe.each([
  ["nginx", "TLSv1.2", { without: "400", foreign: "400" }],
  ["nginx", "TLSv1.3", { without: "400", foreign: "400" }],
  ["apache", "TLSv1.2", { without: "none", foreign: "none" }],
  ["apache", "TLSv1.3", { without: "none", foreign: "none" }],
] as const)("%s, %s", (name, protocol, expected) => {
  it("lets in this certificate, and no other, of the same CA or of none", async () => {
    const folder = at(`${name}-${protocol}`);
    await mkdir(folder);
    const start = { nginx: startNginx, apache: startApache }[name];
    const server = await start({ folder, protocol, clientFiles: await printed(name) });
    try {
      expect(await statusFor(server, "cert")).toBe("200");
      expect(await statusFor(server, "stranger")).toBe("403");
      expect(await statusFor(server, "self")).toBe(expected.foreign);
      expect(await statusFor(server)).toBe(expected.without);
    } finally {
      await server.close();
    }
  });
});

it("sshd takes its settings", async () => {
  const [settings] = await printed("sshd");
  await writeFile(at("sshd_config"), settings.text);
  await runOk("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", at("host_key")]);
  await mkdir("/run/sshd", { recursive: true });
  const { stdout } = await runOk("/usr/sbin/sshd", ["-T", "-f", at("sshd_config"), "-h", at("host_key")]);
  expect(stdout).toMatch(/^pubkeyacceptedalgorithms .*\brsa-sha2-512\b/m);
  expect(stdout).toMatch(/^pubkeyacceptedalgorithms .*\bssh-ed25519\b/m);
  expect(stdout).toMatch(/^authorizedkeysfile \.ssh\/authorized_keys$/m);
});
