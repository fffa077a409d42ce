/**
 * The clients people use, each logging in by its own code: the built agent with its built-in card, a real server. All of
 * them share one agent, which asks for the PIN once.
 */

import { createPublicKey, randomBytes, verify } from "node:crypto";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { sshsigData } from "../helpers/ask-signature.ts";
import { type ClientDesk, openClientDesk } from "../helpers/client-desk.ts";
import { type Dropbear, startDropbear } from "../helpers/dropbear.ts";
import { type RunResult, run, runOk } from "../helpers/run.ts";

const CLIENTS = join(import.meta.dirname, "../helpers/clients");
const SSHPK_AGENT = join(import.meta.dirname, "../../node_modules/sshpk-agent/bin/sshpk-agent");

/** What every client runs over there, and what it prints there. */
const COMMAND = "echo in: $((6 * 7))";
const PRINTED = "in: 42\n";

let desk: ClientDesk;
let dropbear: Dropbear;

beforeAll(async () => {
  desk = await openClientDesk("1234", null);
  dropbear = await startDropbear(desk.at("."), desk.publicKey);
  const hostKey = (await readFile(desk.at("host_key.pub"), "utf8")).split(" ").slice(0, 2).join(" ");
  // OpenSSH's name of a host has its port; dbclient's has not.
  const known = [`[127.0.0.1]:${dropbear.port} ${dropbear.hostKey}`, `127.0.0.1 ${hostKey}`];
  await mkdir(desk.at("home/.ssh"), { mode: 0o700 });
  await writeFile(desk.at("home/.ssh/known_hosts"), `${known.join("\n")}\n`);
});

afterAll(async () => {
  await dropbear?.close();
  await desk?.close();
});

const client = (program: string, args: readonly string[], env: Readonly<Record<string, string>> = {}) =>
  runOk(program, args, { env: { ...desk.sand.env, ...env } });
/** Port, user and command, as our small programs take them. */
const where = () => [String(desk.sshd.port), desk.sshd.user, COMMAND];

interface Login {
  readonly name: string;
  /** Nothing but one login, and its output. */
  readonly run: () => Promise<RunResult>;
  readonly prints: string | RegExp;
}

const LOGINS: readonly Login[] = [
  {
    name: "ssh",
    run: () => client("ssh", ["-F", desk.sshd.clientConfig, "127.0.0.1", COMMAND]),
    prints: PRINTED,
  },
  {
    name: "git",
    run: async () => {
      await client("git", ["init", "-q", "--bare", desk.at("repo.git")]);
      const identity = ["-c", "user.name=A", "-c", "user.email=a@example.test"];
      const tree = (await client("git", ["-C", desk.at("repo.git"), "mktree"])).stdout.trim();
      const commit = [...identity, "-C", desk.at("repo.git"), "commit-tree", "-m", "first", tree];
      const id = (await client("git", commit)).stdout.trim();
      await client("git", ["-C", desk.at("repo.git"), "update-ref", "refs/heads/main", id]);
      const ssh = { GIT_SSH_COMMAND: `ssh -F ${desk.sshd.clientConfig}` };
      return client("git", ["ls-remote", `ssh://127.0.0.1${desk.at("repo.git")}`, "main"], ssh);
    },
    prints: /^[0-9a-f]{40}\trefs\/heads\/main\n$/,
  },
  {
    name: "rsync",
    run: async () => {
      await writeFile(desk.at("sent"), "カードで送る\n");
      const shell = ["-e", `ssh -F ${desk.sshd.clientConfig}`];
      await client("rsync", [...shell, desk.at("sent"), `127.0.0.1:${desk.at("by-rsync")}`]);
      return client("cat", [desk.at("by-rsync")]);
    },
    prints: "カードで送る\n",
  },
  {
    name: "ssh2",
    run: () => client(process.execPath, [join(CLIENTS, "ssh2.mjs"), ...where()]),
    prints: PRINTED,
  },
  {
    name: "paramiko",
    run: () => client("/usr/bin/python3", [join(CLIENTS, "paramiko-login.py"), ...where()]),
    prints: PRINTED,
  },
  {
    name: "libssh",
    run: async () => {
      const program = desk.at("libssh-login");
      await client("cc", ["-Wall", "-Werror", "-o", program, join(CLIENTS, "libssh-login.c"), "-lssh"]);
      return client(program, where());
    },
    prints: PRINTED,
  },
  {
    name: "plink",
    run: async () => {
      const listed = await client("ssh-keygen", ["-l", "-f", desk.at("host_key.pub")]);
      const [, fingerprint = ""] = listed.stdout.split(" ");
      const { port, user } = desk.sshd;
      const options = ["-batch", "-agent", "-hostkey", fingerprint, "-P", String(port), "-l", user];
      return client("plink", [...options, "127.0.0.1", COMMAND]);
    },
    prints: PRINTED,
  },
  {
    name: "dbclient",
    run: () => client("dbclient", ["-p", String(desk.sshd.port), "-l", desk.sshd.user, "127.0.0.1", COMMAND]),
    prints: PRINTED,
  },
  {
    name: "ssh to a dropbear server",
    run: () => {
      const port = ["-o", `Port=${dropbear.port}`, "-o", `UserKnownHostsFile=${desk.at("home/.ssh/known_hosts")}`];
      return client("ssh", [...port, "-F", desk.sshd.clientConfig, "127.0.0.1", COMMAND]);
    },
    prints: PRINTED,
  },
  {
    name: "ansible",
    run: () => {
      const ssh = `-F ${desk.sshd.clientConfig} -o ControlMaster=no`;
      return client("ansible", ["all", "-i", "127.0.0.1,", "-m", "raw", "-a", COMMAND], { ANSIBLE_SSH_ARGS: ssh });
    },
    prints: /^127\.0\.0\.1 \| CHANGED \| rc=0 >>\nin: 42\r?$/m,
  },
];

