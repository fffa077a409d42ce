/** Real OpenSSH over two and three hops, with the built agent and its built-in card: forwarded, and jumped. */

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { type AgentProcess, JPKI_AGENT, type Sandbox, sandbox, startAgentProcess } from "../helpers/agent-process.ts";
import { type RunResult, run, runOk } from "../helpers/run.ts";
import { type SshHosts, startSshHosts } from "../helpers/ssh-hosts.ts";
import { type TempDir, tempDir } from "../helpers/temp-dir.ts";

const PIN = "1234";

let dir: TempDir;
let sand: Sandbox;
let hosts: SshHosts;
let agent: AgentProcess | undefined;
const at = (name: string) => join(dir.path, name);

beforeAll(async () => {
  dir = await tempDir();
  sand = await sandbox(dir.path);
  await mkdir(at("config/jpki-agent"), { recursive: true });
  await writeFile(at("config/jpki-agent/config.toml"), 'card = "virtual"\n');
  await mkdir(at("home/.ssh"));
  const card = (await runOk(process.execPath, [JPKI_AGENT, "export-key"], { env: sand.env })).stdout;
  await runOk("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", "file key", "-f", at("file_key")]);
  hosts = await startSshHosts(dir.path, {
    names: ["bastion", "build", "web"],
    authorizedKeys: card + (await readFile(at("file_key.pub"), "utf8")),
    knownHosts: at("home/.ssh/known_hosts"),
  });
});

afterAll(async () => {
  await hosts?.close();
  await dir?.remove();
});

afterEach(async () => {
  expect(await agent?.stop()).toBe(0);
});

/** Starts the agent; the person gives these answers in turn, the PIN first. */
async function serve(args: readonly string[], ...answers: readonly (string | null)[]): Promise<void> {
  await sand.answer(...answers);
  asked = (await sand.questions()).length;
  agent = await startAgentProcess(sand, args);
}
let asked = 0;
/** The questions of this test. */
const questions = async () => (await sand.questions()).slice(asked);
const ssh = (...args: readonly string[]): Promise<RunResult> =>
  run("ssh", ["-F", hosts.config, ...args], { env: sand.env });
/** A command line for a shell over there. */
const there = (...args: readonly string[]) => ["ssh", "-F", hosts.config, ...args].join(" ");
const refusals = () =>
  agent
    ?.log()
    .split("\n")
    .filter((line) => line.includes('"reason":"forwarded"')).length ?? 0;

describe("two hops with -A", () => {
  const twoHops = () => ssh("-A", "bastion", there("build", "echo in"));

  it("are refused when the person says no, who saw every hop by name", async () => {
    await serve([], PIN, null);
    expect(await twoHops(), await hosts.log()).toMatchObject({ status: 255, stdout: "" });
    expect(refusals()).toBe(1);
    const [pin, forwarded, ...more] = await questions();
    expect(pin).toContain("@bastion");
    expect(forwarded).toMatch(/bastion -> build/);
    expect(forwarded).toMatch(/@build/);
    expect(more).toEqual([]);
  });

  it("are let through when the person says yes", async () => {
    await serve([], PIN, "yes");
    expect(await twoHops(), await hosts.log()).toMatchObject({ status: 0, stdout: "in\n" });
    expect(await questions()).toHaveLength(2);
  });

  it("are let through without a question where the destination is allowed by name", async () => {
    await serve(["--allow-forwarded", "web", "bui??"], PIN, null);
    expect(await twoHops(), await hosts.log()).toMatchObject({ status: 0, stdout: "in\n" });
    expect(await questions()).toHaveLength(1);
  });

  it("are refused at once where nobody can be asked", async () => {
    await serve(["--pin-prompt", "none"], null);
    const withFile = ["-o", `IdentityFile=${at("file_key")}`];
    expect((await ssh(...withFile, "-A", "bastion", there("build", "true"))).status).toBe(255);
    expect(refusals()).toBe(1);
  });

  it("--confirm asks once more for the login on this machine, and no more than once over there", async () => {
    await serve(["--confirm"], "yes", PIN, "yes");
    expect(await twoHops(), await hosts.log()).toMatchObject({ status: 0, stdout: "in\n" });
    expect(await questions()).toHaveLength(3);
  });
});

