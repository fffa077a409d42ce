/** The files of `service` and `env` before the programs they are for: systemd's own, xmllint, and each shell. */

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { chmod, mkdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { launchdFile } from "../../cli/set-up/launchd.ts";
import { LOGIN_SHELLS, shellLines } from "../../cli/set-up/shell-lines.ts";
import { systemdFiles } from "../../cli/set-up/systemd.ts";
import { createSystemdNotice } from "../../lib/systemd-notify.ts";
import { JPKI_AGENT, type Sandbox, sandbox } from "../helpers/agent-process.ts";
import { recordingLogger } from "../helpers/recording-logger.ts";
import { run, runOk } from "../helpers/run.ts";
import { type TempDir, tempDir } from "../helpers/temp-dir.ts";
import { until } from "../helpers/until.ts";

const SELF = [process.execPath, JPKI_AGENT] as const;
const PATH = process.env["PATH"] ?? "";

/** Prints each datagram in a line of its own; the first line says that it listens. */
const RECEIVER = [
  "import socket, sys",
  "s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)",
  "name = sys.argv[1]",
  "s.bind('\\0' + name[1:] if name.startswith('@') else name)",
  "print('ready', flush=True)",
  "while True: print(repr(s.recv(4096).decode()), flush=True)",
].join("\n");

let dir: TempDir;
const children: ChildProcess[] = [];
beforeEach(async () => {
  dir = await tempDir();
});
afterEach(async () => {
  for (const child of children.splice(0)) {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill();
      await once(child, "exit");
    }
  }
  await dir.remove();
});

describe("socket activation", () => {
  let sand: Sandbox;
  beforeEach(async () => {
    sand = await sandbox(dir.path);
    await mkdir(join(dir.path, "run"), { mode: 0o700 });
  });

  /** @returns what the agent and systemd-socket-activate have written so far. */
  async function activate(...args: readonly string[]): Promise<() => string> {
    const options = [...passed(), "-l", sand.socketPath];
    const agent = [...SELF, "--card", "virtual", "--json", "agent", ...args];
    const child = spawn("systemd-socket-activate", [...options, ...agent], {
      env: sand.env,
      stdio: ["ignore", "pipe", "pipe"],
    });
    children.push(child);
    let said = "";
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding("utf8").on("data", (text: string) => {
        said += text;
      });
    await until("the socket is there", () => existsSync(sand.socketPath));
    return () => said;
  }

  /** systemd-socket-activate gives the program no other variables than these and its own. */
  function passed(): readonly string[] {
    return Object.entries(sand.env).map(([name, value]) => `--setenv=${name}=${value}`);
  }

  it("the first ssh-add -L starts the agent, which answers it and leaves the socket to systemd", async () => {
    const said = await activate();
    expect(said()).not.toContain('"pid"');
    const { stdout } = await runOk("ssh-add", ["-L"], { env: sand.env });
    expect(stdout).toMatch(/^ssh-rsa \S+ My Number card [0-9a-f]{8}\n$/);
    await until("it is ready", () => said().includes(`{"socket":"${sand.socketPath}","pid":`));
    const [agent] = children;
    agent?.kill("SIGTERM");
    expect(await once(agent ?? spawn("false"), "exit")).toEqual([0, null]);
    expect((await stat(sand.socketPath)).isSocket()).toBe(true);
  });

  it("programs that ask for the PIN get neither the socket nor its variables", async () => {
    await activate();
    const saw = join(dir.path, "saw");
    const ask = `#!/bin/sh\nenv > '${saw}'; ls -l /proc/self/fd >> '${saw}'; readlink /proc/$PPID/fd/3 >> '${saw}'\necho 1234\n`;
    await writeFile(join(dir.path, "askpass"), ask, { mode: 0o700 });
    await writeFile(join(dir.path, "id.pub"), (await runOk("ssh-add", ["-L"], { env: sand.env })).stdout);
    await writeFile(join(dir.path, "text"), "text");
    const args = ["-Y", "sign", "-n", "file", "-f", join(dir.path, "id.pub"), join(dir.path, "text")];
    await runOk("ssh-keygen", args, { env: sand.env });
    const text = await readFile(saw, "utf8");
    const listening = text.trimEnd().split("\n").at(-1) ?? "";
    expect(listening).toMatch(/^socket:/);
    expect(text.split(listening)).toHaveLength(2);
    expect(text).not.toMatch(/^(?:LISTEN_|NOTIFY_)/m);
  });

  it("a socket that others can use is refused", async () => {
    const said = await activate();
    await chmod(sand.socketPath, 0o666);
    expect((await run("ssh-add", ["-L"], { env: sand.env })).status).not.toBe(0);
    await until("it says why", () => said().includes('"code":"SOCKET_UNSAFE"'));
  });

  it("so is another socket beside it", async () => {
    const said = await activate("-a", join(dir.path, "other.sock"));
    expect((await run("ssh-add", ["-L"], { env: sand.env })).status).not.toBe(0);
    await until("it says why", () => said().includes('"problem":"conflicting-options"'));
  });
});

