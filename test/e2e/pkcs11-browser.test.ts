/**
 * Chromium logs in by TLS with the card: NSS's database has p11-kit's client as its module, added by the line that
 * `jpki-agent pkcs11 env` prints, and nginx is configured as `jpki-agent pkcs11 server-config nginx` prints.
 */

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Chromium, startChromium } from "../helpers/chromium.ts";
import { startNginx } from "../helpers/nginx.ts";
import { openPkcs11Desk, type Pkcs11Desk } from "../helpers/pkcs11-desk.ts";
import type { TlsServer, TlsServerOptions } from "../helpers/tls-server.ts";

let desk: Pkcs11Desk;
let chromium: Chromium;
let servers: TlsServer[];

async function open(profile: "card" | "old"): Promise<void> {
  servers = [];
  desk = await openPkcs11Desk({ card: { profile } });
}

async function serve(name: string, options: Omit<TlsServerOptions, "folder">): Promise<TlsServer> {
  const server = await startNginx({ ...options, folder: desk.at(name) });
  servers.push(server);
  return server;
}

async function browse(): Promise<void> {
  const { env, nssLines, folder } = desk;
  chromium = await startChromium({ env, nssLines, folder, servers });
}

async function close(): Promise<void> {
  await chromium?.close();
  for (const server of servers) await server.close();
  await desk?.close();
}

/** The page's text; the first visit is asked about. */
async function visit({ url }: TlsServer, isFirst = false): Promise<string> {
  const page = await chromium.newPage();
  const shown = page.goto(url).catch(() => undefined); // a page that says what is wrong is a page, too
  if (isFirst) await chromium.unlock();
  await shown;
  // biome-ignore lint/performance/useDomNodeTextContent: what a person sees, line by line
  return page.innerText("body");
}

describe("a card with PSS", () => {
  let tls12: TlsServer;
  let tls13: TlsServer;
  let stranger: TlsServer;

  beforeAll(async () => {
    await open("card");
    const clientFiles = await desk.serverFiles("nginx");
    tls12 = await serve("tls12", { protocol: "TLSv1.2", clientFiles });
    tls13 = await serve("tls13", { protocol: "TLSv1.3", clientFiles });
    const strangersFiles = await desk.strangersServerFiles("nginx");
    stranger = await serve("stranger", { protocol: "TLSv1.3", clientFiles: strangersFiles });
    await browse();
  });
  afterAll(close);

  it("is let in, after one window of Chromium's and one question of the agent's", async () => {
    expect(await visit(tls13, true)).toBe("in by TLSv1.3");
    expect(await visit(tls12)).toBe("in by TLSv1.2");
    expect(await desk.sand.questions()).toEqual([expect.stringMatching(/^Program: chromium /m)]);
    expect(desk.card.triesLeft.auth).toBe(3);
  });

  it("is refused where another certificate of the same CA is known", async () => {
    expect(await visit(stranger)).toMatch(/^403 Forbidden$/m);
  });
});

describe("a card without PSS", () => {
  let tls12: TlsServer;
  let tls13: TlsServer;

  beforeAll(async () => {
    await open("old");
    const clientFiles = await desk.serverFiles("nginx");
    tls12 = await serve("tls12", { protocol: "TLSv1.2", clientFiles });
    tls13 = await serve("tls13", { protocol: "TLSv1.3", clientFiles });
    await browse();
  });
  afterAll(close);

  it("is let in by TLS 1.2", async () => {
    expect(await visit(tls12, true)).toBe("in by TLSv1.2");
  });

  it("TLS 1.3, which it cannot: the words that a person reads", async () => {
    const text = await visit(tls13);
    for (const line of [
      "Access to localhost was denied",
      "There was a problem using your login certificate.",
      "ERR_SSL_CLIENT_AUTH_NO_COMMON_ALGORITHMS",
    ])
      expect(text.split("\n")).toContain(line);
  });
});
