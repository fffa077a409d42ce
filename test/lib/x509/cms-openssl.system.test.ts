/** openssl and this program judge the same signatures over documents, whoever made them, and agree. */

import { createHash } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { run as jpki } from "../../../cli/program.ts";
import { concatBytes } from "../../../lib/bytes.ts";
import { createVirtualPki } from "../../../lib/virtual-card/pki.ts";
import { asn1js, pkijs } from "../../../lib/x509/asn1.ts";
import { prepareSignedData } from "../../../lib/x509/cms-encode.ts";
import { CMS_OID } from "../../../lib/x509/cms-oids.ts";
import { encodePem } from "../../../lib/x509/pem.ts";
import { DAY_MS } from "../../helpers/certificates.ts";
import { fakeDeps } from "../../helpers/cli.ts";
import { makeCms, patched, signDigest } from "../../helpers/cms.ts";
import { testPki } from "../../helpers/pki.ts";
import { run, runOk } from "../../helpers/run.ts";
import { type TempDir, tempDir } from "../../helpers/temp-dir.ts";
import { CONTENT, hexOf, tamperedCases } from "./cms-tampered.ts";

const pki = await testPki();
const other = await createVirtualPki(new Date());
const TAMPERED = tamperedCases(pki, other);
let dir: TempDir;
beforeAll(async () => {
  dir = await tempDir();
  await writeFile(at("doc"), CONTENT);
  await writeFile(at("ca.pem"), encodePem(pki.signCaCertificate, "CERTIFICATE"));
  await writeFile(at("other-ca.pem"), encodePem(other.signCaCertificate, "CERTIFICATE"));
  await writeFile(at("cert.pem"), encodePem(pki.signCertificate, "CERTIFICATE"));
  await writeFile(at("cert.der"), pki.signKey);
  await openssl("pkey", "-inform", "DER", "-in", "cert.der", "-out", "key.pem");
  await openssl("x509", "-in", "cert.pem", "-noout", "-pubkey", "-out", "public.pem");
  await writeFile(at("ca.der"), pki.signCaKey);
  await openssl("pkey", "-inform", "DER", "-in", "ca.der", "-out", "ca-key.pem");
});
afterAll(() => dir.remove());

function at(name: string): string {
  return join(dir.path, name);
}

function openssl(...args: readonly string[]) {
  return runOk("openssl", args, { cwd: dir.path });
}

/** Whether openssl takes it: what is signed, by whom, and the attribute that names the certificate. */
async function opensslTakes(file: string, { attached = false, ca = "ca.pem", cades = true, content = "doc" } = {}) {
  const args = ["cms", "-verify", "-inform", "DER", "-in", file, "-binary", "-CAfile", ca, "-out", "out"];
  const rest = [...(attached ? [] : ["-content", content]), ...(cades ? ["-cades"] : [])];
  return (await run("openssl", [...args, ...rest], { cwd: dir.path })).status === 0;
}

/** The reasons that are not good, by this program; none: it is valid. */
async function faults(
  file: string,
  { attached = false, ca = "ca.pem", content = "doc" } = {},
  ...options: readonly string[]
): Promise<readonly string[]> {
  const deps = fakeDeps();
  const files = attached ? [at(file)] : [at(content), at(file)];
  const status = await jpki(["--json", "verify", ...files, "--ca", at(ca), ...options], deps);
  const { valid, checks } = JSON.parse(deps.out() || "{}");
  expect(status, deps.err()).toBe(valid ? 0 : 9);
  type Found = { readonly result: string; readonly reason: string };
  const found = (checks as readonly Found[]).filter(
    ({ result, reason }) => result !== "good" && reason !== "not-asked",
  );
  expect(found.length === 0).toBe(valid);
  return found.map(({ reason }) => reason);
}

