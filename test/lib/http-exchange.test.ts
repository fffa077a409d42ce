import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, expect, it } from "vitest";
import { utf8 } from "../../lib/bytes.ts";
import { exchangeHttp, type HttpExchange } from "../../lib/http-exchange.ts";

const servers: Server[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});

async function serve(listener: RequestListener): Promise<URL> {
  const server = createServer(listener);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return new URL(`http://127.0.0.1:${port}/path`);
}

const ask = (url: URL, options: Partial<HttpExchange> = {}) =>
  exchangeHttp({ url, maxBytes: 1000, timeoutMs: 10_000, signal: new AbortController().signal, ...options });
const fails = (code: string) => expect.objectContaining({ code });

it("gets a body, and posts one with its type", async () => {
  const url = await serve(async (request, response) => {
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part);
    response.end(`${request.method} ${request.url} ${request.headers["content-type"]} ${Buffer.concat(parts)}`);
  });
  expect(Buffer.from(await ask(url)).toString()).toBe("GET /path undefined ");
  const post = { type: "application/ocsp-request", body: utf8("the body") };
  expect(Buffer.from(await ask(url, { post })).toString()).toBe("POST /path application/ocsp-request the body");
});

it.each([301, 404, 500])("status %d is no answer, also where it leads elsewhere", async (status) => {
  const url = await serve((_, response) => response.writeHead(status, { location: "http://127.0.0.1:1/" }).end("text"));
  await expect(ask(url)).rejects.toEqual(fails("IO_FAILED"));
});

it("takes no more than the limit, told or not", async () => {
  const url = await serve((_, response) => {
    response.write(Buffer.alloc(600));
    response.end(Buffer.alloc(401));
  });
  await expect(ask(url)).rejects.toEqual(fails("TOO_LARGE"));
  expect(await ask(url, { maxBytes: 1001 })).toHaveLength(1001);
});

it("ends after its time, also while bytes still come", async () => {
  const url = await serve((_, response) => {
    const timer = setInterval(() => response.write("."), 5);
    response.on("close", () => clearInterval(timer));
  });
  await expect(ask(url, { timeoutMs: 100, maxBytes: 1 << 20 })).rejects.toEqual(fails("IO_FAILED"));
});

it("ends with the signal's reason", async () => {
  const controller = new AbortController();
  const reason = new Error("stopped");
  const url = await serve(() => controller.abort(reason));
  await expect(ask(url, { signal: controller.signal })).rejects.toBe(reason);
});

it("a connection that breaks is no answer", async () => {
  const url = await serve((request) => request.socket.destroy());
  await expect(ask(url)).rejects.toEqual(fails("IO_FAILED"));
  const half = await serve((_, response) => {
    response.writeHead(200, { "content-length": "100" });
    response.write("half", () => response.destroy());
  });
  await expect(ask(half)).rejects.toEqual(fails("IO_FAILED"));
});

it("a server that goes on in another protocol is no answer", async () => {
  const url = await serve(({ socket }) => {
    socket.write("HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n");
  });
  await expect(ask(url)).rejects.toEqual(fails("IO_FAILED"));
});
