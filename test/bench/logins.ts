/**
 * `npm run bench`: logins by jpki-agent beside those by OpenSSH's ssh-agent and by curl with OpenSC's module, by turns on
 * one pcscd with one virtual card. It asserts nothing but that each login succeeds.
 *
 * Options: `--runs N` (default 5), `--json`. Needs what the system tests need (test/run.mjs).
 */

import { parseArgs } from "node:util";
import { startAgentProcess } from "../helpers/agent-process.ts";
import { curlLogin, openscCurlLogin, openscEnv } from "../helpers/curl-login.ts";
import { startNginx } from "../helpers/nginx.ts";
import { startOpenscAgent } from "../helpers/opensc-agent.ts";
import { openPkcs11Desk, type Pkcs11Desk } from "../helpers/pkcs11-desk.ts";
import { type RunResult, runOk } from "../helpers/run.ts";
import { type Sshd, startSshd } from "../helpers/sshd.ts";
import type { TlsServer } from "../helpers/tls-server.ts";
import { formatResults, type JobResult, Samples, type Side } from "./samples.ts";

const START = "agent's start and first ssh login";
const SSH = "ssh login, agent and card warm";
const LIST = "ssh-add -l";
/** OpenSC's module is loaded by each curl anew: the peer of both is the same. */
const TLS_COLD = "TLS login by curl, card let go of";
const TLS = "TLS login by curl, card warm";

/** It touches no card and is short: more samples cost little. */
const LISTS_PER_ROUND = 10;

interface Place {
  readonly desk: Pkcs11Desk;
  readonly sshd: Sshd;
  readonly server: TlsServer;
  readonly samples: Samples;
}

const { values: options } = parseArgs({
  options: { runs: { type: "string", default: "5" }, json: { type: "boolean" } },
});
const results = await measure(Number(options.runs));
process.stdout.write(options.json ? `${JSON.stringify(results, null, 2)}\n` : formatResults(results));

async function measure(rounds: number): Promise<readonly JobResult[]> {
  if (!Number.isInteger(rounds) || rounds < 1) throw new Error("--runs takes a whole number from 1");
  const closers: (() => Promise<unknown>)[] = [];
  try {
    // OpenSC 0.23 does not survive a fresh card's 6F00 (beside-opensc.test.ts).
    const desk = await openPkcs11Desk({ card: { changes: { firstCommandFails: false } } });
    closers.unshift(() => desk.close());
    await desk.agent.stop(); // each round has its own
    const sshd = await startSshd(desk.folder, (await desk.jpkiAgent("export-key")).stdout);
    closers.unshift(() => sshd.close());
    const clientFiles = await desk.serverFiles("nginx");
    // OpenSC 0.23 makes no PSS, without which there is no TLS 1.3.
    const server = await startNginx({ folder: desk.at("nginx"), protocol: "TLSv1.2", clientFiles });
    closers.unshift(() => server.close());
    const samples = new Samples(() => desk.card.log.length);
    const place = { desk, sshd, server, samples };
    for (let round = 1; round <= rounds; round++) {
      process.stderr.write(`round ${round} of ${rounds}\n`);
      await ours(place);
      await peers(place);
    }
    return samples.results();
  } finally {
    for (const close of closers) await close();
  }
}

async function ours({ desk, sshd, server, samples }: Place): Promise<void> {
  await desk.sand.answer("1234", "yes");
  const login = () => sshLogin(desk, sshd, desk.sand.socketPath);
  const agent = await samples.take(START, "ours", async () => {
    const started = await startAgentProcess(desk.sand, ["--pkcs11-socket", "--card-hold", "3600"]);
    await login();
    return started;
  });
  try {
    await samples.take(SSH, "ours", login);
    await list(samples, "ours", desk, desk.sand.socketPath);
    const curl = async () => letIn(await curlLogin(server, desk.env));
    await desk.jpkiAgent("release");
    await samples.take(TLS_COLD, "ours", curl);
    await samples.take(TLS, "ours", curl);
  } finally {
    await agent.stop();
  }
}

/** ssh-agent is ended before curl: as long as it is connected, each keeps the other waiting. */
async function peers({ desk, sshd, server, samples }: Place): Promise<void> {
  await desk.sand.answer("1234");
  const opensc = await samples.take(START, "peer", async () => {
    const started = await startOpenscAgent(desk.sand);
    await sshLogin(desk, sshd, started.socketPath);
    return started;
  });
  try {
    await samples.take(SSH, "peer", () => sshLogin(desk, sshd, opensc.socketPath));
    await list(samples, "peer", desk, opensc.socketPath);
  } finally {
    await opensc.stop();
  }
  const env = await openscEnv(desk);
  for (const job of [TLS_COLD, TLS])
    await samples.take(job, "peer", async () => letIn(await openscCurlLogin(server, env)));
}

async function sshLogin(desk: Pkcs11Desk, sshd: Sshd, socketPath: string): Promise<void> {
  const args = ["-F", sshd.clientConfig, "-o", `IdentityAgent=${socketPath}`, "127.0.0.1", "true"];
  await runOk("ssh", args, { env: desk.sand.env });
}

async function list(samples: Samples, side: Side, desk: Pkcs11Desk, socketPath: string): Promise<void> {
  const env = { ...desk.sand.env, SSH_AUTH_SOCK: socketPath };
  for (let i = 0; i < LISTS_PER_ROUND; i++) await samples.take(LIST, side, () => runOk("ssh-add", ["-l"], { env }));
}

/** nginx answers 400 and 403 to whom it does not let in, which is no error of curl's. */
function letIn({ stdout, stderr }: RunResult): void {
  if (stdout !== "in by TLSv1.2\n") throw new Error(`curl was not let in: ${stdout}${stderr}`);
}
