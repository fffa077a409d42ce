import { existsSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { run } from "../../cli/program.ts";
import { connectAgent } from "../helpers/agent-client.ts";
import { type FakeDeps, fakeDeps } from "../helpers/cli.ts";
import { type TempDir, tempDir } from "../helpers/temp-dir.ts";
import { until } from "../helpers/until.ts";

const VIRTUAL = ["--card", "virtual"];
let dir: TempDir;
let env: Record<string, string>;

/** One virtual card for all of them: making its PKI takes most of a second. */
beforeAll(async () => {
  dir = await tempDir();
  const at = (name: string) => join(dir.path, name);
  env = {
    PATH: process.env["PATH"] ?? "",
    XDG_STATE_HOME: at("s"),
    XDG_RUNTIME_DIR: at("r"),
  };
});
afterAll(() => dir.remove());

/** Also those that a failed test has left running. */
const made: FakeDeps[] = [];
afterEach(() => {
  for (const own of made.splice(0)) own.stop();
});

function deps(): FakeDeps {
  const own = fakeDeps({ env, home: dir.path });
  made.push(own);
  return own;
}

async function succeed(...argv: readonly string[]): Promise<string> {
  const own = deps();
  expect(await run([...VIRTUAL, ...argv], own), own.err()).toBe(0);
  return own.out();
}

describe("export-key", () => {
  it("prints the same key each time, in a form sshd takes", async () => {
    const line = await succeed("export-key");
    expect(line).toMatch(/^ssh-rsa [A-Za-z0-9+/=]{372} My Number card [0-9a-f]{8}\n$/);
    expect(await succeed("export-key")).toBe(line);
  });

  it("takes options and a comment", async () => {
    const line = await succeed("export-key", "--options", 'restrict,from="192.0.2.1"', "--comment", "予備");
    expect(line).toMatch(/^restrict,from="192\.0\.2\.1" ssh-rsa \S+ 予備\n$/);
  });

  it("--json tells kind, comment and fingerprint", async () => {
    const line = await succeed("export-key");
    const [key] = JSON.parse(await succeed("--json", "export-key"));
    expect(key).toEqual({
      kind: "card",
      comment: expect.stringMatching(/^My Number card /),
      fingerprint: expect.stringMatching(/^SHA256:[A-Za-z0-9+/]{43}$/),
      format: "openssh",
      key: line,
    });
  });

  it("says which readers there are when the wanted one is not among them", async () => {
    const own = deps();
    expect(await run([...VIRTUAL, "--reader", "no such reader", "--json", "export-key"], own)).toBe(3);
    expect(own.out()).toBe("");
    expect(JSON.parse(own.err())).toMatchObject({ code: "READER_ABSENT", details: { reader: "no such reader" } });
  });

  it("takes settings from the configuration file, and flags over it", async () => {
    await mkdir(join(dir.path, "c/jpki-agent"), { recursive: true });
    await writeFile(join(dir.path, "c/jpki-agent/config.toml"), 'card = "virtual"\nreader = "no such reader"\n');
    const own = () => fakeDeps({ env: { ...env, XDG_CONFIG_HOME: join(dir.path, "c") }, home: dir.path });
    expect(await run(["export-key"], own())).toBe(3);
    expect(await run(["--reader", "virtual", "export-key"], own())).toBe(0);
  });
});

describe("agent", () => {
  it("says where it listens once it is ready, lists the key, and leaves nothing when it is stopped", async () => {
    const line = await succeed("export-key");
    const own = deps();
    const ended = run([...VIRTUAL, "agent"], own);
    await own.said;
    const socket = join(dir.path, "r/jpki-agent/agent.sock");
    expect(own.out()).toBe(
      `SSH_AUTH_SOCK=${socket}; export SSH_AUTH_SOCK;\nSSH_AGENT_PID=12345; export SSH_AGENT_PID;\n`,
    );
    const client = await connectAgent(socket);
    const answer = await client.ask({ kind: "list" });
    const keys = answer?.kind === "identities" ? answer.identities : [];
    const text = (bytes: Uint8Array, encoding: "base64" | "utf8") => Buffer.from(bytes).toString(encoding);
    const lines = keys.map((key) => `ssh-rsa ${text(key.keyBlob, "base64")} ${text(key.comment, "utf8")}\n`);
    expect(lines).toEqual([line]);
    client.socket.destroy();
    own.stop();
    expect(await ended).toBe(0);
    expect(existsSync(socket)).toBe(false);
  });

  it.each([
    [["-c"], (path: string) => `setenv SSH_AUTH_SOCK ${path};\nsetenv SSH_AGENT_PID 12345;\n`],
    [
      ["-s"],
      (path: string) => `SSH_AUTH_SOCK=${path}; export SSH_AUTH_SOCK;\nSSH_AGENT_PID=12345; export SSH_AGENT_PID;\n`,
    ],
    [["--json"], (path: string) => `{"socket":"${path}","pid":12345}\n`],
  ])("prints with %j what the caller reads", async (flags, expected) => {
    const own = deps();
    const socket = join(dir.path, "own/a.sock");
    const ended = run([...VIRTUAL, "agent", "-a", socket, ...flags], own);
    await own.said;
    expect(own.out()).toBe(expected(socket));
    own.stop();
    expect(await ended).toBe(0);
  });

  it("does not take the place of a running agent", async () => {
    const first = deps();
    const ended = run([...VIRTUAL, "agent"], first);
    await first.said;
    const second = deps();
    expect(await run([...VIRTUAL, "--json", "agent"], second)).toBe(1);
    expect(second.out()).toBe("");
    expect(second.err()).toContain('"code":"SOCKET_IN_USE"');
    first.stop();
    expect(await ended).toBe(0);
  });
});

describe("agent COMMAND", () => {
  const inShell = (script: string, ...before: readonly string[]) => [
    ...VIRTUAL,
    "agent",
    ...before,
    "sh",
    "-c",
    script,
  ];

  it("runs it with the agent in its environment, and ends with its status", async () => {
    const socket = join(dir.path, "for/command.sock");
    const own = deps();
    const script = `[ "$SSH_AUTH_SOCK" = '${socket}' ] && [ "$SSH_AGENT_PID" = 12345 ] && [ -S '${socket}' ] && exit 7`;
    expect(await run(inShell(script, "-a", socket), own), own.err()).toBe(7);
    expect([own.out(), existsSync(socket)]).toEqual(["", false]);
  });

  it("gives the command its own options", async () => {
    const own = deps();
    expect(await run([...VIRTUAL, "agent", "sh", "-c", "exit $#", "-v", "--json", "-k"], own), own.err()).toBe(2);
  });

  it("tells the signal that ended it as shells do", async () => {
    expect(await run(inShell("kill -TERM $$"), deps())).toBe(128 + 15);
  });

  it("fails when there is no such command, and stops serving", async () => {
    const own = deps();
    expect(await run([...VIRTUAL, "--json", "agent", "/nonexistent/command"], own)).toBe(1);
    expect(JSON.parse(own.err())).toMatchObject({ code: "IO_FAILED", details: { path: "/nonexistent/command" } });
    expect(existsSync(join(dir.path, "r/jpki-agent/agent.sock"))).toBe(false);
  });

  it("takes the command along when it is told to stop", async () => {
    const own = deps();
    const mark = join(dir.path, "command");
    const ended = run(
      inShell(`trap 'echo ended > ${mark}.2; exit' TERM; : > ${mark}; while :; do sleep 0.01; done`),
      own,
    );
    await until("it runs", () => existsSync(mark));
    own.stop();
    expect(await ended).toBe(1);
    await until("the command has ended", () => existsSync(`${mark}.2`));
  });
});

describe("agent -k", () => {
  const killing = async (pid: string | undefined, ...flags: readonly string[]) => {
    const own = fakeDeps({ env: { ...env, SSH_AGENT_PID: pid }, home: dir.path });
    return { status: await run(["agent", "-k", ...flags], own), out: own.out(), kills: own.kills };
  };

  it.each([
    [[], "unset SSH_AUTH_SOCK;\nunset SSH_AGENT_PID;\n"],
    [["-c"], "unsetenv SSH_AUTH_SOCK;\nunsetenv SSH_AGENT_PID;\n"],
    [["--json"], '{"pid":4711}\n'],
  ])("with %j ends the agent and prints what unsets its variables", async (flags, out) => {
    expect(await killing("4711", ...flags)).toEqual({ status: 0, out, kills: [4711] });
  });

  it.each([undefined, "", "0", "1", "-1", "4711x", "99999999999"])("does nothing for SSH_AGENT_PID %s", async (pid) => {
    expect(await killing(pid)).toEqual({ status: 2, out: "", kills: [] });
  });
});

describe("demo", () => {
  it("logs in by ssh2 where there is no ssh, in Japanese where that is wanted", async () => {
    const own = fakeDeps({ env: { PATH: "/nonexistent", LANG: "ja_JP.UTF-8" }, home: dir.path });
    expect(await run(["demo"], own), own.err()).toBe(0);
    expect(own.out()).toMatch(/5\. .*ssh2: /);
    expect(own.out()).toMatch(/7\. .*ようこそ、demo さん/);
  });

  it("takes an ssh that may not be run for none", async () => {
    const bin = join(dir.path, "bin");
    await mkdir(bin);
    await writeFile(join(bin, "ssh"), "", { mode: 0o644 });
    const own = fakeDeps({ env: { PATH: bin }, home: dir.path });
    expect(await run(["demo"], own), own.err()).toBe(0);
    expect(own.out()).toMatch(/5\. .*ssh2: /);
  });

  it("fails, and says why, when ssh cannot log in", async () => {
    await writeFile(join(dir.path, "ssh"), "#!/bin/sh\necho broken ssh >&2\n[ $1 = -V ]\n", { mode: 0o755 });
    const own = fakeDeps({ env: { PATH: `${dir.path}:/usr/bin:/bin` }, home: dir.path });
    expect(await run(["demo"], own)).toBe(1);
    expect(own.err()).toMatch(/broken ssh/);
  });

  it("stops in the middle when it is told to", async () => {
    const own = fakeDeps({ env, home: dir.path });
    const ended = run(["demo"], own);
    await own.said;
    own.stop();
    expect(await ended).toBe(1);
    expect(own.out()).not.toMatch(/7\. /);
  });
});