describe("what sign makes, openssl takes", () => {
  it.each([false, true])("CMS, attached: %s; also as CAdES, and its fields are printed", async (attached) => {
    const prepared = prepareSignedData({
      contentDigest: createHash("sha256").update(CONTENT).digest(),
      contentBytes: attached ? CONTENT.length : undefined,
      signingTime: new Date(),
      certificate: pki.signCertificate,
      ca: pki.signCaCertificate,
    });
    const { before, after } = prepared.finish(signDigest(pki.signKey, prepared.digest));
    await writeFile(at("ours"), concatBytes(before, ...(attached ? [CONTENT] : []), after));
    expect(await opensslTakes("ours", { attached })).toBe(true);
    expect(await opensslTakes("ours", { attached, cades: false })).toBe(true);
    expect(await opensslTakes("ours", { attached, ca: "other-ca.pem" })).toBe(false);
    const { stdout } = await openssl("cms", "-cmsout", "-print", "-inform", "DER", "-in", "ours");
    for (const field of ["signingTime", "id-smime-aa-signingCertificateV2", "messageDigest", "sha256"])
      expect(stdout).toContain(field);
    // openssl writes again what it has read: the same bytes, so they are DER.
    await openssl("cms", "-cmsout", "-inform", "DER", "-in", "ours", "-outform", "DER", "-out", "again");
    expect(await readFile(at("again"))).toEqual(await readFile(at("ours")));
  });

  it("raw", async () => {
    await writeFile(at("raw"), signDigest(pki.signKey, createHash("sha256").update(CONTENT).digest()));
    const { stdout } = await openssl("dgst", "-sha256", "-verify", "public.pem", "-signature", "raw", "doc");
    expect(stdout).toContain("Verified OK");
    expect(await faults("raw", {}, "--cert", at("cert.pem"))).toEqual([]);
  });
});

describe("what openssl makes, verify takes", () => {
  const PSS = ["-keyopt", "rsa_padding_mode:pss"];
  it.each<[string, boolean, readonly string[]]>([
    ["with its usual attributes", false, ["cms"]],
    ["without attributes", false, ["cms", "-noattr"]],
    ["without S/MIME capabilities", false, ["cms", "-nosmimecap"]],
    ["around the content", true, ["cms", "-nodetach"]],
    ["around the content, without attributes", true, ["cms", "-nodetach", "-noattr"]],
    ["around the content, in a stream of indefinite length", true, ["cms", "-nodetach", "-stream"]],
    ["naming the signer by its key", false, ["cms", "-keyid"]],
    ["SHA-384", false, ["cms", "-md", "sha384"]],
    ["SHA-512, without attributes", false, ["cms", "-md", "sha512", "-noattr"]],
    ["RSA-PSS", false, ["cms", ...PSS]],
    [
      "RSA-PSS, with the longest salt, SHA-512",
      false,
      ["cms", ...PSS, "-keyopt", "rsa_pss_saltlen:max", "-md", "sha512"],
    ],
    ["RSA-PSS, without attributes", true, ["cms", ...PSS, "-noattr", "-nodetach"]],
    ["CAdES", false, ["cms", "-cades"]],
    ["with its CA's certificate", false, ["cms", "-certfile", "ca.pem"]],
    ["PKCS #7", false, ["smime"]],
    ["PKCS #7 around the content", true, ["smime", "-nodetach"]],
  ])("%s", async (_, attached, [command = "", ...options]) => {
    const signer = ["-binary", "-in", "doc", "-signer", "cert.pem", "-inkey", "key.pem"];
    for (const form of ["DER", "PEM"]) {
      await openssl(command, "-sign", ...signer, "-outform", form, "-out", `theirs.${form}`, ...options);
      expect(await faults(`theirs.${form}`, { attached })).toEqual([]);
    }
    await writeFile(at("changed"), "another");
    if (!attached) expect((await faults("theirs.DER", { content: "changed" })).length).toBeGreaterThan(0);
  });

  it("without the signer's certificate: it must be named", async () => {
    const args = ["-in", "doc", "-binary", "-signer", "cert.pem", "-inkey", "key.pem", "-outform", "DER", "-nocerts"];
    await openssl("cms", "-sign", ...args, "-out", "bare");
    expect(await faults("bare")).toContain("no-signer-certificate");
    expect(await faults("bare", {}, "--cert", at("cert.pem"))).toEqual([]);
  });

  it("ECDSA", async () => {
    await writeFile(at("ec.cnf"), "[ec]\nkeyUsage = critical, digitalSignature, nonRepudiation\n");
    await openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", "ec.key");
    await openssl("req", "-new", "-key", "ec.key", "-subj", "/CN=ec", "-out", "ec.csr");
    const issue = ["x509", "-req", "-in", "ec.csr", "-CA", "ca.pem", "-CAkey", "ca-key.pem", "-days", "9"];
    await openssl(...issue, "-set_serial", "77", "-extfile", "ec.cnf", "-extensions", "ec", "-out", "ec.pem");
    for (const options of [[], ["-noattr"], ["-md", "sha384"]]) {
      const signer = ["-signer", "ec.pem", "-inkey", "ec.key", ...options];
      await openssl("cms", "-sign", "-in", "doc", "-binary", ...signer, "-outform", "DER", "-out", "ec.cms");
      expect(await faults("ec.cms"), options.join()).toEqual([]);
    }
  });

  it("SHA-1 is not verified, so it is not valid", async () => {
    const signer = ["-signer", "cert.pem", "-inkey", "key.pem", "-md", "sha1"];
    await openssl("cms", "-sign", "-in", "doc", "-binary", ...signer, "-outform", "DER", "-out", "sha1");
    expect(await faults("sha1")).toEqual(["unsupported-algorithm", "unsupported-algorithm"]);
  });
});

