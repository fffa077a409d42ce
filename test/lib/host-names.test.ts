import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createKnownHostKeys } from "../../lib/host-names.ts";
import type { KnownHostKeys } from "../../lib/known-host-keys.ts";
import { hostKey } from "../helpers/host-key.ts";
import { type RecordingLogger, recordingLogger } from "../helpers/recording-logger.ts";
import { runOk } from "../helpers/run.ts";
import { type TempDir, tempDir } from "../helpers/temp-dir.ts";

const web = hostKey().blob;
const bastion = hostKey().blob;
const stranger = hostKey().blob;
const line = (names: string, blob: Uint8Array) => `${names} ssh-ed25519 ${Buffer.from(blob).toString("base64")}\n`;

let dir: TempDir;
let log: RecordingLogger;
let known: KnownHostKeys;
const at = (name: string) => join(dir.path, name);

beforeEach(async () => {
  dir = await tempDir();
  log = recordingLogger();
  await writeFile(at("user"), line("web.example,192.0.2.7", web) + line("[bastion.example]:2222", bastion));
  known = createKnownHostKeys({ files: [at("user"), at("system")], log });
});
afterEach(() => dir.remove());

describe("namesOf", () => {
  it("has the names of all files; a missing file is an empty one", async () => {
    expect(known.namesOf(web)).toEqual(["web.example", "192.0.2.7"]);
    await writeFile(at("system"), line("www.example", web));
    expect(known.namesOf(web)).toEqual(["web.example", "192.0.2.7", "www.example"]);
    expect(known.namesOf(stranger)).toEqual([]);
    expect(log.lines).toEqual([]);
  });

  it("has none for a key that another file revokes", async () => {
    await writeFile(at("system"), `@revoked ${line("*", web)}`);
    expect(known.namesOf(web)).toEqual([]);
    expect(known.isOneOf(web, ["web.example"])).toBe(false);
  });

  it("goes on without a file that cannot be read, and says so", () => {
    const broken = createKnownHostKeys({ files: [dir.path, at("user")], log });
    expect(broken.namesOf(bastion)).toEqual(["[bastion.example]:2222"]);
    expect(log.lines).toMatchObject([{ level: "warn", fields: { file: dir.path } }]);
  });
});

describe("isOneOf", () => {
  it.each([
    { hosts: [], allowed: [] },
    { hosts: ["web.example"], allowed: ["web"] },
    { hosts: ["WEB.example"], allowed: ["web"] },
    { hosts: ["192.0.2.*"], allowed: ["web"] },
    { hosts: ["bastion.example"], allowed: [] },
    { hosts: ["[bastion.example]:2222"], allowed: ["bastion"] },
    { hosts: ["*.example", "!web.example"], allowed: [] },
    { hosts: ["*"], allowed: ["web", "bastion", "stranger"] },
    { hosts: ["*", "!web.example"], allowed: ["bastion"] },
    { hosts: ["web.example", "[bastion.example]:*"], allowed: ["web", "bastion"] },
  ])("$hosts allows $allowed", ({ hosts, allowed }) => {
    const blobs = { web, bastion, stranger };
    const found = Object.entries(blobs).flatMap(([name, blob]) => (known.isOneOf(blob, hosts) ? [name] : []));
    expect(found).toEqual(allowed);
  });

  it("recognises names that ssh-keygen -H has hashed", async () => {
    await runOk("ssh-keygen", ["-q", "-H", "-f", at("user")]);
    expect(known.namesOf(web)).toEqual([]);
    expect(known.isOneOf(web, ["web.example"])).toBe(true);
    expect(known.isOneOf(web, ["other.example"])).toBe(false);
    expect(known.isOneOf(bastion, ["[bastion.example]:2222"])).toBe(true);
  });
});
