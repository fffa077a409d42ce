/** `env` on a home folder of its own, with the git of this machine. */

import { execFileSync } from "node:child_process";
import { chmod, copyFile, mkdir, readdir, readFile, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { run } from "../../cli/program.ts";
import { fakeDeps } from "../helpers/cli.ts";
import { type TempDir, tempDir } from "../helpers/temp-dir.ts";

let card: TempDir;
let publicKey: string;
let dir: TempDir;
let state: TempDir;

/** One virtual card for all of them, and its key known. */
beforeAll(async () => {
  card = await tempDir();
  const { status, out } = await cli(["--card", "virtual", "export-key"], card.path, { XDG_STATE_HOME: card.path });
  expect(status).toBe(0);
  publicKey = out;
});
afterAll(() => card.remove());
beforeEach(async () => {
  dir = await tempDir();
  state = await tempDir();
  await mkdir(join(state.path, "jpki-agent"));
  await copyFile(join(card.path, "jpki-agent/keys.json"), join(state.path, "jpki-agent/keys.json"));
});
afterEach(() => Promise.all([dir.remove(), state.remove()]));

async function cli(argv: readonly string[], home = dir.path, env: Record<string, string> = {}) {
  const XDG_STATE_HOME = env["XDG_STATE_HOME"] ?? state.path;
  const own = fakeDeps({
    env: { PATH: process.env["PATH"] ?? "", XDG_RUNTIME_DIR: "/r/u", ...env, XDG_STATE_HOME },
    home,
  });
  return { status: await run(argv, own), out: own.out(), err: own.err() };
}

async function write(...argv: readonly string[]): Promise<Record<string, string>[]> {
  const { status, out, err } = await cli(["--json", "env", "--write", ...argv]);
  expect(status, err).toBe(0);
  return JSON.parse(out);
}

/** Every file under the home folder, with its bytes. */
async function home(): Promise<Record<string, string>> {
  const files = (await readdir(dir.path, { recursive: true, withFileTypes: true })).filter(
    (entry) => !entry.isDirectory(),
  );
  const paths = files.map((file) => join(file.parentPath, file.name)).sort();
  return Object.fromEntries(
    await Promise.all(paths.map(async (path) => [path.slice(dir.path.length + 1), await readFile(path, "latin1")])),
  );
}

async function have(files: Readonly<Record<string, string>>): Promise<void> {
  for (const [name, text] of Object.entries(files)) {
    await mkdir(join(dir.path, name, ".."), { recursive: true });
    await writeFile(join(dir.path, name), text);
  }
}

function gitValue(name: string): string {
  const env = { PATH: process.env["PATH"], HOME: dir.path };
  return execFileSync("git", ["config", "--global", name], { env, encoding: "utf8" }).trim();
}

const FILES = {
  ".bashrc": "alias x=y",
  ".ssh/config": "Host old\n  User me\n",
  ".ssh/id_ed25519": "a key\n",
  ".ssh/allowed_signers": "other@example.com ssh-ed25519 AAAA",
  ".gitconfig": "[user]\n    name=x\n\temail=me@example.com\n\n\n[core]\n\teditor = vi\n\n\n",
};

describe("env", () => {
  it("prints lines that a shell can evaluate, and writes nothing", async () => {
    await have(FILES);
    const { status, out } = await cli(["env", "--shell", "bash"]);
    expect(status).toBe(0);
    const said = execFileSync("bash", ["--norc", "-c", `${out}\necho "$SSH_AUTH_SOCK"`], { env: {}, encoding: "utf8" });
    expect(said).toBe("/r/u/jpki-agent/agent.sock\n");
    for (const word of ["IdentityAgent", "IdentityFile", "IdentitiesOnly", "gpg.format", "user.signingKey"])
      expect(out).toContain(word);
    expect(await home()).toEqual(FILES);
  });

  it("takes the shell from SHELL", async () => {
    for (const [shell, file] of [
      ["/bin/zsh", "/.zshrc"],
      ["/usr/bin/fish", "/fish/conf.d/jpki-agent.fish"],
      ["/bin/ksh", "/.bashrc"],
    ])
      expect(JSON.parse((await cli(["--json", "env"], dir.path, { SHELL: shell ?? "" })).out).shell.path).toMatch(
        new RegExp(`${file}$`),
      );
  });

  it("without a known key has lines for the shell, and does not write", async () => {
    const other = { XDG_STATE_HOME: join(dir.path, "state") };
    const { status, out, err } = await cli(["env"], dir.path, other);
    expect([status, out.includes("SSH_AUTH_SOCK"), out.includes("IdentityFile")]).toEqual([0, true, false]);
    expect(err).not.toBe("");
    const written = await cli(["--json", "env", "--write"], dir.path, other);
    expect(written.status).toBe(1);
    expect(JSON.parse(written.err)).toMatchObject({ code: "KEY_UNKNOWN" });
    expect(await home()).toEqual({});
  });
});

describe("env --write", () => {
  it("sets up shell, ssh and git, and twice is once", async () => {
    await have(FILES);
    const changes = await write("--shell", "bash");
    expect(changes.map(({ result }) => result)).toEqual(Array(5).fill("written"));
    const once = await home();
    expect((await write("--shell", "bash")).map(({ result }) => result)).toEqual(Array(5).fill("unchanged"));
    expect(await home()).toEqual(once);
    const keyFile = Object.keys(once).find((name) => name.endsWith(".pub")) ?? "";
    expect(once[keyFile]).toBe(publicKey);
    expect(gitValue("gpg.format")).toBe("ssh");
    expect(gitValue("user.signingKey")).toBe(join(dir.path, keyFile));
    expect(gitValue("gpg.ssh.allowedSignersFile")).toBe(join(dir.path, ".ssh/allowed_signers"));
    expect(once[".ssh/allowed_signers"]).toContain('\nme@example.com namespaces="git" ssh-rsa ');
    expect(once[".ssh/config"]).toContain(`    IdentityFile ~/${keyFile}\n    IdentityFile ~/.ssh/id_ed25519\n`);
  });

  it("--host names the hosts that see the card alone", async () => {
    await have(FILES);
    await write("--host", "*.example.com", "nas");
    const config = (await home())[".ssh/config"] ?? "";
    expect(config).toContain("\nHost *.example.com nas\n");
    expect(config).toContain("\n    IdentitiesOnly yes\n");
    expect(config).not.toContain("id_ed25519");
  });

  it("leaves git alone where it has another key, and says so", async () => {
    const own = { ".gitconfig": "[user]\n\tsigningkey = ABCDEF\n" };
    await have(own);
    expect((await write()).at(-1)).toEqual({ path: join(dir.path, ".gitconfig"), result: "kept" });
    const files = await home();
    expect(files).toMatchObject(own);
    expect(files).not.toHaveProperty(".ssh/allowed_signers");
  });

  it.each([".bashrc", ".ssh/config", ".gitconfig"])("changes nothing at all where %s is read-only", async (name) => {
    await have(FILES);
    await chmod(join(dir.path, name), 0o444);
    const { status, err } = await cli(["--json", "env", "--write", "--shell", "bash"]);
    expect(status).toBe(1);
    expect(JSON.parse(err)).toMatchObject({ code: "IO_FAILED", details: { path: join(dir.path, name) } });
    expect(await home()).toEqual(FILES);
  });

  it("does not replace another file where the public key belongs", async () => {
    await write();
    const name = Object.keys(await home()).find((file) => file.endsWith(".pub")) ?? "";
    await cli(["env", "--remove"]);
    await have({ [name]: "mine\n" });
    const { status, err } = await cli(["--json", "env", "--write"]);
    expect([status, JSON.parse(err).code]).toEqual([1, "IO_FAILED"]);
    expect(await home()).toEqual({ [name]: "mine\n" });
  });
});

describe("env --remove", () => {
  it.each([
    ["nothing", {}],
    ["files of all kinds", FILES],
    ["files that do not end", { ".bashrc": "a", ".ssh/config": "Host *", ".gitconfig": "[user]\n\tname = x" }],
    ["empty files", { ".bashrc": "", ".ssh/config": "", ".gitconfig": "" }],
  ])("where there was %s: byte for byte as before, for all shells", async (_what, files) => {
    await have(files);
    for (const shell of ["bash", "zsh", "fish"]) await write("--shell", shell);
    expect(await home()).not.toEqual(files);
    const { status, out } = await cli(["--json", "env", "--remove"]);
    expect(status).toBe(0);
    expect(JSON.parse(out).every(({ result }: { result: string }) => result === "removed")).toBe(true);
    expect(await home()).toEqual(files);
    expect(JSON.parse((await cli(["--json", "env", "--remove"])).out)).toEqual([]);
  });

  it("through links, which stay", async () => {
    await have({ "dotfiles/bashrc": "a", "dotfiles/gitconfig": "[core]\n\ta = b" });
    await symlink("dotfiles/bashrc", join(dir.path, ".bashrc"));
    await symlink("dotfiles/gitconfig", join(dir.path, ".gitconfig"));
    const before = await home();
    await write("--shell", "bash");
    expect((await home())["dotfiles/bashrc"]).toContain("SSH_AUTH_SOCK");
    await cli(["env", "--remove"]);
    expect(await home()).toEqual(before);
  });

  it("leaves what was added since", async () => {
    await have(FILES);
    await write("--shell", "bash");
    execFileSync("git", ["config", "--global", "user.name", "y"], {
      env: { PATH: process.env["PATH"], HOME: dir.path },
    });
    execFileSync("git", ["config", "--global", "user.signingKey", "z"], {
      env: { PATH: process.env["PATH"], HOME: dir.path },
    });
    await cli(["env", "--remove"]);
    expect(gitValue("user.name")).toBe("y");
    expect(gitValue("user.signingKey")).toBe("z");
    expect(() => gitValue("gpg.format")).toThrow();
  });
});

it.each([
  [["env", "--shell", "tcsh"], "bad-option-value"],
  [["env", "--write", "--remove"], "conflicting-options"],
  [["env", "--remove", "--shell", "zsh"], "conflicting-options"],
  [["env", "--write", "--host", 'a"b'], "unfit-for-ssh-config"],
])("%j: status 2", async (argv, problem) => {
  const { status, err } = await cli(["--json", ...argv]);
  expect(status).toBe(2);
  expect(JSON.parse(err)).toMatchObject({ details: { problem } });
  expect(await home()).toEqual({});
});
