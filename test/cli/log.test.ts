import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { run } from "../../cli/program.ts";
import { silentLogger } from "../../lib/log.ts";
import type { SignatureEntry } from "../../lib/signature-entry.ts";
import { openSignatureRecord } from "../../lib/signature-record.ts";
import { fakeDeps } from "../helpers/cli.ts";
import { type TempDir, tempDir } from "../helpers/temp-dir.ts";

const ENTRY: SignatureEntry = {
  key: "SHA256:key",
  comment: "My Number card 01234567",
  result: "signed",
  data: "userauth",
  user: "root",
  hosts: ["server.example", "192.0.2.1"],
  hostKey: "SHA256:host",
  forwarded: false,
  program: "ssh < git < bash",
};

let dir: TempDir;
beforeEach(async () => {
  dir = await tempDir();
});
afterEach(() => dir.remove());

function keep(...entries: readonly Partial<SignatureEntry>[]): void {
  const record = openSignatureRecord({
    folder: join(dir.path, "jpki-agent"),
    now: () => new Date(2026, 0, 2, 3, 4, 5),
    log: silentLogger,
  });
  for (const entry of entries) record.add({ ...ENTRY, ...entry });
}

async function log(args: readonly string[] = [], lang = "en_US.UTF-8"): Promise<string> {
  const deps = fakeDeps({ env: { LANG: lang, XDG_STATE_HOME: dir.path }, home: dir.path });
  expect(await run(["log", ...args], deps), deps.err()).toBe(0);
  return deps.out();
}

describe("log", () => {
  it("prints one line for each signature, the newest last", async () => {
    keep({}, { result: "refused", reason: "forwarded", forwarded: true });
    expect(await log()).toBe(
      [
        "2026-01-02 03:04:05  signed: SSH login as root at server.example, 192.0.2.1, asked by ssh < git < bash, host key SHA256:host, My Number card 01234567",
        "2026-01-02 03:04:05  REFUSED (forwarded, through a forwarded agent that is not allowed to): SSH login as root at server.example, 192.0.2.1, through a forwarded agent, asked by ssh < git < bash, host key SHA256:host, My Number card 01234567",
        "",
      ].join("\n"),
    );
  });

  it("names the mechanism and the key that a PKCS#11 program used, in both languages", async () => {
    const none = { user: undefined, hosts: undefined, hostKey: undefined };
    keep(
      { ...none, data: "pkcs11", mechanism: "CKM_SHA256_RSA_PKCS", program: "curl (1234)" },
      { ...none, data: "pkcs11-sign", mechanism: "CKM_RSA_PKCS", program: undefined },
    );
    expect(await log()).toBe(
      [
        "2026-01-02 03:04:05  signed: PKCS#11 (CKM_SHA256_RSA_PKCS), asked by curl (1234), My Number card 01234567",
        "2026-01-02 03:04:05  signed: PKCS#11 with the DIGITAL SIGNATURE key (CKM_RSA_PKCS), My Number card 01234567",
        "",
      ].join("\n"),
    );
    expect(await log([], "ja_JP.UTF-8")).toBe(
      [
        "2026-01-02 03:04:05  署名: PKCS#11（CKM_SHA256_RSA_PKCS）、要求元: curl (1234)、My Number card 01234567",
        "2026-01-02 03:04:05  署名: PKCS#11、署名用の鍵（CKM_RSA_PKCS）、My Number card 01234567",
        "",
      ].join("\n"),
    );
    expect(JSON.parse(await log(["--json"]))).toMatchObject([{ mechanism: "CKM_SHA256_RSA_PKCS" }, {}]);
  });

  it("in Japanese too, with what little is known", async () => {
    const unknown = { user: undefined, hosts: undefined, hostKey: undefined, program: undefined };
    keep({ ...unknown, data: "sshsig", namespace: "git" }, { ...unknown, data: "bare-hash", result: "refused" });
    expect(await log([], "ja_JP.UTF-8")).toBe(
      [
        "2026-01-02 03:04:05  署名: git のコミットまたはタグへの署名、My Number card 01234567",
        "2026-01-02 03:04:05  拒否: その他のデータ（bare-hash）、My Number card 01234567",
        "",
      ].join("\n"),
    );
  });

  it.each(["en_US.UTF-8", "ja_JP.UTF-8"])("%s: nothing in an entry repaints the terminal", async (lang) => {
    const evil = "x\u001b[2J\n\u202e";
    keep({ user: evil, program: evil, hosts: [evil], reason: evil, comment: evil, hostKey: evil, result: "failed" });
    keep({ data: "sshsig", namespace: evil }, { data: evil });
    const lines = (await log([], lang)).split("\n");
    expect(lines).toHaveLength(4);
    expect(lines.join("")).not.toMatch(/[\p{Cc}\p{Cf}]/u);
  });

  it("prints the last COUNT, 20 unless told", async () => {
    keep(...Array.from({ length: 30 }, (_, n) => ({ user: `u${n}` })));
    expect((await log()).split("\n")).toHaveLength(21);
    expect(await log(["-n", "1"])).toContain("as u29 ");
    expect((await log(["-n", "100"])).split("\n")).toHaveLength(31);
  });

  it("--json gives every field", async () => {
    keep({});
    expect(JSON.parse(await log(["--json"]))).toEqual([{ time: expect.stringMatching(/Z$/), ...ENTRY }]);
  });

  it("says on stderr that there is nothing, and gives [] as JSON", async () => {
    expect(await log()).toBe("");
    expect(await log(["--json"])).toBe("[]\n");
  });

  it.each(["0", "-1", "x", "1.5"])("-n %s is a mistake", async (n) => {
    const deps = fakeDeps({ home: dir.path });
    expect(await run(["log", "-n", n], deps)).toBe(2);
  });
});
