import { describe, expect, it } from "vitest";
import { AgentLock } from "../../agent/agent-lock.ts";
import { newConnectionState } from "../../agent/connection-state.ts";
import { type AgentService, answerOwnExtension } from "../../agent/own-extensions.ts";
import type { RunningAgentStatus } from "../../lib/agent-status.ts";
import { decodeAgentStatus } from "../../lib/agent-status-reader.ts";
import { utf8 } from "../../lib/bytes.ts";
import { silentLogger } from "../../lib/log.ts";
import { EXTENSION_FAILURE, SUCCESS } from "../../lib/ssh/agent-response.ts";
import { EXTENSION_FORGET, EXTENSION_RELEASE, EXTENSION_STATUS } from "../../lib/ssh/message-numbers.ts";
import { FakeKeyStore } from "../helpers/fake-key-store.ts";

const STATUS: RunningAgentStatus = {
  kind: "running",
  pid: 1,
  version: "v",
  uptimeSeconds: 0,
  socket: "/s",
  pinCache: "off",
  devices: { readers: [], cards: [] },
};

function setUp() {
  const keys = new FakeKeyStore();
  const lock = new AgentLock({ now: () => 0 });
  const state = newConnectionState(silentLogger);
  const calls: string[] = [];
  const service: AgentService = {
    status: async () => {
      calls.push("status");
      return STATUS;
    },
    release: async () => void calls.push("release"),
  };
  const ask = (name: string, withService: AgentService | undefined = service) =>
    answerOwnExtension(name, { keys, lock, service: withService }, state, new AbortController().signal);
  return { keys, lock, state, calls, ask };
}

describe("status@jpki-agent", () => {
  it("is answered by the document", async () => {
    const answer = await setUp().ask(EXTENSION_STATUS);
    expect(answer).toMatchObject({ kind: "extension-response", name: EXTENSION_STATUS });
    expect(answer.kind === "extension-response" && decodeAgentStatus(answer.body)).toEqual(STATUS);
  });

  it("of a locked agent is that it is locked; no card is asked", async () => {
    const { ask, lock, calls } = setUp();
    await lock.lock(utf8("secret"));
    const answer = await ask(EXTENSION_STATUS);
    expect(answer.kind === "extension-response" && new TextDecoder().decode(answer.body)).toBe('{"kind":"locked"}');
    expect(calls).toEqual([]);
  });
});

describe("release@jpki-agent", () => {
  it("lets go of the card and forgets nothing", async () => {
    const { ask, calls, keys } = setUp();
    expect(await ask(EXTENSION_RELEASE)).toBe(SUCCESS);
    expect([calls, keys.forgotten]).toEqual([["release"], 0]);
  });

  it("works while the agent is locked", async () => {
    const { ask, lock } = setUp();
    await lock.lock(utf8("secret"));
    expect(await ask(EXTENSION_RELEASE)).toBe(SUCCESS);
  });
});

describe("a connection that ssh has bound, perhaps a forwarded one", () => {
  it.each([EXTENSION_STATUS, EXTENSION_RELEASE])("is refused %s", async (name) => {
    const { ask, state, calls } = setUp();
    state.bindings.bind(new Uint8Array(3)); // not even a binding that could be verified
    expect(await ask(name)).toBe(EXTENSION_FAILURE);
    expect(calls).toEqual([]);
  });

  it("may take rights away", async () => {
    const { ask, state, keys } = setUp();
    state.bindings.bind(new Uint8Array(3));
    expect(await ask(EXTENSION_FORGET)).toBe(SUCCESS);
    expect(keys.forgotten).toBe(1);
  });
});

it("an agent without a service forgets, and knows nothing else", async () => {
  const { keys, lock, state } = setUp();
  const ask = (name: string) => answerOwnExtension(name, { keys, lock }, state, new AbortController().signal);
  expect(await ask(EXTENSION_FORGET)).toBe(SUCCESS);
  expect(await ask(EXTENSION_STATUS)).toBe(EXTENSION_FAILURE);
});
