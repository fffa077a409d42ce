/**
 * The package as npm would publish it, in a folder of its own: what importing it does, its types, and every example of
 * docs/library.md, run with the virtual card. What it depends on is linked, for there is no network.
 */

import { createHash, createPublicKey, verify } from "node:crypto";
import { mkdir, readdir, readFile, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Sandbox, sandbox, startAgentProcess } from "../helpers/agent-process.ts";
import { docExamples } from "../helpers/doc-examples.ts";
import { type RunResult, run, runOk } from "../helpers/run.ts";
import { startSshd } from "../helpers/sshd.ts";
import { type TempDir, tempDir } from "../helpers/temp-dir.ts";

const ROOT = dirname(dirname(import.meta.dirname));
const EXAMPLES = docExamples("docs/library.md");

let dir: TempDir;
let sand: Sandbox;

beforeAll(async () => {
  dir = await tempDir();
  sand = await sandbox(dir.path);
  const packed = await runOk("npm", ["pack", "--silent", "--ignore-scripts", "--pack-destination", dir.path], {
    cwd: ROOT,
  });
  await mkdir(at("node_modules/jpki-agent"), { recursive: true });
  const unpack = ["-xzf", at(packed.stdout.trim()), "-C", at("node_modules/jpki-agent"), "--strip-components=1"];
  await runOk("tar", unpack);
  for (const name of await readdir(join(ROOT, "node_modules"))) {
    if (!name.startsWith(".")) await symlink(join(ROOT, "node_modules", name), at("node_modules", name));
  }
  for (const [name, code] of EXAMPLES) await writeFile(at(name), code);
});
afterAll(() => dir.remove());

function at(...names: readonly string[]): string {
  return join(dir.path, ...names);
}

function node(args: readonly string[], input?: string): Promise<RunResult> {
  return run(process.execPath, args, { cwd: dir.path, env: sand.env, input });
}

/** An example to its end. */
async function example(name: string, args: readonly string[] = [], input?: string): Promise<string> {
  const result = await node([name, ...args], input);
  expect(result, result.stderr).toMatchObject({ status: 0 });
  return result.stdout;
}