describe("a login", () => {
  it.each(LOGINS)("by $name", async ({ run, prints }) => {
    const before = (await desk.record()).length;
    const { stdout } = await run();
    if (typeof prints === "string") expect(stdout).toBe(prints);
    else expect(stdout).toMatch(prints);
    const made = (await desk.record()).slice(before);
    expect(made).toMatchObject([{ result: "signed", data: "userauth", user: desk.sshd.user, forwarded: false }]);
    expect(await desk.sand.questions()).toHaveLength(1);
  });
});

describe("sshpk-agent", () => {
  /** The package's own program. @returns its status and, for `sign`, the bare signature that it wrote. */
  const sshpkAgent = (...args: readonly string[]) =>
    run(process.execPath, [SSHPK_AGENT, ...args], { env: desk.sand.env });
  const sign = async (data: Uint8Array) => {
    await writeFile(desk.at("data"), data);
    const toFile = ["-c", '"$@" > "$0"', desk.at("signature"), process.execPath, SSHPK_AGENT, "sign", desk.at("data")];
    const { status } = await run("sh", toFile, { env: desk.sand.env });
    return { status, signature: await readFile(desk.at("signature")) };
  };

  it("lists the card's key", async () => {
    const { status, stdout } = await sshpkAgent("list");
    expect(status).toBe(0);
    const [fingerprint] = stdout.split("\t");
    const openSsh = await client("ssh-keygen", ["-l", "-f", desk.at("authorized_keys")]);
    expect(openSsh.stdout.split(" ")[1]).toBe(fingerprint);
  });

  it("signs what ssh-keygen would have signed, and nothing else", async () => {
    const before = (await desk.record()).length;
    const data = sshsigData("message");
    const { status, signature } = await sign(data);
    expect(status).toBe(0);
    expect(verify("sha256", data, await cardKey(), signature)).toBe(true);
    const challenge = await sign(randomBytes(32));
    expect(challenge.status).toBe(1);
    expect(challenge.signature).toHaveLength(0);
    expect((await desk.record()).slice(before)).toMatchObject([
      { result: "signed", data: "sshsig" },
      { result: "refused", reason: "bare-hash" },
    ]);
    expect(await desk.sand.questions()).toHaveLength(1);
  });

  const cardKey = async () =>
    createPublicKey((await client("ssh-keygen", ["-e", "-m", "PKCS8", "-f", desk.at("authorized_keys")])).stdout);
});
