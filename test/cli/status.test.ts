/** `status`, `release` and `doctor` in process, with the virtual card: words and exit statuses. */

import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { en } from "../../cli/messages/en.ts";
import { ja } from "../../cli/messages/ja.ts";
import { run } from "../../cli/program.ts";
import { statusLines } from "../../cli/status-lines.ts";
import { exitStatusOfReport, type StatusReport } from "../../cli/status-report.ts";
import type { CardStatus, DeviceStatus, RunningAgentStatus } from "../../lib/agent-status.ts";
import { SocketError } from "../../lib/errors.ts";
import { type FakeDeps, fakeDeps } from "../helpers/cli.ts";
import { type TempDir, tempDir } from "../helpers/temp-dir.ts";

const VIRTUAL = ["--card", "virtual"];
let dir: TempDir;
const made: FakeDeps[] = [];
beforeAll(async () => {
  dir = await tempDir();
});
afterAll(() => dir.remove());
afterEach(() => {
  for (const own of made.splice(0)) own.stop();
});

function deps(more: Record<string, string> = {}): FakeDeps {
  const at = (name: string) => join(dir.path, name);
  const env = { PATH: process.env["PATH"] ?? "", XDG_STATE_HOME: at("s"), XDG_RUNTIME_DIR: at("r"), ...more };
  const own = fakeDeps({ env, home: dir.path });
  made.push(own);
  return own;
}

async function serve(...args: readonly string[]): Promise<() => Promise<void>> {
  const own = deps();
  const ended = run([...VIRTUAL, "agent", ...args], own);
  await own.said;
  return async () => {
    own.stop();
    await ended;
  };
}

const CARD = /My Number card [0-9a-f]{8}/;

describe("status", () => {
  it.each([
    ["C", [/^Agent: not running/, CARD, /authentication PIN 3, signature password 5, text PIN 3/, /days left/]],
    [
      "ja_JP.UTF-8",
      [/^エージェント: 動作していません/, CARD, /利用者証明用 3回、署名用 5回、券面事項入力補助用 3回/, /残り\d+日/],
    ],
  ])("without an agent, in %s", async (LANG, words) => {
    const own = deps({ LANG });
    expect(await run([...VIRTUAL, "status"], own), own.err()).toBe(1);
    for (const word of words) expect(own.out()).toMatch(word);
    expect(own.err()).toBe("");
  });

  it("asks the agent at the default path, and the one in SSH_AUTH_SOCK", async () => {
    for (const path of [undefined, join(dir.path, "own/a.sock")]) {
      const stop = await serve(...(path === undefined ? [] : ["-a", path]));
      const own = deps(path === undefined ? {} : { SSH_AUTH_SOCK: path });
      expect(await run(["--json", "status"], own), own.out()).toBe(0);
      expect(JSON.parse(own.out())).toMatchObject({ agent: { kind: "running", pid: process.pid } });
      await stop();
    }
  });
});

