/** OpenSSH's ssh-agent behind ours, with the virtual card in front: what `ssh-add` and `ssh` make of the two. */

import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { run as runCommandLine } from "../../cli/program.ts";
import { ByteReader } from "../../lib/bytes.ts";
import { encodeSshsig } from "../../lib/ssh/sshsig.ts";
import { connectAgent } from "../helpers/agent-client.ts";
import { type Sandbox, sandbox } from "../helpers/agent-process.ts";
import { type FakeDeps, fakeDeps } from "../helpers/cli.ts";
import { run, runOk } from "../helpers/run.ts";
import { SshAgent } from "../helpers/ssh-agent.ts";
import { type Sshd, startSshd } from "../helpers/sshd.ts";
import { type TempDir, tempDir } from "../helpers/temp-dir.ts";
import { until } from "../helpers/until.ts";

let dir: TempDir;
let sand: Sandbox;
let upstream: SshAgent;
let agent: { readonly deps: FakeDeps; readonly ended: Promise<number> };
const at = (name: string) => join(dir.path, name);

/** One virtual card and one file key for all: making a PKI takes most of a second. */
beforeAll(async () => {
  dir = await tempDir();
  sand = await sandbox(dir.path);
  await runOk("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", "theirs", "-f", at("id")]);
  await writeFile(at("yes"), "#!/bin/sh\nexit 0\n", { mode: 0o700 });
  await writeFile(at("no"), "#!/bin/sh\nexit 1\n", { mode: 0o700 });
});
afterAll(() => dir.remove());

beforeEach(async () => {
  await sand.answer("1234");
  upstream = new SshAgent(at("upstream.sock"), {
    PATH: sand.env["PATH"] ?? "",
    SSH_ASKPASS: at("answer"),
    DISPLAY: ":0",
  });
  const deps = fakeDeps({ env: sand.env, home: at("home") });
  const args = ["--card", "virtual", "agent", "-a", sand.socketPath, "--upstream", upstream.path];
  agent = { deps, ended: runCommandLine(args, deps) };
  await Promise.race([deps.said, agent.ended]);
  expect(deps.out(), deps.err()).toContain(sand.socketPath);
});
afterEach(async () => {
  agent.deps.stop();
  expect(await agent.ended).toBe(0);
  await upstream.kill();
});

const client = (program: string, args: readonly string[], input?: string) =>
  run(program, args, { env: sand.env, input });
const sshAdd = (...args: readonly string[]) => client("ssh-add", args);
const directly = (...args: readonly string[]) =>
  run("ssh-add", args, { env: { ...sand.env, SSH_AUTH_SOCK: upstream.path } });
