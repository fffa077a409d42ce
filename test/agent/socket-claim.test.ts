import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, lstatSync, renameSync, symlinkSync, writeFileSync } from "node:fs";
import { mkdir, readdir, readFile } from "node:fs/promises";
import { connect, createServer, type Server } from "node:net";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { claimSocketPath } from "../../agent/socket-claim.ts";
import { runOk } from "../helpers/run.ts";
import { type TempDir, tempDir } from "../helpers/temp-dir.ts";

const ROOT = join(import.meta.dirname, "../..");

let folder: TempDir;
let path: string;
const servers: Server[] = [];

beforeEach(async () => {
  folder = await tempDir();
  path = join(folder.path, "agent.sock");
});
afterEach(async () => {
  for (const server of servers.splice(0)) if (server.listening) await stop(server);
  await folder.remove();
});

/** A server that says its name to everybody who connects. */
function named(name: string): Server {
  const server = createServer((socket) => {
    socket.on("error", () => {}); // whoever only looked whether we live has gone before we spoke
    socket.end(name);
  });
  servers.push(server);
  return server;
}

async function stop(server: Server): Promise<void> {
  server.close();
  await once(server, "close");
}

async function whoAnswers(at: string): Promise<string> {
  const socket = connect({ path: at });
  let said = "";
  socket.on("data", (chunk) => {
    said += chunk.toString();
  });
  await once(socket, "close");
  return said;
}

/** Sockets whose process was killed: nobody unlinked them. */
async function leaveDeadSockets(paths: readonly string[]): Promise<void> {
  const listen = `let up = 0; const paths = ${JSON.stringify(paths)};
    for (const path of paths) require("net").createServer().listen(path, () => ++up === paths.length && console.log("up"))`;
  const child = spawn(process.execPath, ["-e", listen]);
  await once(child.stdout, "data");
  child.kill("SIGKILL");
  await once(child, "exit");
}

/** A process that says "ready", waits for a line, and then claims all paths and says how each went. */
function startClaimer(program: string, paths: readonly string[]) {
  const claim = `
    import { createServer } from "node:net";
    import { claimSocketPath } from ${JSON.stringify(program)};
    const server = () => createServer((socket) => socket.on("error", () => {}).end(String(process.pid)));
    process.stdin.once("data", async () => {
      const claims = ${JSON.stringify(paths)}.map((path) => claimSocketPath(server(), path, 64));
      const outcomes = await Promise.allSettled(claims);
      console.log(outcomes.map(({ status, reason }) => status === "fulfilled" ? "won" : reason.code).join(" "));
    });
    console.log("ready");`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", claim], { stdio: ["pipe", "pipe", "inherit"] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return { child, line: async (): Promise<string> => (await lines.next()).value };
}

describe("a free path", () => {
  it("gets a socket of mode 0600, and the umask stays as it was", async () => {
    const before = process.umask(0o022);
    try {
      await claimSocketPath(named("us"), path, 5);
      expect(process.umask()).toBe(0o022);
    } finally {
      process.umask(before);
    }
    expect(lstatSync(path).mode & 0o777).toBe(0o600);
    expect(await whoAnswers(path)).toBe("us");
    expect(await readdir(folder.path)).toEqual(["agent.sock"]);
  });

  it("is free again after release", async () => {
    const server = named("us");
    const claim = await claimSocketPath(server, path, 5);
    claim.release();
    claim.release();
    await stop(server);
    expect(await readdir(folder.path)).toEqual([]);
  });

  it("works at the longest path there is", async () => {
    const long = join(folder.path, "s".repeat(106 - folder.path.length));
    expect(long.length).toBe(107);
    await claimSocketPath(named("us"), long, 5);
    expect(await whoAnswers(long)).toBe("us");
  });

  it("cannot be had in a folder that is missing", async () => {
    const missing = join(folder.path, "none", "agent.sock");
    await expect(claimSocketPath(named("us"), missing, 5)).rejects.toMatchObject({ code: "IO_FAILED" });
  });
});