describe("importing it", () => {
  it.each([
    ["jpki-agent", "openJpki"],
    ["jpki-agent/ssh2", "JpkiAgent"],
  ])("%s starts nothing, writes nothing, leaves nothing open", async (entry, name) => {
    const script = `
      const loaded = [];
      const open = process.dlopen;
      process.dlopen = (...args) => { loaded.push(args[1]); return open.apply(process, args); };
      const names = Object.keys(await import("${entry}"));
      const native = loaded.filter((path) => !path.includes("ssh2")); // has a part of its own for ciphers
      process.once("beforeExit", () => console.log(JSON.stringify({ names, native })));
    `;
    await writeFile(at("import.mjs"), script);
    // With this permission model a child process, a worker or a file that is written is an error.
    const permissions = ["--experimental-permission", "--allow-fs-read=*", "--allow-addons", "--no-warnings"];
    const { status, stdout, stderr } = await node([...permissions, "import.mjs"]);
    expect(status, stderr).toBe(0);
    // beforeExit comes only when nothing keeps the process alive.
    expect(JSON.parse(stdout)).toEqual({ names: expect.arrayContaining([name]), native: [] });
  });

  it("other files of it cannot be imported", async () => {
    await writeFile(at("deep.mjs"), 'await import("jpki-agent/dist/index.js");');
    const { status, stderr } = await node(["deep.mjs"]);
    expect([status, stderr.includes("ERR_PACKAGE_PATH_NOT_EXPORTED")]).toEqual([1, true]);
  });

  it("its program still runs", async () => {
    const { bin } = JSON.parse(await readFile(at("node_modules/jpki-agent/package.json"), "utf8"));
    const { stdout } = await node([at("node_modules/jpki-agent", bin["jpki-agent"]), "--version"]);
    expect(stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  });
});

describe("its types", () => {
  const tsc = (...args: readonly string[]) =>
    run(process.execPath, [join(ROOT, "node_modules/typescript/bin/tsc"), ...args], { cwd: dir.path });
  const OPTIONS = ["--noEmit", "--strict", "--target", "es2023", "--types", "node"];

  it.each([
    ["nodenext", "nodenext"],
    ["esnext", "bundler"],
  ])("fit every example with --module %s --moduleResolution %s", async (module, resolution) => {
    const how = ["--module", module, "--moduleResolution", resolution, "--allowJs", "--checkJs"];
    const { status, stdout } = await tsc(...OPTIONS, ...how, ...EXAMPLES.keys());
    expect([status, stdout]).toEqual([0, ""]);
  });

  it("see what is wrong", async () => {
    await writeFile(at("wrong.mts"), 'import { openJpki } from "jpki-agent";\nawait openJpki({ card: "nfc" });\n');
    const { status, stdout } = await tsc(...OPTIONS, "--module", "nodenext", "wrong.mts");
    expect(status).not.toBe(0);
    expect(stdout).toContain("wrong.mts(2,");
  });
});

describe("the examples", () => {
  const RUN = ["list.mjs", "certificate.mjs", "sign-file.mjs", "login.mjs", "by-running-agent.mjs", "own-prompt.mjs"];

  it("are all run", () => {
    expect([...EXAMPLES.keys()]).toEqual(RUN);
  });

  it("list.mjs", async () => {
    expect(await example("list.mjs")).toMatch(
      /^Virtual card reader: present\ncard [0-9a-f]{8} is ready; tries left: 3; until \d{4}-\d\d-\d\d\n$/,
    );
    expect(await sand.questions()).toEqual([]);
  });

  it("certificate.mjs", async () => {
    expect(await example("certificate.mjs")).toMatch(/GMT\nssh-rsa AAAA\S+ My Number card [0-9a-f]{8}\n/);
  });

  it("sign-file.mjs: openssl takes the signature", async () => {
    await sand.answer("1234");
    await writeFile(at("contract.txt"), "契約書\n");
    await example("sign-file.mjs", ["contract.txt"]);
    await writeFile(at("key.pem"), await publicKey("pkcs8"));
    const check = ["dgst", "-sha256", "-verify", "key.pem", "-signature", "contract.txt.sig", "contract.txt"];
    expect((await runOk("openssl", check, { cwd: dir.path })).stdout).toBe("Verified OK\n");
    expect((await sand.questions()).at(-1)).toContain("the file contract.txt");
  });

  it("login.mjs, and by-running-agent.mjs with the built agent", async () => {
    await sand.answer("1234");
    const sshd = await startSshd(dir.path, await publicKey("openssh"));
    const agent = await startAgentProcess(sand, ["--card", "virtual"]);
    try {
      const [, hostKey = ""] = (await readFile(at("host_key.pub"), "utf8")).split(" ");
      const fingerprint = createHash("sha256").update(hostKey, "base64").digest("hex");
      const to = ["127.0.0.1", String(sshd.port), sshd.user];
      expect(await example("login.mjs", [...to, fingerprint])).toBe(`${sshd.user}\n`);
      expect(await sshd.log()).toContain(`Accepted publickey for ${sshd.user}`);
      const asked = (await sand.questions()).length;
      const { stdout, stderr } = await node(["login.mjs", ...to, "0".repeat(64)]);
      expect([stdout, stderr]).toEqual(["", expect.stringContaining("Host denied")]);
      expect(await sand.questions(), "nobody is asked for a server that is not the one").toHaveLength(asked);
      expect(await example("by-running-agent.mjs", to)).toBe("logged in\n");
    } finally {
      await agent.stop();
      await sshd.close();
    }
  });

  it("own-prompt.mjs", async () => {
    const signature = Buffer.from(await example("own-prompt.mjs", [], "1234\n"), "base64");
    const key = createPublicKey(await publicKey("pkcs8"));
    expect(verify("sha512", Buffer.from("hello"), key, signature)).toBe(true);
  });
});

async function publicKey(format: string): Promise<string> {
  const program = at("node_modules/jpki-agent/dist/jpki-agent.js");
  return (await node([program, "--card", "virtual", "export-key", "--format", format])).stdout;
}