describe("three hops with -A", () => {
  const threeHops = () => ssh("-A", "bastion", there("-A", "build", there("web", "echo deep")));

  it("are asked about one by one", async () => {
    await serve([], PIN, "yes", "yes");
    expect(await threeHops(), await hosts.log()).toMatchObject({ status: 0, stdout: "deep\n" });
    const [, second, third] = await questions();
    expect(second).toMatch(/bastion -> build/);
    expect(third).toMatch(/bastion -> build -> web/);
  });

  it("end where a destination is not allowed", async () => {
    await serve(["--allow-forwarded", "build"], PIN, null);
    expect((await threeHops()).status).toBe(255);
    expect(refusals()).toBe(1);
    expect((await questions())[1]).toMatch(/bastion -> build -> web/);
  });

  it("need no question where any destination is allowed", async () => {
    await serve(["--allow-forwarded", "*"], PIN, null);
    expect(await threeHops(), await hosts.log()).toMatchObject({ status: 0, stdout: "deep\n" });
    expect(await questions()).toHaveLength(1);
  });
});

describe("-J", () => {
  it.each([
    { what: "two hops", args: ["-J", "bastion", "build"] },
    { what: "three hops", args: ["-J", "bastion,build", "web"] },
  ])("over $what forwards nothing: the PIN is asked for, and nothing else", async ({ args }) => {
    await serve(["--require-binding"], PIN, null);
    const jumped = await ssh(...args, "echo", "jumped");
    expect(jumped, await hosts.log()).toMatchObject({ status: 0, stdout: "jumped\n" });
    expect(await questions()).toHaveLength(1);
    expect(refusals()).toBe(0);
  });
});

describe("ssh-add -h for the card's key", () => {
  it("is honoured: the key goes where it may, by the way it may, and is not even shown elsewhere", async () => {
    await serve(["--allow-forwarded", "*"], PIN, null);
    const add = ["-q", "-H", hosts.knownHosts, "-h", "bastion", "-h", "bastion>build", "-s", "jpki"];
    await runOk("ssh-add", add, { env: sand.env });
    const go = (...next: readonly string[]) => ssh("-A", "bastion", there("-A", ...next));
    expect((await go("build", "true")).status, await hosts.log()).toBe(0);
    expect((await go("web", "true")).status).toBe(255);
    expect((await ssh("build", "true")).status).toBe(255);
    const listed = async (...args: readonly string[]) => (await ssh(...args)).stdout.trim().split("\n").at(-1);
    expect(await listed("-A", "bastion", "ssh-add -l")).toMatch(/^2048 .* \(RSA\)$/);
    expect(await listed("-A", "bastion", there("-A", "build", "ssh-add -l"))).toBe("The agent has no identities.");
    expect(await questions()).toHaveLength(1);
  });
});

describe("ssh-add -h through the agent to an upstream one", () => {
  let upstream: ChildProcess;

  beforeAll(async () => {
    upstream = spawn("ssh-agent", ["-D", "-a", at("upstream.sock")], { stdio: ["ignore", "pipe", "ignore"] });
    if (upstream.stdout === null) throw new Error("ssh-agent has no output");
    await once(upstream.stdout, "data");
  });
  afterAll(async () => {
    const ended = once(upstream, "exit");
    upstream.kill();
    await ended;
  });

  it("is honoured: the key goes where it may, by the way it may, and nowhere else", async () => {
    await serve(["--upstream", at("upstream.sock")], null);
    const add = ["-q", "-H", hosts.knownHosts, "-h", "bastion", "-h", "bastion>build", at("file_key")];
    await runOk("ssh-add", add, { env: sand.env });
    const only = ["-o", "IdentitiesOnly=yes", "-o", `IdentityFile=${at("file_key.pub")}`];
    const go = (first: string, ...next: readonly string[]) =>
      ssh(...only, "-A", first, there(...only, ...next, "true"));
    expect((await go("bastion", "build")).status, await hosts.log()).toBe(0);
    expect((await go("bastion", "web")).status).toBe(255);
    expect((await ssh(...only, "build", "true")).status).toBe(255);
    expect(await questions()).toEqual([]);
  });
});
