/** The test PKI's authentication CA in openssl's hands: lists, an OCSP responder, certificates of any shape. */

import { type ChildProcess, spawn } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { VirtualPki } from "../../lib/virtual-card/pki.ts";
import { encodePem } from "../../lib/x509/pem.ts";
import { runOk } from "./run.ts";

/** As openssl's index.txt has it; a certificate without a line is unknown. */
export interface IndexLine {
  readonly serial: string;
  readonly state: "V" | "R";
}

const CONFIG = `[ca]
default_ca = test
[test]
database = index.txt
crlnumber = crlnumber
default_md = sha256
default_crl_days = 7
crl_extensions = crl
[crl]
authorityKeyIdentifier = keyid
[partitioned]
issuingDistributionPoint = critical, @point
[point]
fullname = URI:http://crl.example/1
onlyuser = TRUE
[responder]
basicConstraints = CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = OCSPSigning
[stranger]
basicConstraints = CA:FALSE
keyUsage = critical, digitalSignature
[strange]
basicConstraints = CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = clientAuth
inhibitAnyPolicy = critical, 0
`;

export class OpensslCa {
  readonly #dir: string;

  private constructor(dir: string) {
    this.#dir = dir;
  }

  static async create(dir: string, pki: VirtualPki): Promise<OpensslCa> {
    const ca = new OpensslCa(dir);
    await writeFile(ca.path("ca.pem"), encodePem(pki.authCaCertificate, "CERTIFICATE"));
    await writeFile(ca.path("cert.pem"), encodePem(pki.authCertificate, "CERTIFICATE"));
    await writeFile(ca.path("ca.der"), pki.authCaKey);
    await ca.openssl("pkey", "-inform", "DER", "-in", "ca.der", "-out", "ca.key");
    await writeFile(ca.path("openssl.cnf"), CONFIG);
    await writeFile(ca.path("crlnumber"), "01\n");
    for (const name of ["responder", "stranger", "strange"]) await ca.#issue(name);
    return ca;
  }

  path(name: string): string {
    return join(this.#dir, name);
  }

  /** Names of files are relative to the CA's folder. */
  openssl(...args: readonly string[]) {
    return runOk("openssl", args, { cwd: this.#dir });
  }

  async writeIndex(...lines: readonly IndexLine[]): Promise<void> {
    const text = lines.map(({ serial, state }) => {
      const revoked = state === "R" ? "251101000000Z,keyCompromise" : "";
      return `${state}\t400101000000Z\t${revoked}\t${serial.toUpperCase()}\tunknown\t/CN=${serial}\n`;
    });
    await writeFile(this.path("index.txt"), text.join(""));
  }

  /** A list of what the index says is revoked; PEM. */
  async makeCrl(name: string, ...options: readonly string[]): Promise<string> {
    await this.openssl(
      ...["ca", "-gencrl", "-config", "openssl.cnf", "-cert", "ca.pem", "-keyfile", "ca.key", "-out", name],
      ...options,
    );
    return this.path(name);
  }

  /** An OCSP responder over the index, on a free port (openssl cannot be told an address). */
  async startResponder(signer: string, ...options: readonly string[]): Promise<Responder> {
    const key = signer === "ca" ? "ca.key" : `${signer}.key`;
    const args = ["ocsp", "-index", "index.txt", "-CA", "ca.pem", "-rsigner", `${signer}.pem`, "-rkey", key];
    const child = spawn("openssl", [...args, "-port", "0", ...options], { cwd: this.#dir });
    return new Promise((resolve, reject) => {
      let said = "";
      const hear = (chunk: Buffer) => {
        said += chunk.toString();
        const [, port] = /ACCEPT \S*:(\d+)/.exec(said) ?? [];
        if (port !== undefined) resolve({ url: `http://127.0.0.1:${port}/`, stop: () => stop(child) });
      };
      child.stdout.on("data", hear);
      child.stderr.on("data", hear);
      child.on("error", reject);
      child.on("exit", () => reject(new Error(`openssl ocsp has ended: ${said}`)));
    });
  }

  /** `NAME.pem` and `NAME.key`, with the extensions of that section. */
  async #issue(name: string): Promise<void> {
    await this.openssl(
      ...["req", "-new", "-newkey", "rsa:2048", "-nodes", "-subj", `/C=JP/CN=${name}`],
      ...["-keyout", `${name}.key`, "-out", `${name}.csr`],
    );
    await this.openssl(
      ...["x509", "-req", "-in", `${name}.csr`, "-CA", "ca.pem", "-CAkey", "ca.key", "-days", "30", "-sha256"],
      ...["-set_serial", "4711", "-extfile", "openssl.cnf", "-extensions", name, "-out", `${name}.pem`],
    );
  }
}

export interface Responder {
  readonly url: string;
  stop(): Promise<void>;
}

function stop(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    child.removeAllListeners("exit");
    child.on("exit", () => resolve());
    child.kill();
  });
}
