import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { createCertificateFiles } from "../../lib/certificate-files.ts";
import type { CertificateSource } from "../../lib/user-certificates.ts";
import { fakeKey } from "../helpers/fake-key-store.ts";
import { type RecordingLogger, recordingLogger } from "../helpers/recording-logger.ts";
import { type TempDir, tempDir } from "../helpers/temp-dir.ts";
import { userCertificate } from "../helpers/user-certificate.ts";

const key = fakeKey();

let dir: TempDir;
let log: RecordingLogger;
let certificates: CertificateSource;
const at = (name: string) => join(dir.path, name);

beforeEach(async () => {
  dir = await tempDir();
  await mkdir(at("state"));
  log = recordingLogger();
  certificates = createCertificateFiles({ files: [at("named.pub")], folder: at("state"), log });
});
afterEach(() => dir.remove());

async function write(name: string, comment = ""): Promise<Uint8Array> {
  const blob = userCertificate(key.blob);
  const line = `ssh-rsa-cert-v01@openssh.com ${Buffer.from(blob).toString("base64")}${comment}\n`;
  await writeFile(at(name), line);
  return blob;
}
const paths = () => certificates().map(({ path }) => path);

it("named files come first, then *-cert.pub of the folder in order, and nothing else of it", async () => {
  for (const name of ["state/b-cert.pub", "state/a-cert.pub", "state/keys.json", "state/c.pub"]) await write(name);
  const blob = await write("named.pub", " my card  ");
  expect(paths()).toEqual([at("named.pub"), at("state/a-cert.pub"), at("state/b-cert.pub")]);
  expect(certificates()[0]).toMatchObject({ blob, comment: "my card", certificate: { keyBlob: key.blob } });
  expect(log.lines).toEqual([]);
});

it("a file that is renewed, comes or goes is seen at the next look", async () => {
  await write("named.pub");
  expect(paths()).toHaveLength(1);
  const renewed = await write("named.pub", " renewed and longer");
  expect(certificates()[0]?.blob).toEqual(renewed);
  await write("state/a-cert.pub");
  expect(paths()).toHaveLength(2);
  await rm(at("state/a-cert.pub"));
  expect(paths()).toHaveLength(1);
});

it("a file that has not changed is not read again", async () => {
  await write("named.pub");
  expect(certificates()[0]).toBe(certificates()[0]);
});

it("a named file that is missing is said once, and found when it comes", async () => {
  for (let i = 0; i < 3; i++) expect(paths()).toEqual([]);
  expect(log.lines).toMatchObject([{ level: "warn", fields: { file: at("named.pub") } }]);
  await write("named.pub");
  expect(paths()).toHaveLength(1);
});

it.each([
  { what: "no certificate", text: `ssh-rsa ${Buffer.from(key.blob).toString("base64")}\n` },
  { what: "no base64", text: "hello\n" },
  { what: "empty", text: "" },
  { what: "cut short", text: `x ${Buffer.from(userCertificate(key.blob).subarray(0, 400)).toString("base64")}\n` },
  { what: "endless", text: "x".repeat(200 * 1024) },
])("a file that is $what is left out and said once; the others stay", async ({ text }) => {
  await write("state/good-cert.pub");
  await writeFile(at("named.pub"), text);
  for (let i = 0; i < 3; i++) expect(paths()).toEqual([at("state/good-cert.pub")]);
  expect(log.lines).toMatchObject([{ level: "warn", fields: { file: at("named.pub") } }]);
});

it("a folder in the place of a file, and a state folder that is missing, are no reason to fail", async () => {
  await mkdir(at("named.pub"));
  await rm(at("state"), { recursive: true });
  expect(paths()).toEqual([]);
  expect(log.lines).toHaveLength(1);
});
