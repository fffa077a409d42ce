import { join } from "node:path";
import { expect, it } from "vitest";
import { run } from "../../cli/program.ts";
import { utf8 } from "../../lib/bytes.ts";
import { encodeRequest } from "../../lib/ssh/agent-protocol.ts";
import { fakeDeps } from "../helpers/cli.ts";
import { FakeUpstream } from "../helpers/fake-upstream.ts";
import { tempDir } from "../helpers/temp-dir.ts";

const FORGET = encodeRequest({ kind: "extension", name: "forget@jpki-agent", body: utf8("") });

it.each([
  ["auth", [[FORGET]]],
  ["sign", []],
])("pin change %s: what agents remember of it is forgotten before the card is touched", async (pin, told) => {
  const dir = await tempDir();
  const agent = new FakeUpstream(join(dir.path, "agent.sock"));
  await agent.start();
  const deps = fakeDeps({
    env: { SSH_AUTH_SOCK: join(dir.path, "agent.sock"), XDG_STATE_HOME: dir.path, XDG_RUNTIME_DIR: dir.path },
    home: dir.path,
  });
  try {
    expect(await run(["--card", "virtual", "pin", "change", pin, "--pin-prompt", "none"], deps), deps.err()).toBe(5);
    expect(agent.connections).toEqual(told);
  } finally {
    await agent.stop();
    await dir.remove();
  }
});
