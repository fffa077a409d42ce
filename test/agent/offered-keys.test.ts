import { beforeEach, describe, expect, it } from "vitest";
import { KeyConstraints } from "../../agent/key-constraints.ts";
import { OfferedKeys } from "../../agent/offered-keys.ts";
import { utf8 } from "../../lib/bytes.ts";
import { type CertificateFile, parseCertificateFile } from "../../lib/user-certificates.ts";
import { FakeKeyStore, fakeKey } from "../helpers/fake-key-store.ts";
import { type RecordingLogger, recordingLogger } from "../helpers/recording-logger.ts";
import { type UserCertificateChange, userCertificate } from "../helpers/user-certificate.ts";

const first = fakeKey("first");
const second = fakeKey("second");
const LOCAL = { bindings: [], bindAttempted: false };
const BEGIN = 1_800_000_000;

let files: CertificateFile[];
let unixSeconds: number;
let log: RecordingLogger;
let constraints: KeyConstraints;
let offered: OfferedKeys;

beforeEach(() => {
  files = [];
  unixSeconds = BEGIN;
  log = recordingLogger();
  constraints = new KeyConstraints({ now: () => 0, unixSeconds: () => unixSeconds });
  const keys = new FakeKeyStore(first, second);
  offered = new OfferedKeys({ keys, constraints, certificates: () => files, unixSeconds: () => unixSeconds, log });
});

function addFile(path: string, keyBlob: Uint8Array, change: UserCertificateChange = {}, comment = ""): Uint8Array {
  const blob = userCertificate(keyBlob, change);
  const base64 = Buffer.from(blob).toString("base64");
  files.push(parseCertificateFile(path, `ssh-rsa-cert-v01@openssh.com ${base64} ${comment}\n`));
  return blob;
}
const said = () =>
  log.lines.map(({ level, fields }) => `${level} ${String(fields["file"])} ${String(fields["state"])}`);

describe("list", () => {
  it("has the certificates of each key right after it", () => {
    const forSecond = addFile("2", second.blob, {}, "at work");
    const forFirst = addFile("1", first.blob);
    expect(offered.list(LOCAL)).toEqual([
      { keyBlob: first.blob, comment: utf8("first") },
      { keyBlob: forFirst, comment: utf8("first") },
      { keyBlob: second.blob, comment: utf8("second") },
      { keyBlob: forSecond, comment: utf8("at work") },
    ]);
    expect(said()).toEqual(["info 2 offered", "info 1 offered"]);
  });

  it.each([
    { state: "expired", change: { validBefore: BigInt(BEGIN) } },
    { state: "not-yet-valid", change: { validAfter: BigInt(BEGIN + 1) } },
    { state: "not-for-users", change: { role: 2 } },
  ])("leaves out one that is $state, and says so once", ({ state, change }) => {
    addFile("c", first.blob, change);
    for (let i = 0; i < 2; i++) expect(offered.list(LOCAL)).toHaveLength(2);
    expect(said()).toEqual([`warn c ${state}`]);
  });

  it("leaves out one for another key, and says so", () => {
    addFile("c", fakeKey().blob);
    expect(offered.list(LOCAL)).toHaveLength(2);
    expect(said()).toEqual(["warn c wrong-key"]);
  });

  it("follows the time", () => {
    addFile("c", first.blob, { validAfter: BigInt(BEGIN + 10), validBefore: BigInt(BEGIN + 20) });
    const lengths = [0, 10, 19, 20].map((seconds) => {
      unixSeconds = BEGIN + seconds;
      return offered.list(LOCAL).length;
    });
    expect(lengths).toEqual([2, 3, 3, 2]);
    expect(said()).toEqual(["warn c not-yet-valid", "info c offered", "warn c expired"]);
  });

  it("goes with its key when that is removed", () => {
    addFile("c", first.blob);
    constraints.remove(first.identity.id);
    expect(offered.list(LOCAL).map(({ keyBlob }) => keyBlob)).toEqual([second.blob]);
  });
});

describe("find", () => {
  it("finds a key by its blob, and by any user certificate for it", () => {
    const certificate = userCertificate(second.blob);
    expect(offered.find(first.blob)).toMatchObject({ key: first.identity, certificate: undefined });
    expect(offered.find(certificate)).toEqual({ key: second.identity, keyBlob: second.blob, certificate });
  });

  it.each([
    { what: "another key", blob: fakeKey().blob },
    { what: "a certificate for another key", blob: userCertificate(fakeKey().blob) },
    { what: "a host certificate", blob: userCertificate(first.blob, { role: 2 }) },
    { what: "a certificate cut short", blob: userCertificate(first.blob).subarray(0, -1) },
    { what: "nothing", blob: new Uint8Array() },
  ])("does not find $what", ({ blob }) => {
    expect(offered.find(blob)).toBeUndefined();
  });
});