describe("status of the PKCS#11 face", () => {
  it.each([
    ["C", /^PKCS#11 socket: .*\/r\/p11-kit\/pkcs11$/m],
    ["ja_JP.UTF-8", /^PKCS#11 のソケット: .*\/r\/p11-kit\/pkcs11$/m],
  ])("tells its socket, in %s", async (LANG, line) => {
    const stop = await serve("--pkcs11-socket");
    const own = deps({ LANG });
    await run(["status"], own);
    expect(own.out()).toMatch(line);
    await stop();
  });

  it("says nothing of it where the agent serves none", async () => {
    const stop = await serve();
    const own = deps();
    await run(["status"], own);
    expect(own.out()).not.toMatch(/PKCS#11/);
    await stop();
  });

  it.each([
    [en, "  PKCS#11 login: curl (1234), My Number card 0123abcd, 3 of 1000 signatures, ends in 59 min"],
    [ja, "  PKCS#11 のログイン: curl (1234)、My Number card 0123abcd、署名 3/1000回、残り59分"],
  ])("tells each login, with nothing in it that a terminal would obey", (messages, line) => {
    const login = { card: "My Number card 0123abcd", signatures: 3, maxSignatures: 1000, endsInSeconds: 3599 };
    const logins = [
      { ...login, key: "auth", program: "curl\u001b[2J (1234)" },
      { ...login, key: "sign" },
    ] as const;
    const status: RunningAgentStatus = {
      ...{ kind: "running", pid: 1, version: "1", uptimeSeconds: 1, socket: "/s", pinCache: "session" },
      pkcs11: { socket: "/p", logins },
      devices: { readers: [], cards: [] },
    };
    const agent = { kind: "found", socket: "/s", status } as const;
    const lines = statusLines({ agent, devices: undefined, lastRefusal: undefined }, messages, new Date());
    expect(lines.map((text) => text.replace(/.?\[2J/, ""))).toContain(line);
    expect(lines.join("")).not.toContain("\u001b");
    expect(lines.join("\n")).toMatch(/SIGNATURE key of|署名用の鍵/);
  });
});

describe("release", () => {
  it("tells the agent, and says so", async () => {
    const stop = await serve();
    const own = deps();
    expect(await run(["--json", "release"], own)).toBe(0);
    expect(JSON.parse(own.out())).toEqual({ released: [join(dir.path, "r/jpki-agent/agent.sock")] });
    await stop();
  });

  it("has nothing to do where no agent runs", async () => {
    const own = deps();
    expect(await run(["--json", "release"], own)).toBe(0);
    expect(JSON.parse(own.out())).toEqual({ released: [] });
  });
});

describe("doctor", () => {
  it.each([
    ["C", /^FAIL {2}agent: does not run/m, /^ {6}hint: start it: jpki-agent agent$/m],
    ["ja_JP.UTF-8", /^異常 {2}エージェントが動作していません/m, /^ {6}対処: jpki-agent agent で起動してください$/m],
  ])("in %s: each finding, its mend under it, and status 1 if one fails", async (LANG, finding, mend) => {
    const own = deps({ LANG });
    expect(await run([...VIRTUAL, "doctor"], own), own.err()).toBe(1);
    expect(own.out()).toMatch(finding);
    expect(own.out()).toMatch(mend);
  });

  it("--report needs nobody's PIN and no agent", async () => {
    const own = deps();
    expect(await run([...VIRTUAL, "doctor", "--report", "--pin-prompt", "none"], own), own.err()).toBe(0);
    expect(own.out()).toMatch(/confirmed {2}short-ef-read/);
    expect(own.out()).toMatch(/not tried {2}power-clears-verified/);
  });

  it.each([
    [["--server", "-oProxyCommand=x"], "bad-option-value"],
    [["--report", "--show-prompt"], "conflicting-options"],
    [["--report", "--server", "nas"], "conflicting-options"],
  ])("%j is a mistake", async (args, problem) => {
    const own = deps();
    expect(await run([...VIRTUAL, "--json", "doctor", ...args], own)).toBe(2);
    expect(JSON.parse(own.err()).details).toMatchObject({ problem });
  });
});

describe("exitStatusOfReport", () => {
  const NOW = new Date("2030-01-01T00:00:00Z");
  const fault = (code: "PCSC_UNAVAILABLE" | "CARD_BUSY" | "PIN_NO_PROMPT") => ({ code, message: "m", details: {} });
  const card: CardStatus = {
    state: "ready",
    reader: "R",
    triesLeft: { auth: 3 },
    notBefore: "2026-01-01T00:00:00.000Z",
    notAfter: "2031-01-01T00:00:00.000Z",
  };
  const devices = (...cards: readonly CardStatus[]): DeviceStatus => ({
    readers: [{ name: "R", state: "present" }],
    cards,
  });
  const running = (status: DeviceStatus, more: Partial<RunningAgentStatus> = {}): StatusReport => ({
    agent: {
      kind: "found",
      socket: "/s",
      status: {
        kind: "running",
        pid: 1,
        version: "v",
        uptimeSeconds: 0,
        socket: "/s",
        pinCache: "off",
        devices: status,
        ...more,
      },
    },
    devices: status,
    lastRefusal: undefined,
  });
  const locked: StatusReport = {
    agent: { kind: "found", socket: "/s", status: { kind: "locked" } },
    devices: undefined,
    lastRefusal: undefined,
  };

  it.each([
    ["all is usable", running(devices(card)), 0],
    ["no agent", { ...running(devices(card)), agent: { kind: "absent", socket: "/s" } }, 1],
    [
      "an agent that is silent",
      { ...running(devices(card)), agent: { kind: "silent", socket: "/s", error: new SocketError("IO_FAILED", "x") } },
      1,
    ],
    ["no PC/SC", running({ fault: fault("PCSC_UNAVAILABLE"), readers: [], cards: [] }), 3],
    ["no reader", running({ readers: [], cards: [{ state: "away" }] }), 3],
    ["no card", running(devices({ state: "away" })), 4],
    ["another card", running(devices({ state: "not-jpki", reader: "R" })), 4],
    ["another card beside ours", running(devices({ state: "not-jpki", reader: "R" }, card)), 0],
    ["a phone", running(devices({ state: "hidden", reader: "R", triesLeft: { auth: 3 } })), 0],
    ["nobody can be asked", running(devices(card), { promptFault: fault("PIN_NO_PROMPT") }), 5],
    ["a blocked PIN", running(devices({ ...card, triesLeft: { auth: 0 } })), 6],
    ["a blocked signature password", running(devices({ ...card, triesLeft: { auth: 3, sign: 0 } })), 0],
    ["a card in use", running(devices({ ...card, state: "unreadable", fault: fault("CARD_BUSY") })), 7],
    ["a locked agent", locked, 8],
    ["an expired certificate", running(devices({ ...card, notAfter: "2029-12-31T00:00:00.000Z" })), 9],
  ] as const)("%s", (_what, report, status) => {
    expect(exitStatusOfReport(report, NOW)).toBe(status);
  });
});
