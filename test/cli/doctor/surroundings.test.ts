import { describe, expect, it } from "vitest";
import { checkKeychain } from "../../../cli/doctor/keychain.ts";
import { checkPrompt, showPrompt } from "../../../cli/doctor/prompt.ts";
import { checkSocket } from "../../../cli/doctor/socket.ts";
import type { FoundAgent } from "../../../cli/find-agent.ts";
import { PinError, SocketError } from "../../../lib/errors.ts";
import type { PinVault } from "../../../lib/pin/vault.ts";
import { person } from "../../helpers/card-keys.ts";
import { FakePrompt } from "../../helpers/fake-prompt.ts";
import { spyPin } from "../../helpers/spy-pin.ts";

const OURS = "/run/user/1000/jpki-agent/agent.sock";
const STATUS = {
  kind: "running",
  pid: 7,
  version: "v",
  uptimeSeconds: 0,
  socket: OURS,
  pinCache: "off",
  devices: { readers: [], cards: [] },
} as const;
const FOUND: FoundAgent = { kind: "found", socket: OURS, status: STATUS };
const ABSENT: FoundAgent = { kind: "absent", socket: OURS };
const brief = (found: readonly { id: string; level: string }[]) => found.map(({ id, level }) => `${id} ${level}`);

describe("checkSocket", () => {
  const check = (agent: FoundAgent, authSock?: string, sshConfig?: string) =>
    checkSocket({ agent, authSock, authSockDead: authSock === "/tmp/dead", sshConfig });

  it.each([
    [FOUND, "agent-runs ok"],
    [ABSENT, "agent-absent fail"],
    [{ kind: "found", socket: OURS, status: { kind: "locked" } }, "agent-locked warn"],
    [{ kind: "silent", socket: OURS, error: new SocketError("IO_FAILED", "late") }, "agent-silent fail"],
  ] as const)("the agent: %j", (agent, expected) => {
    expect(brief(check(agent, OURS))).toEqual([expected, "auth-sock-ours ok"]);
  });

  it.each([
    [undefined, undefined, "auth-sock-unset fail"],
    ["", undefined, "auth-sock-unset fail"],
    [OURS, undefined, "auth-sock-ours ok"],
    ["/run/user/1000/jpki-agent/../jpki-agent/agent.sock", undefined, "auth-sock-ours ok"],
    ["/tmp/other", undefined, "auth-sock-other fail"],
    ["/tmp/dead", undefined, "auth-sock-dead fail"],
    ["/tmp/other", `Host *\n  IdentityAgent ${OURS}\n`, "auth-sock-config ok"],
    [undefined, "Host nas\n\tidentityagent ~/run/jpki-agent/agent.sock\n", "auth-sock-config ok"],
    [undefined, `# IdentityAgent ${OURS}\n`, "auth-sock-unset fail"],
  ])("SSH_AUTH_SOCK %j, configuration %j: %s", (authSock, config, expected) => {
    expect(brief(check(FOUND, authSock, config))[1]).toBe(expected);
  });

  it.each([
    ["/run/user/1000/keyring/ssh", "gnome-keyring"],
    ["/run/user/1000/keyring/.ssh", "gnome-keyring"],
    ["/run/user/1000/gcr/ssh", "gnome-keyring"],
    ["/run/user/1000/gnupg/S.gpg-agent.ssh", "gpg-agent"],
    ["/tmp/ssh-XXXXab12/agent.4711", "openssh"],
    ["/run/user/1000/openssh_agent", "openssh"],
    ["/private/tmp/com.apple.launchd.abc/Listeners", "macos"],
    ["/home/t/.1password/agent.sock", "1password"],
    ["/tmp/x", "unknown"],
  ])("%s is %s", (path, agent) => {
    expect(check(FOUND, path)[1]).toMatchObject({ facts: { agent } });
  });
});

describe("checkPrompt", () => {
  const none = {
    kind: "none",
    problem: "no-display",
    reason: "no terminal",
    hint: "open one",
    missing: ["DISPLAY"],
  } as const;
  const fault = { code: "PIN_NO_PROMPT", message: "x", details: {} } as const;

  it("tells the first way", () => {
    const choice = { kind: "ways", ways: [{ kind: "askpass", program: "/a" }, { kind: "tty" }] } as const;
    expect(checkPrompt(choice, undefined)).toMatchObject([
      { id: "prompt-way", facts: { way: "askpass", program: "/a" } },
    ]);
  });

  it("tells why there is none, here and for the running agent", () => {
    const found = checkPrompt(none, fault);
    expect(brief(found)).toEqual(["prompt-agent-fault fail", "prompt-none fail"]);
    expect(found[1]).toMatchObject({ facts: { fault: { hint: "open one", details: { missing: ["DISPLAY"] } } } });
  });
});

describe("showPrompt", () => {
  const signal = new AbortController().signal;

  it.each([
    ["1234", "answered"],
    ["12", "answered"],
    [null, "cancelled"],
  ])("%j: %s", async (answer, told) => {
    expect(await showPrompt(person(answer), signal)).toMatchObject({ id: "prompt-shown", facts: { answer: told } });
  });

  it("wipes what was typed", async () => {
    const pin = spyPin("1234");
    await showPrompt(new FakePrompt((question) => question.kind === "pin" && question.answer(pin)), signal);
    expect(pin.wiped).toBe(true);
  });

  it("tells that it cannot be shown", async () => {
    const broken = new FakePrompt((question) => question.fail(new PinError("PIN_NO_PROMPT", "no window")));
    expect(await showPrompt(broken, signal)).toMatchObject({ id: "prompt-broken", level: "fail" });
  });
});

describe("checkKeychain", () => {
  const vault = (read: PinVault["read"]): PinVault => ({ read, save: async () => {}, erase: async () => false });
  const fails = vault(async () => {
    throw new PinError("KEYCHAIN_UNAVAILABLE", "no D-Bus", { hint: "start it" });
  });

  it("works, whatever is in it", async () => {
    expect(
      await checkKeychain(
        vault(async () => undefined),
        true,
      ),
    ).toMatchObject({ id: "keychain-works" });
  });

  it.each([
    [true, "fail"],
    [false, "skipped"],
  ])("wanted %s: %s", async (wanted, level) => {
    expect(await checkKeychain(fails, wanted)).toMatchObject({ level, facts: { fault: { hint: "start it" } } });
  });
});
