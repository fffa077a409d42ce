/** openssl and this program judge the same certificates, lists and responses, and agree. */

import { readFile, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { run as jpki } from "../../../cli/program.ts";
import { exchangeHttp } from "../../../lib/http-exchange.ts";
import type { VirtualPki } from "../../../lib/virtual-card/pki.ts";
import { type Certificate, decodeCertificate } from "../../../lib/x509/certificate-fields.ts";
import { verifyChain } from "../../../lib/x509/chain.ts";
import { encodePem, readPemOrDer } from "../../../lib/x509/pem.ts";
import { type RevocationSources, verifyRevocation } from "../../../lib/x509/revocation.ts";
import { checkCrl } from "../../../lib/x509/revocation-crl.ts";
import { checkOcspResponse, encodeOcspRequest, OCSP_REQUEST_TYPE } from "../../../lib/x509/revocation-ocsp.ts";
import { DAY_MS, makeCertificate } from "../../helpers/certificates.ts";
import { fakeDeps } from "../../helpers/cli.ts";
import { makeCms } from "../../helpers/cms.ts";
import { expectTotal } from "../../helpers/mutations.ts";
import { OpensslCa, type Responder } from "../../helpers/openssl-ca.ts";
import { testPki } from "../../helpers/pki.ts";
import { run } from "../../helpers/run.ts";
import { type TempDir, tempDir } from "../../helpers/temp-dir.ts";

const never = new AbortController().signal;
const nonce = new Uint8Array(32).fill(7);
let dir: TempDir;
let pki: VirtualPki;
let ca: OpensslCa;
let certificate: Certificate;
let issuer: Certificate;
beforeAll(async () => {
  dir = await tempDir();
  pki = await testPki();
  ca = await OpensslCa.create(dir.path, pki);
  certificate = decodeCertificate(pki.authCertificate);
  issuer = decodeCertificate(pki.authCaCertificate);
});
afterAll(() => dir.remove());

async function read(name: string, label: "CERTIFICATE" | "X509 CRL"): Promise<Uint8Array> {
  const [der] = readPemOrDer(new Uint8Array(await readFile(ca.path(name))), label);
  if (der === undefined) throw new Error(`${name} is empty`);
  return der;
}

async function look(sources: RevocationSources, now = new Date()) {
  const [check] = await verifyRevocation(sources, { certificate, issuer, nonce, now });
  return check;
}

async function opensslStatus(...args: readonly string[]): Promise<number> {
  return (await run("openssl", args, { cwd: dir.path })).status;
}

describe("certificates", () => {
  it("have the fields that openssl x509 tells", async () => {
    const { stdout } = await ca.openssl(
      ...["x509", "-in", "cert.pem", "-noout", "-serial", "-fingerprint", "-sha256", "-enddate"],
    );
    expect(stdout).toContain(`serial=${certificate.x509.serialNumber}`);
    expect(stdout).toContain(`Fingerprint=${certificate.x509.fingerprint256}`);
    const [, end = ""] = /notAfter=(.*)/.exec(stdout) ?? [];
    expect(new Date(end)).toEqual(certificate.notAfter);
  });

  it.each<[string, (pki: VirtualPki) => Uint8Array, boolean]>([
    ["the card's", () => pki.authCertificate, true],
    ["expired", () => makeCertificate(pki, { notAfter: new Date(Date.now() - 1000) }), false],
    ["not valid yet", () => makeCertificate(pki, { notBefore: new Date(Date.now() + DAY_MS) }), false],
    ["of another CA", () => pki.signCertificate, false],
    ["for servers", () => makeCertificate(pki, { extendedKeyUsage: ["1.3.6.1.5.5.7.3.1"] }), false],
  ])("%s", async (_, make, valid) => {
    await writeFile(ca.path("subject.pem"), encodePem(make(pki), "CERTIFICATE"));
    const args = ["verify", "-CAfile", "ca.pem", "-purpose", "sslclient", "subject.pem"];
    expect((await opensslStatus(...args)) === 0).toBe(valid);
    const candidates = [{ certificate: issuer, trusted: true }];
    const { checks } = verifyChain(decodeCertificate(make(pki)), "auth", candidates, new Date());
    expect(checks.every(({ result }) => result === "good")).toBe(valid);
  });

  it("a critical extension that nobody here understands is not passed over", async () => {
    const strange = decodeCertificate(await read("strange.pem", "CERTIFICATE"));
    const { checks } = verifyChain(strange, "auth", [{ certificate: issuer, trusted: true }], new Date());
    expect(checks.map(({ reason }) => reason)).toEqual(["unknown-critical", "in-force", "usage-fits", "purpose-fits"]);
  });
});

describe("a revocation list", () => {
  const crl = async (name: string, now = new Date()) => {
    const der = await read(name, "X509 CRL");
    return look({ crl: async () => der }, now);
  };

  it("good and revoked, as openssl verify -crl_check has it", async () => {
    const args = ["verify", "-CAfile", "ca.pem", "-crl_check", "-CRLfile"];
    await ca.writeIndex({ serial: "1234", state: "R" });
    await ca.makeCrl("good.crl");
    expect(await crl("good.crl")).toMatchObject({ result: "good", reason: "not-revoked" });
    expect(await opensslStatus(...args, "good.crl", "cert.pem")).toBe(0);
    await ca.writeIndex({ serial: "1234", state: "R" }, { serial: certificate.serial, state: "R" });
    await ca.makeCrl("revoked.crl");
    expect(await crl("revoked.crl")).toMatchObject({
      result: "bad",
      details: { since: "2025-11-01T00:00:00.000Z", reason: "keyCompromise" },
    });
    expect(await opensslStatus(...args, "revoked.crl", "cert.pem")).not.toBe(0);
  });

  it.each<[string, number, string]>([
    ["stale", 8, "stale"],
    ["not made yet", -1, "from-the-future"],
  ])("%s", async (_, days, reason) => {
    await ca.writeIndex();
    await ca.makeCrl("now.crl");
    const found = await crl("now.crl", new Date(Date.now() + days * DAY_MS));
    expect(found).toMatchObject({ result: "not-checked", reason });
  });

  it("of another CA, and one that another key signed", async () => {
    await ca.writeIndex();
    await ca.makeCrl("own.crl");
    const der = await read("own.crl", "X509 CRL");
    const sign = decodeCertificate(pki.signCertificate);
    const signCa = decodeCertificate(pki.signCaCertificate);
    expect(checkCrl(der, sign, signCa, new Date()).reason).toBe("other-issuer");
    const forged = new Uint8Array(der);
    forged[forged.length - 1] = (forged.at(-1) ?? 0) ^ 1;
    expect(checkCrl(forged, certificate, issuer, new Date()).reason).toBe("wrong-signer");
  });

  it("for another region of the directory", async () => {
    await ca.writeIndex();
    await ca.makeCrl("part.crl", "-crlexts", "partitioned");
    expect(await crl("part.crl")).toMatchObject({ result: "not-checked", reason: "other-scope" });
  });

  it("mutated: a finding or a named error, never good", async () => {
    await ca.writeIndex({ serial: "1234", state: "R" });
    await ca.makeCrl("seed.crl");
    const der = await read("seed.crl", "X509 CRL");
    const check = (bytes: Uint8Array) => {
      const { reason } = checkCrl(bytes, certificate, issuer, new Date());
      if (reason === "not-revoked" && !Buffer.from(bytes).equals(der)) throw new Error("a changed list passes");
    };
    expectTotal(check, [der], 1000);
  });
});

describe("OCSP", () => {
  let responder: Responder | undefined;
  const stop = async () => {
    await responder?.stop();
    responder = undefined;
  };
  afterAll(stop);

  const start = async (signer: string, ...options: readonly string[]) => {
    await stop();
    responder = await ca.startResponder(signer, ...options);
  };
  const ask = async (body: Uint8Array, url = responder?.url ?? "") =>
    exchangeHttp({
      url: new URL(url),
      post: { type: OCSP_REQUEST_TYPE, body },
      maxBytes: 0x10000,
      timeoutMs: 20_000,
      signal: never,
    });

  it("asks what openssl reads", async () => {
    await writeFile(ca.path("req.der"), encodeOcspRequest({ certificate, issuer, nonce }));
    const { stdout } = await ca.openssl("ocsp", "-reqin", "req.der", "-req_text", "-noverify");
    expect(stdout).toContain(`Serial Number: ${certificate.x509.serialNumber}`);
    expect(stdout).toMatch(/OCSP Nonce/);
  });

  it.each<[string, string, "V" | "R" | "-", object, ...string[]]>([
    ["good, signed by the CA", "ca", "V", { result: "good", reason: "not-revoked" }],
    ["good, signed by its responder", "responder", "V", { result: "good", reason: "not-revoked" }],
    [
      "good, the responder named by its key",
      "responder",
      "V",
      { result: "good", reason: "not-revoked" },
      "-resp_key_id",
    ],
    [
      "revoked",
      "responder",
      "R",
      { result: "bad", details: { since: "2025-11-01T00:00:00.000Z", reason: "keyCompromise" } },
    ],
    ["unknown", "responder", "-", { result: "not-checked", reason: "responder-does-not-know" }],
    ["signed by a stranger", "stranger", "V", { result: "not-checked", reason: "wrong-signer" }],
  ])("%s", async (_, signer, state, expected, ...options) => {
    await ca.writeIndex(...(state === "-" ? [] : [{ serial: certificate.serial, state }]));
    await start(signer, ...options);
    expect(await look({ ocsp: ask })).toMatchObject(expected);
    const args = ["ocsp", "-issuer", "ca.pem", "-cert", "cert.pem", "-CAfile", "ca.pem", "-url", responder?.url ?? ""];
    const openssl = await run("openssl", args, { cwd: dir.path });
    const verified = `${openssl.stdout}${openssl.stderr}`.includes("Response verify OK");
    expect(verified && openssl.stdout.includes("cert.pem: good")).toBe(
      "result" in expected && expected.result === "good",
    );
  });

  it("an answer from before counts with its own end only, and not as one to this question", async () => {
    await ca.writeIndex({ serial: certificate.serial, state: "V" });
    await start("responder", "-ndays", "1");
    const old = await ask(encodeOcspRequest({ certificate, issuer, nonce: new Uint8Array(32).fill(8) }));
    expect(await look({ stapled: old })).toMatchObject({ result: "good", reason: "not-revoked" });
    expect(await look({ ocsp: async () => old })).toMatchObject({ result: "not-checked", reason: "nonce-differs" });
    const later = new Date(Date.now() + 2 * DAY_MS);
    expect(await look({ stapled: old }, later)).toMatchObject({ result: "not-checked", reason: "stale" });
    const earlier = new Date(Date.now() - 3_600_000);
    expect(checkOcspResponse(old, { certificate, issuer }, earlier).reason).not.toBe("not-revoked");
    const other = decodeCertificate(makeCertificate(pki));
    expect(checkOcspResponse(old, { certificate: other, issuer }, new Date()).reason).toBe("other-certificate");
    await ca.openssl("ocsp", "-sha256", "-issuer", "ca.pem", "-cert", "cert.pem", "-reqout", "req.der");
    const bySha256 = await ask(await readFile(ca.path("req.der")));
    expect(await look({ stapled: bySha256 })).toMatchObject({ result: "good", reason: "not-revoked" });
    expect(checkOcspResponse(bySha256, { certificate: other, issuer }, new Date()).reason).toBe("other-certificate");
    const without = await ask(encodeOcspRequest({ certificate, issuer }));
    expect(await look({ ocsp: async () => without })).toMatchObject({ result: "not-checked", reason: "nonce-missing" });
    const check = (bytes: Uint8Array) => {
      const { reason } = checkOcspResponse(bytes, { certificate, issuer }, new Date());
      if (reason !== "not-revoked" || Buffer.from(bytes).equals(old)) return;
      // The responder's certificate beside the signed part may be changed only where it says nothing.
      throw new Error(`a changed response passes: ${Buffer.from(bytes).toString("hex")}`);
    };
    expectTotal(check, [old], 1000);
  });

  it("a stored answer that names no end", async () => {
    await ca.writeIndex({ serial: certificate.serial, state: "V" });
    await start("responder");
    const old = await ask(encodeOcspRequest({ certificate, issuer }));
    expect(await look({ stapled: old })).toMatchObject({ result: "not-checked", reason: "no-end" });
  });

  it("a responder that refuses", async () => {
    const refusal = Uint8Array.of(0x30, 0x03, 0x0a, 0x01, 0x06);
    expect(await look({ ocsp: async () => refusal })).toMatchObject({
      result: "not-checked",
      reason: "responder-refused",
      details: { status: "unauthorized" },
    });
  });

  it("by the command line: valid with every source, not valid once revoked", async () => {
    for (const [state, expected] of [
      ["V", [0, "valid"]],
      ["R", [9, "NOT valid"]],
    ] as const) {
      await ca.writeIndex({ serial: certificate.serial, state });
      await start("responder");
      const crl = await ca.makeCrl("cli.crl");
      const deps = fakeDeps();
      const files = ["--cert", ca.path("cert.pem"), "--ca", ca.path("ca.pem"), "--crl", crl];
      const status = await jpki(["verify-cert", "auth", ...files, "--ocsp", responder?.url ?? ""], deps);
      expect([status, deps.err()]).toEqual([expected[0], expect.stringMatching(/minister/)]);
      expect(deps.out()).toMatch(
        new RegExp(`\\nrevocation list: .*\\nOCSP: .*\\nThe certificate is ${expected[1]}[., ]`),
      );
    }
  });

  it("of a document's signer, with the list from a server: valid, and not once revoked", async () => {
    const content = new TextEncoder().encode("a document\n");
    const by = { certificate: pki.authCertificate, key: pki.authKey };
    await writeFile(ca.path("doc"), content);
    await writeFile(ca.path("doc.p7s"), makeCms(pki, { content, ...by }));
    const lists = createServer((_, response) => void readFile(ca.path("doc.crl")).then((crl) => response.end(crl)));
    await new Promise<void>((resolve) => lists.listen(0, "127.0.0.1", resolve));
    const { port } = lists.address() as AddressInfo;
    const sources = () => ["--crl", `http://127.0.0.1:${port}/list.crl`, "--ocsp", responder?.url ?? ""];
    for (const [state, status, reasons] of [
      ["V", 0, ["not-revoked", "not-revoked"]],
      ["R", 9, ["revoked", "revoked"]],
    ] as const) {
      await ca.writeIndex({ serial: certificate.serial, state });
      await start("responder");
      await ca.makeCrl("doc.crl");
      const deps = fakeDeps();
      const files = [ca.path("doc"), ca.path("doc.p7s"), "--key", "auth", "--ca", ca.path("ca.pem")];
      expect(await jpki(["--json", "verify", ...files, ...sources()], deps), deps.err()).toBe(status);
      const { valid, checks } = JSON.parse(deps.out());
      expect([valid, checks.slice(-2).map(({ reason }: { reason: string }) => reason)]).toEqual([
        status === 0,
        reasons,
      ]);
    }
    lists.closeAllConnections();
    await new Promise((resolve) => lists.close(resolve));
  });

  it("no answer, and a slow one", async () => {
    const silent = createServer(() => {});
    await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
    const { port } = silent.address() as AddressInfo;
    const url = new URL(`http://127.0.0.1:${port}/`);
    const slow = () => exchangeHttp({ url, maxBytes: 100, timeoutMs: 100, signal: never });
    expect(await look({ ocsp: slow, crl: undefined })).toMatchObject({ result: "not-checked", reason: "no-answer" });
    silent.closeAllConnections();
    await new Promise((resolve) => silent.close(resolve));
    expect(await look({ ocsp: slow })).toMatchObject({ result: "not-checked", reason: "no-answer" });
    expect(await look({ crl: slow })).toMatchObject({ result: "not-checked", reason: "no-answer" });
  });

  it("without the CA nothing can be told", async () => {
    const checks = await verifyRevocation(
      { crl: async () => new Uint8Array(), stapled: new Uint8Array() },
      { certificate, issuer: undefined, nonce, now: new Date() },
    );
    expect(checks.map(({ check, reason }) => [check, reason])).toEqual([
      ["crl", "no-issuer-known"],
      ["stapled", "no-issuer-known"],
    ]);
  });

  it("nonsense is unreadable", async () => {
    expect(await look({ stapled: new Uint8Array(10) })).toMatchObject({ reason: "unreadable" });
    expect(await look({ crl: async () => Uint8Array.of(0x30, 0) })).toMatchObject({ reason: "unreadable" });
  });
});
