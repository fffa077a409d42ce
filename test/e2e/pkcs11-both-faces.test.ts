/** SSH and TLS logins with one card at the same time: 200 of each, by clients that do not wait for each other. */

import { Client, type ConnectConfig } from "ssh2";
import { afterAll, beforeAll, expect, it } from "vitest";
import { startNginx } from "../helpers/nginx.ts";
import { CERTIFICATE_URI, KEY_URI, openPkcs11Desk, type Pkcs11Desk } from "../helpers/pkcs11-desk.ts";
import { runOk } from "../helpers/run.ts";
import { type Sshd, startSshd } from "../helpers/sshd.ts";
import type { TlsServer } from "../helpers/tls-server.ts";

const LOGINS = 200;
/** Clients of each kind at a time. */
const LANES = 4;
const PER_LANE = LOGINS / LANES;

let desk: Pkcs11Desk;
let sshd: Sshd;
let nginx: TlsServer;

beforeAll(async () => {
  desk = await openPkcs11Desk();
  sshd = await startSshd(desk.folder, (await desk.jpkiAgent("export-key")).stdout);
  const clientFiles = await desk.serverFiles("nginx");
  nginx = await startNginx({ folder: desk.at("nginx"), protocol: "TLSv1.3", clientFiles });
});

afterAll(async () => {
  await nginx?.close();
  await sshd?.close();
  await desk?.close();
});

function sshLogin(): Promise<void> {
  const config: ConnectConfig = {
    host: "127.0.0.1",
    port: sshd.port,
    username: sshd.user,
    agent: desk.sand.socketPath,
  };
  return new Promise((resolve, reject) => {
    const client = new Client();
    client.on("ready", () => client.end());
    client.on("close", () => resolve());
    client.on("error", reject);
    client.connect(config);
  });
}

async function sshLane(): Promise<number> {
  for (let i = 0; i < PER_LANE; i++) await sshLogin();
  return PER_LANE;
}

/** One program that logs in for each of its requests: a new connection, and no session taken up again. */
async function tlsLane(): Promise<number> {
  const token = ["--cert-type", "ENG", "--cert", CERTIFICATE_URI, "--key-type", "ENG", "--key", KEY_URI];
  const anew = ["--no-sessionid", "-H", "Connection: close"];
  const urls = Array.from({ length: PER_LANE }, (_, i) => `${nginx.url}${i}`);
  const args = ["-sS", "--fail", "--cacert", nginx.certificateFile, "--engine", "pkcs11", ...token, ...anew, ...urls];
  const { stdout } = await runOk("curl", args, { env: desk.env, timeoutMs: 150_000 });
  return stdout.match(/^in by TLSv1\.3$/gm)?.length ?? 0;
}

it("none fails, and the PIN is asked for once", { timeout: 180_000 }, async () => {
  await sshLogin();
  const before = desk.card.signatures.auth;
  const lanes = Array.from({ length: LANES }, () => [sshLane(), tlsLane()]).flat();
  const done = await Promise.all(lanes);
  expect(done).toEqual(lanes.map(() => PER_LANE));
  expect(desk.card.signatures.auth - before).toBe(2 * LOGINS);
  const questions = await desk.sand.questions();
  expect(questions.filter((question) => question.includes("Tries left"))).toHaveLength(1);
  expect(questions).toHaveLength(1 + LANES); // each curl is one login of PKCS#11, asked for by a yes
  expect(desk.card.triesLeft.auth).toBe(3);
});