describe("sd_notify", () => {
  it.each([
    ["a path", (folder: string) => join(folder, "notify")],
    ["an abstract name", (folder: string) => `@${folder}/notify`],
  ])("READY, STATUS and STOPPING arrive at %s", async (_what, place) => {
    const socket = place(dir.path);
    const receiver = spawn("python3", ["-c", RECEIVER, socket], { stdio: ["ignore", "pipe", "inherit"] });
    children.push(receiver);
    let heard = "";
    receiver.stdout.setEncoding("utf8").on("data", (text: string) => {
      heard += text;
    });
    await until("it listens", () => heard.startsWith("ready"));
    const env = { PATH, HOME: dir.path, XDG_RUNTIME_DIR: join(dir.path, "r"), NOTIFY_SOCKET: socket };
    const agent = spawn(process.execPath, [JPKI_AGENT, "--card", "virtual", "agent"], { env, stdio: "ignore" });
    children.push(agent);
    await until("it is ready", () => heard.includes("READY=1\\nSTATUS=serving "));
    agent.kill("SIGTERM");
    expect(await once(agent, "exit")).toEqual([0, null]);
    await until("it stops", () => heard.includes("STOPPING=1\\nSTATUS="));
  });

  it("where nobody listens, a warning is all", async () => {
    const log = recordingLogger();
    const tell = createSystemdNotice({ socket: join(dir.path, "nobody"), env: { PATH }, log });
    await tell({ state: "READY", status: "" });
    expect(log.lines).toContainEqual(expect.objectContaining({ level: "warn" }));
  });
});

describe("the files", () => {
  const analyze = (...args: readonly string[]) => {
    const env = { PATH, HOME: dir.path, XDG_RUNTIME_DIR: dir.path };
    return run("systemd-analyze", ["--user", "--man=no", "--no-pager", ...args], { env });
  };

  it("systemd-analyze finds nothing wrong with the units", async () => {
    const units = await systemdFiles(dir.path, undefined, { self: SELF });
    for (const { path, text } of units) await writeFile(path, text);
    const paths = units.map(({ path }) => path);
    expect(await analyze("verify", ...paths)).toMatchObject({ status: 0, stdout: "", stderr: "" });
    await writeFile(paths[1] ?? "", (units[1]?.text ?? "").replace("LimitCORE", "LimitCoar"));
    expect((await analyze("verify", ...paths)).stderr).toContain("LimitCoar");
  });

  it("a path of any letters comes out of the unit as it went in", async () => {
    const script = join(dir.path, `50% "a" \\ $b 'c'.js`);
    const program = join(dir.path, "no%de $x");
    await writeFile(program, "", { mode: 0o755 });
    const units = await systemdFiles(dir.path, undefined, { self: [program, script] });
    for (const { path, text } of units) await writeFile(path, text);
    expect(await analyze("verify", ...units.map(({ path }) => path))).toMatchObject({ status: 0, stderr: "" });
  });

  it("systemd-analyze security: no more exposed than the documents say", async () => {
    const [, unit] = await systemdFiles(dir.path, undefined, { self: SELF });
    await writeFile(unit?.path ?? "", unit?.text ?? "");
    const { stdout } = await analyze("security", "--offline=true", unit?.path ?? "");
    const [, level] = /exposure level for jpki-agent\.service: ([\d.]+)/.exec(stdout) ?? [];
    expect(Number(level)).toBeGreaterThan(0);
    expect(Number(level)).toBeLessThanOrEqual(6.4);
  });

  it("xmllint finds a property list, with these arguments", async () => {
    const home = "/Users/a <b> & c";
    const { path, text } = await launchdFile(join(dir.path, "agent.plist"), { env: {}, home, self: SELF });
    await writeFile(path, text);
    const find = (xpath: string) => runOk("xmllint", ["--nonet", "--xpath", `string(${xpath})`, path]);
    const following = (key: string) => `//key[.="${key}"]/following-sibling::*[1]`;
    for (const [i, word] of [...SELF, "agent"].entries())
      expect((await find(`${following("ProgramArguments")}/string[${i + 1}]`)).stdout.trimEnd()).toBe(word);
    expect((await find(following("StandardErrorPath"))).stdout.trimEnd()).toBe(`${home}/Library/Logs/jpki-agent.log`);
    expect((await find(following("Label"))).stdout.trimEnd()).toBe("jpki-agent");
  });
});

describe.each(LOGIN_SHELLS)("%s", (shell) => {
  const socket = "/tmp/it's \\a $HOME `b`/agent.sock";
  const forwarded = { SSH_CONNECTION: "192.0.2.1 1 192.0.2.2 22", SSH_AUTH_SOCK: "/tmp/forwarded" };

  it.each([
    ["at the machine", {}, socket],
    ["in a login without an agent", { SSH_CONNECTION: forwarded.SSH_CONNECTION }, socket],
    ["beside another agent", { SSH_AUTH_SOCK: "/tmp/other" }, socket],
    ["in a login with a forwarded agent", forwarded, forwarded.SSH_AUTH_SOCK],
  ])("sets the variable %s", async (_what, env, expected) => {
    const file = join(dir.path, "rc");
    await writeFile(file, shellLines(shell, socket));
    const options = { env: { PATH, HOME: dir.path, ...env } };
    const { stdout, stderr } = await runOk(shell, ["-c", `. '${file}'; printenv SSH_AUTH_SOCK`], options);
    expect([stdout, stderr]).toEqual([`${expected}\n`, ""]);
  });
});