describe("a path that is taken", () => {
  it("a live agent keeps its socket", async () => {
    await claimSocketPath(named("first"), path, 5);
    const before = lstatSync(path).ino;
    const second = named("second");
    await expect(claimSocketPath(second, path, 5)).rejects.toMatchObject({ code: "SOCKET_IN_USE" });
    expect(second.listening).toBe(false);
    expect(lstatSync(path).ino).toBe(before);
    expect(await whoAnswers(path)).toBe("first");
    expect(await readdir(folder.path)).toEqual(["agent.sock"]);
  });

  it("a dead socket is cleared", async () => {
    await leaveDeadSockets([path]);
    expect(existsSync(path)).toBe(true);
    await claimSocketPath(named("us"), path, 5);
    expect(await whoAnswers(path)).toBe("us");
    expect(await readdir(folder.path)).toEqual(["agent.sock"]);
  });

  it.each([
    { what: "a plain file", make: (at: string) => writeFileSync(at, "precious") },
    { what: "a link to a file", make: (at: string) => symlinkSync("/etc/hostname", at) },
    { what: "a link to nothing", make: (at: string) => symlinkSync("/nonexistent", at) },
  ])("$what is left alone", async ({ make }) => {
    make(path);
    const before = lstatSync(path).ino;
    await expect(claimSocketPath(named("us"), path, 5)).rejects.toMatchObject({ code: "SOCKET_UNSAFE" });
    expect(lstatSync(path).ino).toBe(before);
    expect(await readdir(folder.path)).toEqual(["agent.sock"]);
  });

  it("a plain file keeps its content", async () => {
    writeFileSync(path, "precious");
    await expect(claimSocketPath(named("us"), path, 5)).rejects.toMatchObject({ code: "SOCKET_UNSAFE" });
    expect(await readFile(path, "utf8")).toBe("precious");
  });

  it("a folder is left alone", async () => {
    await mkdir(path);
    await expect(claimSocketPath(named("us"), path, 5)).rejects.toMatchObject({ code: "SOCKET_UNSAFE" });
    expect(lstatSync(path).isDirectory()).toBe(true);
  });
});

describe("several starters at one moment", () => {
  it.each([{ dead: false }, { dead: true }])("exactly one wins (dead socket there: $dead)", async ({ dead }) => {
    for (let round = 0; round < 10; round++) {
      const at = join(folder.path, `agent.${round}`);
      if (dead) await leaveDeadSockets([at]);
      const starters = Array.from({ length: 8 }, (_, i) => named(`starter ${i}`));
      const results = await Promise.allSettled(starters.map((server) => claimSocketPath(server, at, 5)));
      const winners = results.flatMap((result, i) => (result.status === "fulfilled" ? [`starter ${i}`] : []));
      expect(winners).toHaveLength(1);
      expect([await whoAnswers(at)]).toEqual(winners);
      for (const result of results)
        if (result.status === "rejected") expect(result.reason).toMatchObject({ code: "SOCKET_IN_USE" });
    }
  });

  it("exactly one of several processes wins each of many dead sockets", async () => {
    const paths = Array.from({ length: 40 }, (_, i) => join(folder.path, `agent.${i}`));
    await leaveDeadSockets(paths);
    const program = join(folder.path, "claim.mjs");
    await runOk(join(ROOT, "node_modules/.bin/esbuild"), [
      join(ROOT, "agent/socket-claim.ts"),
      "--bundle",
      "--format=esm",
      "--platform=node",
      `--outfile=${program}`,
    ]);
    const claimers = Array.from({ length: 4 }, () => startClaimer(program, paths));
    try {
      await Promise.all(claimers.map((claimer) => claimer.line()));
      for (const { child } of claimers) child.stdin.write("go\n");
      const outcomes = (await Promise.all(claimers.map((claimer) => claimer.line()))).map((line) => line.split(" "));
      for (const [i, at] of paths.entries()) {
        expect(outcomes.map((outcome) => outcome[i]).sort()).toEqual([...Array(3).fill("SOCKET_IN_USE"), "won"]);
        const winner = outcomes.findIndex((outcome) => outcome[i] === "won");
        expect(await whoAnswers(at)).toBe(String(claimers[winner]?.child.pid));
      }
    } finally {
      for (const { child } of claimers) child.kill("SIGKILL");
    }
  });
});

describe("release", () => {
  it("leaves a socket that is not ours any more", async () => {
    const first = named("first");
    const claim = await claimSocketPath(first, path, 5);
    renameSync(path, join(folder.path, "moved"));
    await claimSocketPath(named("second"), path, 5);
    claim.release();
    await stop(first);
    expect(await whoAnswers(path)).toBe("second");
  });
});
