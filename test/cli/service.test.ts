/** `service` with a systemctl and a launchctl of ours, which note what they were asked for. */

import { mkdir, readdir, readFile, symlink, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { run } from "../../cli/program.ts";
import { fakeDeps } from "../helpers/cli.ts";
import { type TempDir, tempDir } from "../helpers/temp-dir.ts";

const UNITS = [".config/systemd/user/jpki-agent.service", ".config/systemd/user/jpki-agent.socket"];
const PLIST = "Library/LaunchAgents/jpki-agent.plist";

let dir: TempDir;
beforeEach(async () => {
  dir = await tempDir();
  await mkdir(join(dir.path, "bin"));
});
afterEach(() => dir.remove());

/** @param fails a pattern of sh: asked for this, it fails. */
async function manager(name: "systemctl" | "launchctl", fails: string): Promise<void> {
  const script = `#!/bin/sh\necho "$*" >> '${dir.path}/asked'\ncase "$*" in ${fails}) exit 1;; esac\n`;
  await writeFile(join(dir.path, "bin", name), script, { mode: 0o755 });
}

async function asked(): Promise<readonly string[]> {
  const text = await readFile(join(dir.path, "asked"), "utf8").catch(() => "");
  await writeFile(join(dir.path, "asked"), "");
  return text.split("\n").filter((line) => line !== "" && !line.includes("is-active"));
}

async function service(verb: string, platform: NodeJS.Platform = "linux") {
  const env = { PATH: `${dir.path}/bin`, XDG_RUNTIME_DIR: join(dir.path, "r") };
  const own = { ...fakeDeps({ env, home: dir.path }), platform };
  const status = await run(["--json", "service", verb], own);
  return { status, said: own.out() === "" ? JSON.parse(own.err()) : JSON.parse(own.out()) };
}

async function files(): Promise<readonly string[]> {
  const all = await readdir(dir.path, { recursive: true, withFileTypes: true });
  const paths = all.filter((entry) => !entry.isDirectory()).map((file) => join(file.parentPath, file.name));
  return paths
    .map((path) => path.slice(dir.path.length + 1))
    .filter((path) => !/^(?:bin|asked)/.test(path))
    .sort();
}

describe("systemd", () => {
  it("install writes and enables the units, twice is once, uninstall leaves nothing", async () => {
    await manager("systemctl", "*is-active*");
    expect(await service("install")).toMatchObject({ status: 0, said: { byHand: [] } });
    expect(await asked()).toEqual([
      "--user daemon-reload",
      "--user stop jpki-agent.socket jpki-agent.service",
      "--user enable --now jpki-agent.socket",
    ]);
    expect(await files()).toEqual(UNITS);
    const again = await service("install");
    expect(again.said.files.map(({ result }: { result: string }) => result)).toEqual(["unchanged", "unchanged"]);
    expect(await asked()).toEqual(["--user daemon-reload", "--user enable --now jpki-agent.socket"]);
    expect(await service("uninstall")).toMatchObject({ status: 0, said: { byHand: [] } });
    expect(await asked()).toEqual([
      "--user disable --now jpki-agent.socket jpki-agent.service",
      "--user daemon-reload",
    ]);
    expect(await files()).toEqual([]);
    expect(await service("uninstall")).toEqual({ status: 0, said: { files: [], byHand: [] } });
  });

  it("where systemctl cannot be reached, files are written and the rest is told", async () => {
    const { status, said } = await service("install");
    expect(status).toBe(1);
    expect(said.byHand).toContain("systemctl --user enable --now jpki-agent.socket");
    expect(await files()).toEqual(UNITS);
  });

  it("uninstall without systemctl takes the link of `enable` away too", async () => {
    await service("install");
    const wants = join(dir.path, ".config/systemd/user/sockets.target.wants");
    await mkdir(wants);
    await symlink("../jpki-agent.socket", join(wants, "jpki-agent.socket"));
    const { status, said } = await service("uninstall");
    expect(status).toBe(1);
    expect(said.byHand).toContain("systemctl --user daemon-reload");
    expect(await files()).toEqual([]);
  });

  it("leaves units of somebody else's alone", async () => {
    await mkdir(join(dir.path, ".config/systemd/user"), { recursive: true });
    await writeFile(join(dir.path, UNITS[1] ?? ""), "[Socket]\n");
    expect(await service("install")).toMatchObject({ status: 1, said: { code: "IO_FAILED" } });
    expect((await service("uninstall")).said.files).toEqual([{ path: join(dir.path, UNITS[1] ?? ""), result: "kept" }]);
    expect(await files()).toEqual([UNITS[1]]);
  });

  it("does not take the socket of an agent that runs", async () => {
    await manager("systemctl", "*is-active*");
    await mkdir(join(dir.path, "r/jpki-agent"), { recursive: true });
    const server = createServer().listen(join(dir.path, "r/jpki-agent/agent.sock"));
    try {
      expect(await service("install")).toMatchObject({ status: 1, said: { code: "SOCKET_IN_USE" } });
    } finally {
      server.close();
    }
    expect(await files()).not.toContain(UNITS[0]);
  });

  it("status tells files, socket and agent, and fails unless they are as they should be", async () => {
    await manager("systemctl", "*is-active*");
    expect(await service("status")).toMatchObject({ status: 1, said: { files: "absent", active: false } });
    await service("install");
    expect(await service("status")).toMatchObject({ status: 1, said: { files: "current", active: false } });
    await manager("systemctl", "nothing");
    expect(await service("status")).toMatchObject({ status: 0, said: { files: "current", active: true } });
    await writeFile(join(dir.path, UNITS[1] ?? ""), "# older\n");
    expect(await service("status")).toMatchObject({ status: 1, said: { files: "different" } });
  });
});

describe("launchd", () => {
  it("install loads the agent, twice is once, uninstall leaves nothing", async () => {
    await manager("launchctl", "print*|bootout*");
    const domain = `gui/${process.getuid?.()}`;
    expect(await service("install", "darwin")).toMatchObject({ status: 0, said: { byHand: [] } });
    expect(await asked()).toEqual([`bootout ${domain}/jpki-agent`, `bootstrap ${domain} ${join(dir.path, PLIST)}`]);
    expect(await files()).toEqual([PLIST]);
    await manager("launchctl", "nothing");
    expect(await service("install", "darwin")).toMatchObject({ status: 0, said: { files: [{ result: "unchanged" }] } });
    expect(await asked()).toEqual([`print ${domain}/jpki-agent`]);
    expect(await service("status", "darwin")).toMatchObject({ status: 0, said: { files: "current", running: true } });
    expect(await service("uninstall", "darwin")).toMatchObject({ status: 0, said: { byHand: [] } });
    expect(await files()).toEqual([]);
  });

  it("tells what to run where launchctl fails", async () => {
    const { status, said } = await service("install", "darwin");
    expect(status).toBe(1);
    expect(said.byHand).toEqual([expect.stringMatching(/^launchctl bootstrap gui\/\d+ \//)]);
  });
});

it("a system with neither is told so", async () => {
  expect(await service("install", "freebsd")).toMatchObject({
    status: 2,
    said: { details: { problem: "no-service-manager" } },
  });
});
