/**
 * The main job, for each kind of card: the built agent, a real pcscd, a real sshd, and the programs people use.
 */

import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { VirtualCard } from "../../lib/virtual-card/card.ts";
import type { ProfileName } from "../../lib/virtual-card/profiles.ts";
import { type AgentProcess, JPKI_AGENT, type Sandbox, sandbox, startAgentProcess } from "../helpers/agent-process.ts";
import { Pcscd } from "../helpers/pcscd.ts";
import { testPki } from "../helpers/pki.ts";
import { run, runOk } from "../helpers/run.ts";
import { type Sshd, startSshd } from "../helpers/sshd.ts";
import { type TempDir, tempDir } from "../helpers/temp-dir.ts";
import { VpcdSlot } from "../vpcd/bridge.ts";

const PROFILES: readonly ProfileName[] = ["card", "old", "phone", "t0"];

let pcscd: Pcscd;

beforeAll(async () => {
  pcscd = await Pcscd.start();
});

afterAll(() => pcscd.stop());

describe.each(PROFILES)("a login with the profile %s", (profile) => {
  let dir: TempDir;
  let slot: VpcdSlot;
  let card: VirtualCard;
  let sand: Sandbox;
  let sshd: Sshd;
  let agent: AgentProcess;
  let publicKey: string;

  beforeAll(async () => {
    dir = await tempDir();
    card = new VirtualCard({ pki: await testPki(), profile });
    slot = new VpcdSlot(pcscd.port);
    await slot.insert(card);
    sand = await sandbox(dir.path);
    await sand.answer("1234");
    publicKey = (await runOk(process.execPath, [JPKI_AGENT, "export-key"], { env: sand.env })).stdout;
    sshd = await startSshd(dir.path, publicKey);
  });

  afterAll(async () => {
    await sshd?.close();
    await slot?.remove();
    await dir?.remove();
  });

  beforeEach(async () => {
    await sand.answer("1234");
    agent = await startAgentProcess(sand);
  });

  afterEach(async () => {
    expect(await agent.stop()).toBe(0);
    expect(card.powered && card.isVerified("auth"), "the card is left without its PIN's rights").toBe(false);
  });

  const client = (program: string, args: readonly string[], cwd?: string) =>
    runOk(program, args, {
      cwd,
      env: {
        ...sand.env,
        GIT_SSH_COMMAND: `ssh -F ${sshd.clientConfig}`,
        GIT_CONFIG_GLOBAL: "/dev/null",
        GIT_AUTHOR_NAME: "A",
        GIT_AUTHOR_EMAIL: "a@example.test",
        GIT_COMMITTER_NAME: "A",
        GIT_COMMITTER_EMAIL: "a@example.test",
      },
    });
  const ssh = (command: string) => client("ssh", ["-F", sshd.clientConfig, "127.0.0.1", command]);

  it("ssh", async () => {
    expect((await ssh("echo in: $((6 * 7))")).stdout).toBe("in: 42\n");
    expect(await sshd.log()).toContain(`Accepted publickey for ${sshd.user}`);
    expect(await sand.questions()).not.toEqual([]);
  });

  it("ssh with rsa-sha2-256", async () => {
    const args = ["-F", sshd.clientConfig, "-o", "PubkeyAcceptedAlgorithms=rsa-sha2-256", "127.0.0.1", "echo 256"];
    expect((await client("ssh", args)).stdout).toBe("256\n");
  });

  it("scp and sftp, there and back", async () => {
    const at = (name: string) => join(dir.path, name);
    await writeFile(at("sent"), "カードで送る\n");
    await client("scp", ["-F", sshd.clientConfig, at("sent"), `127.0.0.1:${at("by-scp")}`]);
    expect(await readFile(at("by-scp"), "utf8")).toBe("カードで送る\n");
    await writeFile(at("batch"), `get ${at("by-scp")} ${at("by-sftp")}\n`);
    await client("sftp", ["-F", sshd.clientConfig, "-b", at("batch"), "127.0.0.1"]);
    expect(await readFile(at("by-sftp"), "utf8")).toBe("カードで送る\n");
  });

  it("git clone and git push", async () => {
    const at = (name: string) => join(dir.path, name);
    await client("git", ["init", "-q", "--bare", "-b", "main", at("repo.git")]);
    await client("git", ["clone", "-q", `ssh://127.0.0.1${at("repo.git")}`, at("clone")]);
    await client("git", ["commit", "-q", "--allow-empty", "-m", "first"], at("clone"));
    await client("git", ["push", "-q", "origin", "HEAD:main"], at("clone"));
    expect((await client("git", ["log", "--format=%s", "main"], at("repo.git"))).stdout).toBe("first\n");
  });

  it("ssh-keygen -Y sign and -Y verify", async () => {
    const at = (name: string) => join(dir.path, name);
    await writeFile(at("id.pub"), publicKey);
    await writeFile(at("message"), "署名するもの\n");
    await writeFile(at("allowed"), `me@example.test ${publicKey}`);
    await client("ssh-keygen", ["-Y", "sign", "-f", at("id.pub"), "-n", "file", at("message")]);
    const verify = [
      "-Y",
      "verify",
      "-f",
      at("allowed"),
      "-I",
      "me@example.test",
      "-n",
      "file",
      "-s",
      at("message.sig"),
    ];
    const good = await run("ssh-keygen", verify, { input: "署名するもの\n" });
    expect(good.stdout).toContain("Good");
    const bad = await run("ssh-keygen", verify, { input: "別のもの\n" });
    expect(bad.status).not.toBe(0);
  });

  it("two logins at once, with one question", async () => {
    const before = (await sand.questions()).length;
    const [one, two] = await Promise.all([ssh("echo one"), ssh("echo two")]);
    expect([one.stdout, two.stdout]).toEqual(["one\n", "two\n"]);
    expect((await sand.questions()).length - before).toBe(1);
  });
});
