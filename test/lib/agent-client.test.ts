import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { askAgent } from "../../lib/agent-client.ts";
import { encodeResponse } from "../../lib/ssh/agent-response.ts";
import { encodeFrame } from "../../lib/ssh/wire.ts";
import { type TempDir, tempDir } from "../helpers/temp-dir.ts";

const LIST = { kind: "list" } as const;
let dir: TempDir;
let close: () => void = () => {};
beforeEach(async () => {
  dir = await tempDir();
});
afterEach(async () => {
  close();
  await dir.remove();
});

/** An agent that does this with each connection. */
async function serve(onRequest: (socket: Socket) => void): Promise<string> {
  const path = join(dir.path, "a.sock");
  const server = createServer((socket) => socket.once("data", () => onRequest(socket)));
  server.listen(path);
  await once(server, "listening");
  close = () => server.close();
  return path;
}

describe("askAgent", () => {
  it("gives the answer, in however many pieces it comes", async () => {
    const frame = encodeFrame(encodeResponse({ kind: "extension-response", name: "x", body: new Uint8Array(100) }));
    const path = await serve((socket) => {
      socket.write(frame.subarray(0, 3));
      setImmediate(() => socket.write(frame.subarray(3)));
    });
    expect(await askAgent(path, LIST, { timeoutMs: 5000 })).toMatchObject({ kind: "extension-response", name: "x" });
  });

  it.each(["no/such/folder", "nothing"])("nobody is there: %s", async (name) => {
    expect(await askAgent(join(dir.path, name), LIST, { timeoutMs: 5000 })).toBeUndefined();
  });

  it.each([
    ["hangs up", (socket: Socket) => socket.destroy(), "IO_FAILED"],
    ["does not answer", () => {}, "IO_FAILED"],
    ["answers no message", (socket: Socket) => socket.write(encodeFrame(Uint8Array.of(99))), "MALFORMED"],
    ["announces too much", (socket: Socket) => socket.write(Uint8Array.of(0xff, 0xff, 0xff, 0xff)), "TOO_LARGE"],
  ] as const)("an agent that %s", async (_what, onRequest, code) => {
    const path = await serve(onRequest);
    await expect(askAgent(path, LIST, { timeoutMs: 100 })).rejects.toMatchObject({ code });
  });

  it("ends with its signal", async () => {
    const stop = new AbortController();
    const path = await serve(() => stop.abort(new Error("stopped")));
    await expect(askAgent(path, LIST, { timeoutMs: 5000, signal: stop.signal })).rejects.toThrow("stopped");
  });
});