/** Comments of the keys that `ssh-add -l` lists. */
const listed = async () => (await sshAdd("-l")).stdout.match(/(?<=SHA256:\S+ ).*(?= \()/g) ?? [];
const CARD = expect.stringMatching(/^My Number card /);

/** Signs a file by the key that is `comment` in the agent. */
async function signs(key: "card" | "theirs"): Promise<boolean> {
  const lines = (await sshAdd("-L")).stdout.split("\n");
  const line = lines.find((one) => one.includes(key === "card" ? "My Number card" : "theirs")) ?? "";
  await writeFile(at("signer.pub"), `${line}\n`);
  const { status } = await client("ssh-keygen", ["-Y", "sign", "-f", at("signer.pub"), "-n", "file"], "message");
  return status === 0;
}

describe("ssh-add", () => {
  it("lists the card's key, then the other agent's; what is added is kept there", async () => {
    await upstream.start();
    expect(await listed()).toEqual([CARD]);
    expect((await sshAdd(at("id"))).status).toBe(0);
    expect(await listed()).toEqual([CARD, "theirs"]);
    expect((await directly("-l")).stdout).toContain("theirs");
    expect([await signs("card"), await signs("theirs")]).toEqual([true, true]);
  });

  it("fails to add a key that nobody keeps", async () => {
    expect((await sshAdd(at("id"))).status).toBe(1);
    expect((await sshAdd("-t", "60", at("id"))).status).toBe(1);
    expect((await sshAdd("-d", at("id"))).status).toBe(1);
    expect(await listed()).toEqual([CARD]);
  });

  it("-d and -D remove there", async () => {
    await upstream.start();
    await sshAdd(at("id"));
    expect((await sshAdd("-d", at("id"))).status).toBe(0);
    expect(await listed()).toEqual([CARD]);
    await sshAdd(at("id"));
    expect((await sshAdd("-D")).status).toBe(0);
    expect(await listed()).toEqual([CARD]);
    expect((await directly("-l")).stdout).toContain("no identities");
  });

  it("-x locks both, -X opens both", async () => {
    await upstream.start();
    await sshAdd(at("id"));
    await writeFile(at("answer"), "#!/bin/sh\necho secret\n", { mode: 0o700 });
    const passwordEnv = { ...sand.env, SSH_ASKPASS: at("answer") };
    expect((await run("ssh-add", ["-x"], { env: passwordEnv })).status).toBe(0);
    expect(await listed()).toEqual([]);
    expect((await directly("-l")).stdout).toContain("no identities");
    expect((await run("ssh-add", ["-X"], { env: passwordEnv })).status).toBe(0);
    expect(await listed()).toEqual([CARD, "theirs"]);
    expect((await directly("-l")).stdout).toContain("theirs");
  });

  it("-x locks an other agent that comes later, through us", async () => {
    await writeFile(at("answer"), "#!/bin/sh\necho secret\n", { mode: 0o700 });
    const passwordEnv = { ...sand.env, SSH_ASKPASS: at("answer") };
    expect((await run("ssh-add", ["-x"], { env: passwordEnv })).status).toBe(0);
    await upstream.start();
    await directly(at("id"));
    expect(await listed()).toEqual([]);
    expect((await sshAdd(at("id"))).status).toBe(1);
    expect((await run("ssh-add", ["-X"], { env: passwordEnv })).status).toBe(0);
    expect(await listed()).toEqual([CARD, "theirs"]);
  });

  it("-t: the key goes when its time is over", async () => {
    await upstream.start();
    await sshAdd("-t", "1", at("id"));
    expect(await listed()).toEqual([CARD, "theirs"]);
    await until("its time is over", async () => (await listed()).length === 1);
  });

  it.each([
    ["yes", true],
    ["no", false],
  ])("-c: the other agent asks its own way; %s", async (answer, signed) => {
    await writeFile(at("answer"), await readFile(at(answer)), { mode: 0o700 });
    await upstream.start();
    await sshAdd("-c", at("id"));
    expect(await signs("theirs")).toBe(signed);
    expect(await signs("card")).toBe(true);
  });
});

it("the card's key signs and is listed, however often the other agent is killed", async () => {
  const it = await connectAgent(sand.socketPath);
  let over = false;
  let turns = 0;
  let both = 0;
  const churn = (async () => {
    for (; !over; turns++) {
      await upstream.start();
      await directly(at("id"));
      const before = both;
      await until("the other agent's key is listed", () => over || both > before);
      await upstream.kill();
    }
  })();
  let signed = 0;
  for (let i = 0; i < 100 || turns < 3; i++) {
    const list = await it.ask({ kind: "list" });
    if (list?.kind !== "identities") throw new Error(`listed: ${list?.kind}`);
    const [card, other] = list.identities.map(({ keyBlob }) => keyBlob);
    if (card === undefined || new ByteReader(card, "key").text("type", 20) !== "ssh-rsa") throw new Error("no card");
    const data = encodeSshsig({ namespace: "file", hashAlgorithm: "sha256", digest: new Uint8Array(32).fill(i) });
    if (other !== undefined) both++;
    if (other !== undefined) await it.ask({ kind: "sign", keyBlob: other, data, flags: 0 });
    if ((await it.ask({ kind: "sign", keyBlob: card, data, flags: 4 }))?.kind === "signature") signed++;
    else throw new Error(`signature ${i} failed: ${agent.deps.err()}`);
  }
  over = true;
  await churn;
  it.close();
  expect(signed).toBeGreaterThanOrEqual(100);
  expect(both).toBeGreaterThanOrEqual(3);
});

describe("logins", () => {
  let first: Sshd;
  let second: Sshd;

  beforeAll(async () => {
    const card = fakeDeps({ env: sand.env, home: at("home") });
    expect(await runCommandLine(["--card", "virtual", "export-key"], card), card.err()).toBe(0);
    const authorized = `${await readFile(at("id.pub"), "utf8")}${card.out()}`;
    for (const name of ["first", "second", "home/.ssh"]) await mkdir(at(name), { recursive: true });
    first = await startSshd(at("first"), authorized);
    second = await startSshd(at("second"), authorized);
    await writeFile(at("home/.ssh/known_hosts"), await readFile(at("first/known_hosts")));
  });
  afterAll(async () => {
    await first?.close();
    await second?.close();
  });

  const login = (sshd: Sshd, ...args: readonly string[]) =>
    client("ssh", ["-F", sshd.clientConfig, ...args, "127.0.0.1", "echo in"]);
  const hop = (...args: readonly string[]) =>
    client("ssh", [
      "-F",
      first.clientConfig,
      "-A",
      ...args,
      "127.0.0.1",
      `ssh -F ${second.clientConfig} 127.0.0.1 echo in`,
    ]);
  const host = ({ port }: Sshd) => `[127.0.0.1]:${port}`;
  const restricted = (...routes: readonly string[]) =>
    sshAdd(
      ...["first", "second"].flatMap((name) => ["-H", at(`${name}/known_hosts`)]),
      ...routes.flatMap((route) => ["-h", route]),
      at("id"),
    );
  /** Only the other agent's key. */
  const THEIRS = ["-o", "PubkeyAcceptedAlgorithms=ssh-ed25519"];

  it("a key that is for one host logs in there, and nowhere else", async () => {
    await upstream.start();
    expect((await restricted(host(first))).status).toBe(0);
    expect((await login(first, ...THEIRS)).stdout).toBe("in\n");
    expect((await login(second, ...THEIRS)).status).toBe(255);
    expect((await hop(...THEIRS)).status).toBe(255);
  });

  it("a key that is for a host behind another logs in there by way of it, not straight", async () => {
    await upstream.start();
    await restricted(host(first), `${host(first)}>${host(second)}`);
    expect((await hop(...THEIRS)).stdout).toBe("in\n");
    expect((await login(second, ...THEIRS)).status).toBe(255);
  });

  it("are in the record with the program, the user and the host", async () => {
    expect((await login(first)).stdout).toBe("in\n");
    const log = fakeDeps({ env: sand.env, home: at("home") });
    expect(await runCommandLine(["--json", "log", "-n", "1"], log), log.err()).toBe(0);
    expect(JSON.parse(log.out())).toEqual([
      expect.objectContaining({
        result: "signed",
        data: "userauth",
        user: first.user,
        hosts: [host(first)],
        forwarded: false,
        program: expect.stringMatching(/^ssh < /),
      }),
    ]);
  });
});
