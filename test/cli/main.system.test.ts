/** The built program in its own process: what a test in process cannot show. */

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdir, open, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { connectAgent } from "../helpers/agent-client.ts";
import { JPKI_AGENT } from "../helpers/agent-process.ts";
import { type TempDir, tempDir } from "../helpers/temp-dir.ts";
import { openTerminal } from "../helpers/tmux.ts";

const AGENT = ["--card", "virtual", "--json", "agent"];
/** A defect on demand. */
const DEFECT = 'data:text/javascript,process.on("SIGUSR2",()=>{throw new Error("defect")})';
/** An agent that cannot end. */
const ENDLESS = 'data:text/javascript,import net from "node:net";net.Server.prototype.close=function(){return this}';
/** As npx does with Ctrl-C. */
const PASSED_ON =
  'data:text/javascript,process.once("SIGINT",()=>setImmediate(()=>process.kill(process.pid,"SIGINT")))';

let dir: TempDir;
beforeEach(async () => {
  dir = await tempDir();
});
afterEach(() => dir.remove());

function start(
  args: readonly string[],
  nodeArgs: readonly string[] = [],
  stdout: "pipe" | number = "pipe",
): ChildProcess {
  const env = { PATH: process.env["PATH"] ?? "", HOME: dir.path, XDG_RUNTIME_DIR: join(dir.path, "r") };
  return spawn(process.execPath, [...nodeArgs, JPKI_AGENT, ...args], { env, stdio: ["ignore", stdout, "pipe"] });
}

/** The line on stdout that says that the agent is ready. */
async function ready(child: ChildProcess): Promise<{ socket: string; pid: number }> {
  const [line] = child.stdout === null ? [] : await once(child.stdout, "data");
  return JSON.parse(String(line));
}

async function ended(child: ChildProcess): Promise<number | string> {
  const [code, signal] = await once(child, "close");
  return code ?? signal;
}

/** Resolves when nobody listens there any more. */
async function gone(socket: string): Promise<void> {
  try {
    const client = await connectAgent(socket);
    await client.ended;
  } catch {
    // Refused or not there: that is what is waited for.
  }
}

describe("signals", () => {
  it.each(["SIGINT", "SIGQUIT", "SIGTERM"] as const)("%s ends the agent in order", async (signal) => {
    const child = start(AGENT);
    const { socket } = await ready(child);
    child.kill(signal);
    expect(await ended(child)).toBe(0);
    expect(existsSync(socket)).toBe(false);
  });

  it("a SIGINT that comes twice at once does too", async () => {
    const child = start(AGENT, ["--import", PASSED_ON]);
    const { socket } = await ready(child);
    child.kill("SIGINT");
    expect(await ended(child)).toBe(0);
    expect(existsSync(socket)).toBe(false);
  });

  it("SIGTERM ends it in any case", async () => {
    const child = start(AGENT, ["--import", ENDLESS]);
    await ready(child);
    child.kill("SIGTERM");
    expect(await ended(child)).toBe("SIGTERM");
  });

  it("an exception that nobody caught ends it in order, and fails", async () => {
    const child = start(AGENT, ["--import", DEFECT]);
    const { socket } = await ready(child);
    child.kill("SIGUSR2");
    expect(await ended(child)).toBe(1);
    expect(existsSync(socket)).toBe(false);
  });
});

describe("a full disk", () => {
  it.each([
    [["--json", "--card", "virtual", "cert", "auth"]],
    [["--json", "--help"]],
    // Closes a file after its last word: by then Node has forgotten what became of that.
    [["--json", "verify", "package.json", "README.md"]],
    [AGENT],
  ])("%j: status 1 and one error, for what is lost is not done", async (args) => {
    const full = await open("/dev/full", "w");
    const child = start(args, [], full.fd);
    const said = child.stderr === null ? "" : text(child.stderr);
    expect(await ended(child)).toBe(1);
    const last = (await said).trim().split("\n").at(-1) ?? "";
    expect(JSON.parse(last)).toMatchObject({ code: "IO_FAILED", details: { path: "/dev/stdout" } });
    await full.close();
  });
});

describe("--background", () => {
  it("returns when the agent is ready, and the agent lives on", async () => {
    const child = start([...AGENT, "--background"]);
    const [{ socket, pid }, status] = await Promise.all([ready(child), ended(child)]);
    try {
      expect(status).toBe(0);
      expect(pid).not.toBe(child.pid);
      const client = await connectAgent(socket);
      expect(await client.ask({ kind: "list" })).toMatchObject({ kind: "identities" });
      client.socket.destroy();
    } finally {
      const waiting = gone(socket);
      process.kill(pid, "SIGTERM");
      await waiting;
    }
  });

  it("fails with the agent's words and status when it cannot start", async () => {
    const child = start([...AGENT, "--background", "-a", join(dir.path, "x".repeat(200))]);
    let said = "";
    child.stderr?.on("data", (chunk: Buffer) => {
      said += chunk.toString();
    });
    expect(await ended(child)).toBe(1);
    expect(said).toContain('"code":"SOCKET_UNSAFE"');
  });
});

it("an agent whose terminal is closed lives on, and ends in order", async () => {
  const [socket, statusFile] = [join(dir.path, "s"), join(dir.path, "status")];
  const terminal = await openTerminal({ HOME: dir.path, XDG_RUNTIME_DIR: dir.path });
  const agent = `${process.execPath} ${JPKI_AGENT} --card virtual agent -c -a ${socket}`;
  // The shell in between outlives the terminal to tell the status.
  await terminal.type(`sh -c "trap '' HUP; ${agent}; echo \\$? > ${statusFile}"`);
  await terminal.press("Enter");
  const [, pid] = /SSH_AGENT_PID (\d+)/.exec(await terminal.shows(/SSH_AGENT_PID \d+/)) ?? [];
  await terminal.close();
  const client = await connectAgent(socket);
  expect(await client.ask({ kind: "list" })).toMatchObject({ kind: "identities" });
  client.socket.destroy();
  process.kill(Number(pid), "SIGTERM");
  await expect.poll(() => readFile(statusFile, "utf8").catch(() => ""), { timeout: 10_000 }).toBe("0\n");
});

describe("more than a pipe holds", () => {
  const ENTRIES = 5000;
  const LOG = ["--json", "log", "-n", `${ENTRIES}`];

  beforeEach(async () => {
    const entry = { key: "k", comment: "c".repeat(100), result: "signed", data: "login", forwarded: false };
    const line = JSON.stringify({ time: "2026-01-01T00:00:00Z", ...entry });
    await mkdir(join(dir.path, ".local/state/jpki-agent"), { recursive: true });
    await writeFile(join(dir.path, ".local/state/jpki-agent/signatures.jsonl"), `${line}\n`.repeat(ENTRIES));
  });

  it("reaches a slow reader to its end", async () => {
    const child = start(LOG);
    const stdout = child.stdout ?? expect.fail("no stdout");
    const status = ended(child);
    await once(stdout, "readable");
    expect(JSON.parse(await text(stdout))).toHaveLength(ENTRIES);
    expect(await status).toBe(0);
  });

  it("is not waited for after Ctrl-C, and what is lost is not done", async () => {
    const child = start(LOG);
    await once(child.stdout ?? expect.fail("no stdout"), "readable");
    child.kill("SIGINT");
    expect(await once(child, "exit")).toEqual([1, null]);
  });
});

it("a reader of stdout that goes away is no error", async () => {
  const child = start(["--help"]);
  child.stdout?.destroy();
  expect(await ended(child)).toBe(0);
});