describe("openssl and verify refuse both", () => {
  it("at least 25 of them, and what they are made of is good", async () => {
    expect(TAMPERED.length).toBeGreaterThanOrEqual(25);
    for (const attached of [false, true]) {
      await writeFile(at("good"), makeCms(pki, { content: CONTENT, attached }));
      expect(await faults("good", { attached })).toEqual([]);
      expect(await opensslTakes("good", { attached })).toBe(true);
    }
  });

  it.each(TAMPERED)("$name", async ({ reason, shape, bytes, content, ca = "ca.pem" }) => {
    const made = shape?.() ?? {};
    const cms = makeCms(pki, { content: CONTENT, ...made });
    await writeFile(at("tampered"), bytes?.(cms) ?? cms);
    await writeFile(at("tampered-doc"), content ?? CONTENT);
    const options = { attached: made.attached ?? false, ca, content: "tampered-doc" };
    expect(await faults("tampered", options)).toContain(reason);
    expect(await opensslTakes("tampered", options)).toBe(false);
  });
});

describe("verify refuses what openssl passes over", () => {
  const refuse = async (cms: Uint8Array, reason: string) => {
    await writeFile(at("strict"), cms);
    expect(await opensslTakes("strict")).toBe(true);
    expect(await faults("strict")).toContain(reason);
  };

  it("bytes after its end", () =>
    refuse(concatBytes(makeCms(pki, { content: CONTENT }), Uint8Array.of(0)), "malformed"));

  it("another type of the content than was signed", () => {
    const cms = patched(
      makeCms(pki, { content: CONTENT }),
      `300b${hexOf(CMS_OID.data)}`,
      `300b${hexOf(CMS_OID.signedData)}`,
    );
    return refuse(cms, "content-type-differs");
  });

  it("two signers, both good", () =>
    refuse(
      makeCms(pki, { content: CONTENT, finish: (data) => void data.signerInfos.push(...data.signerInfos) }),
      "not-one-signer",
    ));

  it("a signing time to come", () =>
    refuse(makeCms(pki, { content: CONTENT, signingTime: new Date(Date.now() + DAY_MS) }), "signed-in-the-future"));

  it("attributes that anybody can add", () =>
    refuse(
      makeCms(pki, {
        content: CONTENT,
        finish: ({ signerInfos: [signer] }) => {
          const attribute = new pkijs.Attribute({ type: "1.2.840.113549.1.9.16.2.14", values: [new asn1js.Null()] });
          const attributes = [attribute];
          if (signer) signer.unsignedAttrs = new pkijs.SignedAndUnsignedAttributes({ type: 1, attributes });
        },
      }),
      "unsigned-attributes",
    ));
});
