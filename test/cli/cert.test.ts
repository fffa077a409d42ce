import { X509Certificate } from "node:crypto";
import { lstat, readFile, stat, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { run } from "../../cli/program.ts";
import { encodePem } from "../../lib/x509/pem.ts";
import { type FakeDepsOptions, fakeDeps } from "../helpers/cli.ts";
import { testPki } from "../helpers/pki.ts";
import { type TempDir, tempDir } from "../helpers/temp-dir.ts";

let dir: TempDir;
let env: Record<string, string>;
/** One virtual card for all of them; its signature password is typed by a program. */
beforeAll(async () => {
  dir = await tempDir();
  await writeFile(at("askpass"), "#!/bin/sh\necho TEST1234\n", { mode: 0o755 });
  env = {
    PATH: process.env["PATH"] ?? "",
    XDG_STATE_HOME: at("s"),
    XDG_RUNTIME_DIR: at("r"),
    SSH_ASKPASS: at("askpass"),
    SSH_ASKPASS_REQUIRE: "force",
  };
});
afterAll(() => dir.remove());

function at(name: string): string {
  return join(dir.path, name);
}

async function jpki(argv: readonly string[], options: FakeDepsOptions = {}) {
  const deps = fakeDeps({ home: dir.path, ...options, env: { ...env, ...options.env } });
  const status = await run(["--card", "virtual", ...argv], deps);
  return { status, out: deps.out(), err: deps.err() };
}

const modeOf = async (path: string) => (await stat(path)).mode & 0o777;

describe("cert", () => {
  it.each(["auth", "auth-ca", "sign-ca"])(
    "%s: no PIN and no notice; text, PEM and JSON are of one certificate",
    async (name) => {
      const pem = await jpki(["cert", name, "--format", "pem"], { env: { SSH_ASKPASS: "/bin/false" } });
      expect([pem.status, pem.err]).toEqual([0, ""]);
      const x509 = new X509Certificate(pem.out);
      const text = await jpki(["cert", name]);
      expect(text.out).toContain(x509.fingerprint256);
      expect(text.out).toContain(`Serial number: ${x509.serialNumber}`);
      const json = JSON.parse((await jpki(["--json", "cert", name])).out);
      expect(json).toMatchObject({ serial: x509.serialNumber, state: "valid" });
      expect(json.sha256).toBe(x509.fingerprint256.replaceAll(":", "").toLowerCase());
      expect(json).not.toHaveProperty("holder");
    },
  );

  it("sign: the notice comes on stderr, the four attributes on stdout", async () => {
    const english = await jpki(["cert", "sign"]);
    expect(english.status, english.err).toBe(0);
    expect(english.err).toMatch(/holds your name, address, birth date and sex/);
    for (const part of ["見本　花子", "1990-04-01 (Heisei 2)", "female", "見本県架空市一丁目２番３号"])
      expect(english.out).toContain(part);
    const japanese = await jpki(["cert", "sign"], { env: { LANG: "ja_JP.UTF-8" } });
    expect(japanese.err).toMatch(/氏名、住所、生年月日、性別が記載/);
    expect(japanese.out).toMatch(/生年月日: 1990年4月1日（平成2年）\n性別: 女\n/);
    const { holder } = JSON.parse((await jpki(["cert", "sign", "--format", "json"])).out);
    expect(holder).toMatchObject({ name: "見本　花子", sex: "female", birthDate: { year: 1990 } });
  });

  it("sign: without its password there is nothing", async () => {
    const { status, out } = await jpki(["cert", "sign"], { env: { SSH_ASKPASS: "/bin/false" } });
    expect([status, out]).toEqual([5, ""]);
  });
});

describe("cert -o", () => {
  it("writes the signature certificate for its owner alone, also over a file that others could read", async () => {
    const path = at("sign.pem");
    await writeFile(path, "old", { mode: 0o644 });
    const { status, out, err } = await jpki(["cert", "sign", "--format", "pem", "-o", path]);
    expect([status, out], err).toEqual([0, ""]);
    expect(await modeOf(path)).toBe(0o600);
    expect(new X509Certificate(await readFile(path)).subject).toContain("CN=");
  });

  it("writes DER", async () => {
    const path = at("auth.der");
    expect((await jpki(["cert", "auth", "--format", "der", "-o", path])).status).toBe(0);
    const pem = await jpki(["cert", "auth", "--format", "pem"]);
    expect(encodePem(new Uint8Array(await readFile(path)), "CERTIFICATE")).toBe(pem.out);
  });

  it("follows no link and puts nothing in the place of a folder or a device", async () => {
    await writeFile(at("target"), "old");
    await symlink(at("target"), at("link"));
    for (const path of [at("link"), dir.path, "/dev/null", at("no/such/folder")])
      expect((await jpki(["cert", "auth", "--format", "pem", "-o", path])).status, path).toBe(1);
    expect(await readFile(at("target"), "utf8")).toBe("old");
    expect((await lstat("/dev/null")).isCharacterDevice()).toBe(true);
  });

  it("- is standard output", async () => {
    const { status, out } = await jpki(["cert", "auth", "--format", "pem", "-o", "-"]);
    expect([status, out]).toEqual([0, (await jpki(["cert", "auth", "--format", "pem"])).out]);
  });

  it("an output that cannot be is told before anybody is asked", async () => {
    for (const path of [dir.path, at("no/such/folder")]) {
      const { status, err } = await jpki(["cert", "sign", "-o", path], { env: { SSH_ASKPASS: "/bin/false" } });
      expect([status, err]).toEqual([1, expect.stringContaining(path)]);
    }
    const { err } = await jpki(["cert", "auth", "-o", dir.path], { env: { LANG: "ja_JP.UTF-8" } });
    expect(err).toContain(`${dir.path} を読み書きできません（通常のファイルではありません）`);
  });

  it("DER is not for a terminal", async () => {
    const refused = await jpki(["--json", "cert", "auth", "--format", "der"], { terminal: true });
    expect([refused.status, refused.out]).toEqual([2, ""]);
    expect(JSON.parse(refused.err)).toMatchObject({ details: { problem: "binary-to-terminal" } });
    expect((await jpki(["cert", "auth", "--format", "der", "-o", at("t.der")], { terminal: true })).status).toBe(0);
  });

  it.each([[["cert"]], [["cert", "both"]], [["cert", "auth", "--format", "xml"]]])("usage: %j", async (argv) => {
    expect((await jpki(argv)).status).toBe(2);
  });
});

describe("verify-cert", () => {
  const verified = async (...argv: readonly string[]) => {
    const { status, out, err } = await jpki(["--json", "verify-cert", ...argv]);
    if (out === "") return { status, reasons: JSON.parse(err).code };
    const { valid, checks } = JSON.parse(out);
    expect(status).toBe(valid ? 0 : 9);
    return { status, reasons: checks.map(({ reason }: { reason: string }) => reason) };
  };
  const good = ["in-force", "usage-fits", "purpose-fits"];

  it("the virtual card's CA is none of JPKI's, so its certificates are not valid", async () => {
    expect(await verified("auth")).toEqual({ status: 9, reasons: ["untrusted-ca", ...good, "not-asked"] });
    expect(await verified("sign")).toEqual({ status: 9, reasons: ["untrusted-ca", ...good, "not-asked"] });
  });

  it.each(["auth", "sign"])("%s with the CA named", async (name) => {
    await jpki(["cert", `${name}-ca`, "--format", "pem", "-o", at("ca.pem")]);
    expect(await verified(name, "--ca", at("ca.pem"))).toEqual({
      status: 0,
      reasons: ["named-ca", ...good, "not-asked"],
    });
  });

  it("says in words that revocation was not looked at, and shows nothing of the holder", async () => {
    await jpki(["cert", "sign-ca", "--format", "pem", "-o", at("ca.pem")]);
    const english = await jpki(["verify-cert", "sign", "--ca", at("ca.pem")]);
    expect(english.status, english.err).toBe(0);
    expect(english.out).toMatch(
      /^issuer: good - .*\ndates: good - .*\nkey usage: .*\npurpose: .*\nrevocation: NOT CHECKED - individuals/,
    );
    expect(english.out).toMatch(/valid, as far as can be told/);
    expect(english.out + english.err).not.toMatch(/見本/);
    const japanese = await jpki(["verify-cert", "sign", "--ca", at("ca.pem")], { env: { LANG: "ja_JP.UTF-8" } });
    expect(japanese.out).toMatch(/失効: 未確認（個人が使える公開の確認手段はありません/);
  });

  it("a file needs no card, and without a CA nothing is valid", async () => {
    const pki = await testPki();
    await writeFile(at("file.der"), pki.authCertificate);
    await writeFile(at("file-ca.der"), pki.authCaCertificate);
    const file = ["auth", "--cert", at("file.der")];
    expect(await verified(...file)).toEqual({ status: 9, reasons: ["no-ca-given", ...good, "not-asked"] });
    expect(await verified(...file, "--ca", at("file-ca.der"))).toEqual({
      status: 0,
      reasons: ["named-ca", ...good, "not-asked"],
    });
    expect(await verified("sign", ...file.slice(1), "--ca", at("file-ca.der"))).toEqual({
      status: 9,
      reasons: ["named-ca", "in-force", "usage-missing", "purpose-differs", "not-asked"],
    });
  });

  it("what was asked for and could not be told is not valid", async () => {
    const pki = await testPki();
    await writeFile(at("file.der"), pki.authCertificate);
    await writeFile(at("file-ca.der"), pki.authCaCertificate);
    await writeFile(at("nonsense"), "nonsense");
    const file = ["auth", "--cert", at("file.der"), "--ca", at("file-ca.der")];
    for (const source of [
      ["--crl", at("nonsense")],
      ["--stapled", at("nonsense")],
    ])
      expect(await verified(...file, ...source)).toEqual({ status: 9, reasons: ["named-ca", ...good, "unreadable"] });
    for (const source of ["--crl", "--ocsp"])
      expect(await verified(...file, source, "http://127.0.0.1:1/")).toEqual({
        status: 9,
        reasons: ["named-ca", ...good, "no-answer"],
      });
  });

  it("mistakes of the command line", async () => {
    const pki = await testPki();
    const two = [pki.authCertificate, pki.signCertificate].map((der) => encodePem(der, "CERTIFICATE")).join("");
    await writeFile(at("two.pem"), two);
    await writeFile(at("nonsense"), "nonsense");
    expect((await verified("auth", "--cert", at("two.pem"))).status).toBe(2);
    expect((await verified("auth", "--ocsp", "https://ocsp.example/")).status).toBe(2);
    expect((await verified("auth", "--ocsp", "ocsp.example")).status).toBe(2);
    expect((await verified("auth", "--crl", "ldap://crl.example/")).status).toBe(2);
    expect(await verified("auth", "--cert", at("nonsense"))).toEqual({ status: 1, reasons: "MALFORMED" });
    for (const option of ["--cert", "--ca"])
      for (const env of [{}, { LANG: "ja_JP.UTF-8" }])
        expect((await jpki(["verify-cert", "auth", option, at("nonsense")], { env })).err).toMatch(
          /(PEM or DER|PEM または DER).*\/nonsense|\/nonsense.*PEM or DER/,
        );
    expect(await verified("auth", "--cert", at("absent"))).toEqual({ status: 1, reasons: "IO_FAILED" });
    expect(await verified("auth", "--crl", at("absent"))).toEqual({ status: 1, reasons: "IO_FAILED" });
  });
});
