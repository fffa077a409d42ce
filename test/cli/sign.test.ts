import { createHash, createPublicKey, verify, X509Certificate } from "node:crypto";
import { link, readFile, stat, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { run } from "../../cli/program.ts";
import { type FakeDepsOptions, fakeDeps } from "../helpers/cli.ts";
import { type TempDir, tempDir } from "../helpers/temp-dir.ts";

const DOCUMENT = "a document\n";
let dir: TempDir;
let env: Record<string, string>;
/** One virtual card for all of them; its PINs are typed by a program. */
beforeAll(async () => {
  dir = await tempDir();
  const askpass = '#!/bin/sh\ncase "$1" in *assword*|*署名用*) echo TEST1234;; *) echo 1234;; esac\n';
  await writeFile(at("askpass"), askpass, { mode: 0o755 });
  env = {
    PATH: process.env["PATH"] ?? "",
    XDG_STATE_HOME: at("s"),
    XDG_RUNTIME_DIR: at("r"),
    SSH_ASKPASS: at("askpass"),
    SSH_ASKPASS_REQUIRE: "force",
  };
  await writeFile(at("doc"), DOCUMENT);
  for (const name of ["sign-ca", "auth-ca", "auth", "sign"])
    await done(["cert", name, "--format", "pem", "-o", at(`${name}.pem`)]);
});
afterAll(() => dir.remove());

function at(name: string): string {
  return join(dir.path, name);
}

async function jpki(argv: readonly string[], options: FakeDepsOptions = {}) {
  const deps = fakeDeps({ home: dir.path, ...options, env: { ...env, ...options.env } });
  const status = await run(["--card", "virtual", ...argv], deps);
  return { status, out: deps.out(), bytes: deps.outBytes(), err: deps.err() };
}

async function done(argv: readonly string[], options: FakeDepsOptions = {}) {
  const result = await jpki(argv, options);
  expect(result.status, result.err).toBe(0);
  return result;
}

const modeOf = async (path: string) => (await stat(path)).mode & 0o777;

/** What `verify --json` says. */
async function verified(argv: readonly string[], options: FakeDepsOptions = {}) {
  const { status, out, err } = await jpki(["--json", "verify", ...argv], options);
  if (out === "") return { status, error: JSON.parse(err) };
  const { valid, checks, ...facts } = JSON.parse(out);
  expect(status).toBe(valid ? 0 : 9);
  return { status, checks: checks.map(({ reason }: { reason: string }) => reason), ...facts };
}

const CMS = ["one-signature", "content-type-fits", "content-fits", "signed", "certificate-bound", "signed-in-force"];
const RAW = ["one-signature", "signed"];
const OWNER = ["named-ca", "in-force", "usage-fits", "purpose-fits", "not-asked"];

describe("sign and verify", () => {
  it("by the signature key: a notice first, a file for its owner alone, and the signer's name", async () => {
    const { out, err } = await done(["sign", at("doc"), "-o", at("doc.p7s")]);
    expect([out, await modeOf(at("doc.p7s"))]).toEqual(["", 0o600]);
    expect(err).toMatch(/will hold your signature certificate: your name, address, birth date and sex/);
    const found = await verified([at("doc"), at("doc.p7s"), "--ca", at("sign-ca.pem")]);
    expect(found).toMatchObject({ status: 0, checks: [...CMS, ...OWNER], signerName: "見本　花子" });
    expect(JSON.stringify(found)).not.toMatch(/架空市/);
    const text = await done(["verify", at("doc"), at("doc.p7s"), "--ca", at("sign-ca.pem")]);
    expect(text.out).toMatch(/^form: good - .*\n(.*\n)*revocation: NOT CHECKED - (.*\n)*Name: 見本　花子\n/);
    expect(text.out).toMatch(/\nThe signature is valid, as far as can be told/);
  });

  it("without the CA it is not valid: none of JPKI's made the card", async () => {
    const found = await verified([at("doc"), at("doc.p7s")]);
    expect(found).toMatchObject({ status: 9, checks: [...CMS, "untrusted-ca", ...OWNER.slice(1)] });
  });

  it("by the authentication key: accepted only where that was asked for", async () => {
    const { err } = await done(["sign", "--key", "auth", at("doc"), "-o", at("auth.p7s")]);
    expect([err, await modeOf(at("auth.p7s"))]).toEqual(["", 0o666 & ~process.umask()]);
    const args = [at("doc"), at("auth.p7s"), "--ca", at("auth-ca.pem")];
    expect(await verified([...args, "--key", "auth"])).toMatchObject({ status: 0, checks: [...CMS, ...OWNER] });
    const strict = await verified(args);
    expect(strict).toMatchObject({ status: 9, checks: expect.arrayContaining(["usage-missing", "purpose-differs"]) });
  });

  it.each(["auth", "sign"])("raw, by the key %s", async (key) => {
    const { err } = await done(["sign", "--format", "raw", "--key", key, at("doc"), "-o", at("doc.sig")]);
    expect(err).toMatch(key === "auth" ? /what servers take for a login/ : /holds nothing of you/);
    const signature = await readFile(at("doc.sig"));
    const certificate = await readFile(at(`${key}.pem`));
    expect(verify("sha256", Buffer.from(DOCUMENT), createPublicKey(certificate), signature)).toBe(true);
    const args = [at("doc"), at("doc.sig"), "--key", key, "--ca", at(`${key}-ca.pem`)];
    expect(await verified([...args, "--cert", at(`${key}.pem`)])).toMatchObject({
      status: 0,
      checks: [...RAW, ...OWNER],
    });
    expect(await verified(args)).toMatchObject({ status: 2, error: { details: { problem: "raw-needs-cert" } } });
    const other = key === "auth" ? "sign" : "auth";
    const swapped = await verified([...args, "--cert", at(`${other}.pem`)]);
    expect(swapped).toMatchObject({ status: 9, checks: expect.arrayContaining(["signature-wrong"]) });
  });

  it("around the file: verified alone, and the content comes out only if it is valid", async () => {
    await done(["sign", "--attached", at("doc"), "-o", at("doc.p7m")]);
    const args = ["verify", at("doc.p7m"), "-o", at("out")];
    expect((await jpki(args)).status).toBe(9);
    await expect(stat(at("out"))).rejects.toMatchObject({ code: "ENOENT" });
    await done([...args, "--ca", at("sign-ca.pem")]);
    expect(await readFile(at("out"), "utf8")).toBe(DOCUMENT);
    const piped = await done(["verify", at("doc.p7m"), "-o", "-", "--ca", at("sign-ca.pem")]);
    expect([piped.out, piped.err]).toEqual([DOCUMENT, expect.stringMatching(/The signature is valid/)]);
    expect((await jpki(["verify", at("doc.p7m"), "-o", "-"])).out).toBe("");
  });

  it("through pipes, also around the content", async () => {
    const input = Buffer.from(DOCUMENT);
    const ca = ["--ca", at("sign-ca.pem")];
    const detached = await done(["sign", "-", "-o", "-"], { input });
    expect(await verified([at("doc"), "-", ...ca], { input: detached.bytes })).toMatchObject({ status: 0 });
    await writeFile(at("piped.p7s"), detached.bytes);
    expect(await verified(["-", at("piped.p7s"), ...ca], { input })).toMatchObject({ status: 0 });
    const attached = await done(["sign", "--attached", "-"], { input });
    expect(await verified(["-", ...ca], { input: attached.bytes })).toMatchObject({ status: 0 });
    expect(await verified([at("doc"), "-", ...ca], { input: attached.bytes })).toMatchObject({ status: 2 });
  });

  it("PEM", async () => {
    const der = await readFile(at("doc.p7s"));
    for (const label of ["CMS", "PKCS7"]) {
      const pem = `-----BEGIN ${label}-----\n${der.toString("base64")}\n-----END ${label}-----\n`;
      await writeFile(at("doc.pem"), pem);
      for (const before of ["", "Signed by hand.\n".repeat(20)]) {
        await writeFile(at("doc.pem"), before + pem);
        expect(await verified([at("doc"), at("doc.pem"), "--ca", at("sign-ca.pem")])).toMatchObject({ status: 0 });
      }
      await writeFile(at("doc.pem"), pem + pem);
      expect(await verified([at("doc"), at("doc.pem")])).toMatchObject({ status: 9, checks: ["malformed"] });
    }
  });

  it("--json says what was signed, and with which certificate", async () => {
    const { out } = await done(["--json", "sign", at("doc"), "-o", at("json.p7s")]);
    expect(JSON.parse(out)).toEqual({
      key: "sign",
      format: "cms",
      sha256: createHash("sha256").update(DOCUMENT).digest("hex"),
      signingTime: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.000Z$/),
      certificateSha256: new X509Certificate(await readFile(at("sign.pem"))).fingerprint256
        .replaceAll(":", "")
        .toLowerCase(),
      output: at("json.p7s"),
    });
  });

  it("`log` has them", async () => {
    const { out } = await done(["log"]);
    expect(out).toMatch(/signed: document, with the signature key/);
    expect(out).toMatch(/signed: document, with the authentication key/);
  });

  it("Japanese", async () => {
    const env = { LANG: "ja_JP.UTF-8" };
    const { err } = await done(["sign", at("doc"), "-o", at("ja.p7s")], { env });
    expect(err).toMatch(/氏名、住所、生年月日、性別が記載された署名用電子証明書が含まれます/);
    const { out } = await done(["verify", at("doc"), at("ja.p7s"), "--ca", at("sign-ca.pem")], { env });
    expect(out).toMatch(/^形式: 正常（CMS、署名者は1人）\n/);
    expect(out).toMatch(/\n氏名: 見本　花子\n(.*\n)この署名は有効です/);
  });
});

