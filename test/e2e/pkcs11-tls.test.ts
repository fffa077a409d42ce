/**
 * TLS client logins at an nginx that is configured as `jpki-agent pkcs11 server-config nginx` prints, by stock programs
 * that are configured as `jpki-agent pkcs11 env` prints: with a card that makes RSASSA-PSS, and with one that does not.
 */

import { readFile, writeFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { curlLogin, openscCurlLogin, openscEnv } from "../helpers/curl-login.ts";
import { startNginx } from "../helpers/nginx.ts";
import { CERTIFICATE_URI, KEY_URI, openPkcs11Desk, type Pkcs11Desk } from "../helpers/pkcs11-desk.ts";
import { type RunResult, run, runOk } from "../helpers/run.ts";
import type { TlsServer } from "../helpers/tls-server.ts";

type Protocol = "TLSv1.2" | "TLSv1.3";
type Program = (desk: Pkcs11Desk, server: TlsServer, env: Pkcs11Desk["env"]) => Promise<RunResult>;

const REQUEST = "GET / HTTP/1.0\r\n\r\n";
const NO_CERTIFICATE = "No required SSL certificate was sent";

const curl: Program = (_desk, server, env) => curlLogin(server, env);
const sClient: Program = ({ certificateFile: own }, { port, certificateFile }, env) => {
  const key = ["-engine", "pkcs11", "-keyform", "engine", "-key", KEY_URI, "-cert", own];
  const to = ["-connect", `127.0.0.1:${port}`, "-CAfile", certificateFile, "-verify_return_error"];
  return run("openssl", ["s_client", ...to, ...key, "-ign_eof", "-quiet"], { env, input: REQUEST });
};
const gnutlsCli: Program = ({ module }, { port, certificateFile }, env) => {
  const token = ["--provider", module, "--x509certfile", CERTIFICATE_URI, "--x509keyfile", KEY_URI];
  const to = ["--port", String(port), "--x509cafile", certificateFile, "localhost"];
  return run("gnutls-cli", [...token, ...to], { env, input: REQUEST });
};
const tstclnt: Program = async (desk, { port, certificateFile }, env) => {
  const database = ["-d", `sql:${desk.at("home/.pki/nssdb")}`];
  await runOk("certutil", [...database, "-A", "-n", `server ${port}`, "-t", "C,,", "-i", certificateFile], { env });
  const { stdout } = await runOk("certutil", [...database, "-L", "-h", "all", "-f", "/dev/null"], { env });
  const [, nickname = ""] = /^(.*:JPKI authentication) +u,u,u$/m.exec(stdout) ?? [];
  const to = ["-4", "-h", "localhost", "-p", String(port), "-n", nickname, "-w", "not looked at"];
  return run("tstclnt", [...database, ...to], { env, input: REQUEST });
};
const PROGRAMS = { curl, "openssl s_client": sClient, "gnutls-cli": gnutlsCli, "NSS's tstclnt": tstclnt };

describe.each([
  { profile: "card", pss: true },
  { profile: "old", pss: false },
] as const)("a card of profile $profile", ({ profile, pss }) => {
  let desk: Pkcs11Desk;
  let servers: Readonly<Record<Protocol, TlsServer>>;

  beforeAll(async () => {
    // OpenSC 0.23 does not survive a fresh card's 6F00 (beside-opensc.test.ts).
    desk = await openPkcs11Desk({ card: { profile, changes: { firstCommandFails: false } } });
    const clientFiles = await desk.serverFiles("nginx");
    const start = (protocol: Protocol) => startNginx({ folder: desk.at(protocol), protocol, clientFiles });
    servers = { "TLSv1.2": await start("TLSv1.2"), "TLSv1.3": await start("TLSv1.3") };
    await runOk("sh", ["-ec", desk.nssLines], { env: desk.env });
  });

  afterAll(async () => {
    for (const server of Object.values(servers ?? {})) await server.close();
    await desk?.close();
  });

  const protocols: readonly Protocol[] = pss ? ["TLSv1.2", "TLSv1.3"] : ["TLSv1.2"];

  describe.each(protocols)("%s", (protocol) => {
    it.each(Object.entries(PROGRAMS))("lets in %s", async (_name, program) => {
      const { stdout, stderr } = await program(desk, servers[protocol], desk.env);
      expect(stdout, stderr).toMatch(new RegExp(`^in by ${protocol.replace(".", "\\.")}$`, "m"));
    });
  });

  if (pss) {
    it("a server that knows another certificate of the same CA refuses it", async () => {
      const clientFiles = await desk.strangersServerFiles("nginx");
      const server = await startNginx({ folder: desk.at("stranger"), protocol: "TLSv1.3", clientFiles });
      expect((await curl(desk, server, desk.env)).stdout).toMatch(/403 Forbidden/);
      await server.close();
    });
  } else {
    describe("TLS 1.3, which such a card cannot: the words that a person reads", () => {
      it.each(Object.entries(PROGRAMS))("%s sends no certificate, and the server says so", async (_name, program) => {
        expect((await program(desk, servers["TLSv1.3"], desk.env)).stdout).toContain(NO_CERTIFICATE);
      });

      it("tstclnt also says so itself", async () => {
        const { stderr } = await tstclnt(desk, servers["TLSv1.3"], desk.env);
        expect(stderr).toMatch(/^Failed to load a suitable client certificate $/m);
      });
    });

    describe("OpenSSL without the lines against PSS", () => {
      let env: Pkcs11Desk["env"];

      beforeAll(async () => {
        const printed = await readFile(desk.env["OPENSSL_CONF"] ?? "", "utf8");
        expect(printed).toMatch(/^ClientSignatureAlgorithms = RSA\+SHA256$/m);
        await writeFile(desk.at("without.cnf"), printed.replace(/^ssl_conf = .*\n/m, ""));
        env = { ...desk.env, OPENSSL_CONF: desk.at("without.cnf") };
      });

      it.each(["TLSv1.2", "TLSv1.3"] as const)("%s: the words that a person reads", async (protocol) => {
        const seen = await desk.seenDuring(async () => {
          const { status, stderr } = await curl(desk, servers[protocol], env);
          expect(stderr).toMatch(/^curl: \(35\) OpenSSL\/3\S+: error:41800070:PKCS#11 module::Mechanism invalid$/m);
          expect(status).toBe(35);
          expect((await sClient(desk, servers[protocol], env)).stderr).toMatch(
            /:PKCS#11 module:ERR_CKR_error:Mechanism invalid:p11_rsa\.c:\d+:$/m,
          );
        });
        expect(seen.filter((command) => command.startsWith("80 2A"))).toEqual([]);
        expect(desk.agent.log()).toMatch(/this card makes no RSASSA-PSS, without which TLS 1\.3 is impossible/);
      });
    });
  }

  it("a login's commands at the card, beside OpenSC's module on the same pcscd: fewer", async () => {
    const server = servers["TLSv1.2"];
    const login = async () => expect((await curl(desk, server, desk.env)).stdout).toBe("in by TLSv1.2\n");
    await login();
    const warm = await desk.seenDuring(login);
    await desk.jpkiAgent("release");
    const cold = await desk.seenDuring(login);
    const env = await openscEnv(desk);
    const theirs = await desk.seenDuring(async () => {
      const { stdout, stderr } = await openscCurlLogin(server, env);
      expect(stdout, stderr).toBe("in by TLSv1.2\n");
    });
    expect(warm).toEqual([expect.stringMatching(/^80 2A /)]);
    expect(cold).toHaveLength(pss ? 4 : 6);
    expect(theirs.length).toBeGreaterThan(cold.length); // 72 and 73 (observed with OpenSC 0.23)
  });
});
