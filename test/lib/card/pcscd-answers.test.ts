/** pcscd as a server that the test plays: one that listens serves nobody yet. */

import { once } from "node:events";
import { createServer, type Server, type Socket } from "node:net";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createPcscMiniTransport, type PcscMiniOptions } from "../../../lib/card/pcsc-mini.ts";
import { pcscdAnswers } from "../../../lib/card/pcscd-answers.ts";
import { type TempDir, tempDir } from "../../helpers/temp-dir.ts";

let dir: TempDir;
let path: string;
let server: Server;

beforeEach(async () => {
  dir = await tempDir();
  path = join(dir.path, "pcscd.comm");
});

afterEach(() => dir.remove());

/** What it takes stays as it is until the test serves it. */
async function listen(): Promise<void> {
  server = createServer({ pauseOnConnect: true });
  server.listen(path);
  await once(server, "listening");
}

async function nextClient(): Promise<Socket> {
  const [client] = await once(server, "connection");
  return client;
}

describe("a service that listens", () => {
  beforeEach(listen);
  afterEach(() => new Promise((resolve) => server.close(resolve)));

  it("answers when it hangs up on a silent client", async () => {
    const client = nextClient();
    const answers = pcscdAnswers(path);
    (await client).resume();
    expect(await answers).toBe(true);
  });

  it("does not answer", async () => {
    const client = nextClient();
    expect(await pcscdAnswers(path, undefined, 50)).toBe(false);
    (await client).resume();
  });

  it("is waited for no longer than the caller wants", async () => {
    const stop = new AbortController();
    const client = nextClient();
    const answers = pcscdAnswers(path, stop.signal);
    const held = await client;
    stop.abort(new Error("enough"));
    await expect(answers).rejects.toBe(stop.signal.reason);
    held.resume();
    await expect(pcscdAnswers(path, stop.signal)).rejects.toBe(stop.signal.reason);
  });

  it("is not called before it answers, since the calls hold up the process", async () => {
    const calls: string[] = [];
    const transport = createPcscMiniTransport({ load: async () => deafBinding(calls), servicePath: path });
    const beforeStart = await nextClient();
    expect(calls).toEqual([]);
    beforeStart.resume();
    await transport.ready();
    expect(calls).toEqual(["start"]);

    const client = nextClient();
    const closed = transport.close();
    const beforeStop = await client;
    expect(calls).toEqual(["start"]);
    beforeStop.resume();
    await closed;
    expect(calls).toEqual(["start", "stop"]);
  });
});

describe("no service", () => {
  it("is told by the call itself", async () => {
    expect(await pcscdAnswers(path)).toBe(true);
  });
});

/** A binding that reports nothing. */
function deafBinding(calls: string[]) {
  class FakeClient {
    on(): void {}
    removeAllListeners(): void {}
    start(): void {
      calls.push("start");
    }
    stop(): void {
      calls.push("stop");
    }
  }
  const module: unknown = { Client: FakeClient };
  return module as Awaited<ReturnType<NonNullable<PcscMiniOptions["load"]>>>;
}