describe("refused", () => {
  const problem = async (argv: readonly string[], options: FakeDepsOptions = {}) => {
    const { status, out, err } = await jpki(["--json", ...argv], options);
    expect(out).toBe("");
    const { code, details } = JSON.parse(err.slice(err.indexOf('{"code"')));
    return { status, code, problem: details.problem };
  };

  it("an output in the place of what is read, by any of its names", async () => {
    await link(at("doc"), at("same"));
    await symlink(at("doc"), at("link"));
    for (const output of [at("doc"), at("same"), at("link"), `${dir.path}/./doc`])
      expect(await problem(["sign", at("doc"), "-o", output])).toMatchObject({ status: 2, problem: "output-is-input" });
    expect(await problem(["verify", at("doc"), "-o", at("same")])).toMatchObject({ problem: "output-is-input" });
    expect(await readFile(at("doc"), "utf8")).toBe(DOCUMENT);
  });

  it("a file or an output that cannot be, before anybody is asked", async () => {
    const nobody = { env: { SSH_ASKPASS: "/bin/false" } };
    for (const path of [at("absent"), dir.path])
      expect(await problem(["sign", path, "-o", at("x")], nobody)).toMatchObject({ status: 1, code: "IO_FAILED" });
    for (const output of [at("no/such/folder"), dir.path])
      expect(await problem(["sign", at("doc"), "-o", output], nobody)).toMatchObject({ status: 1, code: "IO_FAILED" });
  });

  it("nobody types: no signature, and nothing is written", async () => {
    const options = { env: { SSH_ASKPASS: "/bin/false" } };
    expect((await jpki(["sign", at("doc"), "-o", at("none")], options)).status).toBe(5);
    await expect(stat(at("none"))).rejects.toMatchObject({ code: "ENOENT" });
  });

  it("a login as a document, and bytes for a terminal", async () => {
    await writeFile(at("login"), new Uint8Array(32));
    const args = ["sign", "--key", "auth", "--format", "raw", at("login"), "-o", at("x")];
    expect(await problem(args)).toMatchObject({ status: 8, code: "POLICY_REFUSED" });
    const { status, err } = await jpki(["sign", at("doc")], { terminal: true });
    expect([status, err]).toEqual([2, expect.stringMatching(/-o/)]);
    const content = await jpki(["verify", at("doc.p7m"), "-o", "-", "--ca", at("sign-ca.pem")], { terminal: true });
    expect([content.status, content.out]).toEqual([2, ""]);
  });

  it.each<[string[]]>([
    [["sign"]],
    [["sign", "doc", "more"]],
    [["sign", "doc", "--key", "both"]],
    [["sign", "doc", "--format", "pem"]],
    [["sign", "doc", "--format", "raw", "--attached", "-o", "x"]],
    [["sign", "doc", "--json"]],
    [["sign", "doc", "--json", "-o", "-"]],
    [["verify", "sig", "--json", "-o", "-"]],
    [["verify"]],
    [["verify", "doc", "doc"]],
    [["verify", "doc", "sig", "-o", "out"]],
    [["verify", "doc", "sig", "--key", "text"]],
  ])("usage: %j", async (argv) => {
    expect((await jpki(argv)).status).toBe(2);
  });

  it("what is no signature is not valid; a detached one alone is a mistake of the command line", async () => {
    for (const bytes of ["", "x", "x".repeat(5000)]) {
      await writeFile(at("nonsense"), bytes);
      expect(await verified([at("doc"), at("nonsense")])).toMatchObject({ status: 9, checks: ["malformed"] });
    }
    expect(await verified([at("doc.p7s")])).toMatchObject({
      status: 2,
      error: { details: { problem: "content-elsewhere" } },
    });
  });
});
