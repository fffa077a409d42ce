/** Documents signed by a card behind a real pcscd, and taken by openssl; beside an agent that uses the same card. */

import { readFile, stat, truncate, writeFile } from "node:fs/promises";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { DEFAULT_AUTH_PIN, DEFAULT_SIGN_PASSWORD, type VirtualCard } from "../../lib/virtual-card/card.ts";
import { encodePem } from "../../lib/x509/pem.ts";
import { JPKI_AGENT, startAgentProcess } from "../helpers/agent-process.ts";
import { type Desk, openDesk } from "../helpers/desk.ts";
import { testPki } from "../helpers/pki.ts";
import { run, runOk } from "../helpers/run.ts";

let desk: Desk;
let card: VirtualCard;
beforeAll(async () => {
  desk = await openDesk();
  const pki = await testPki();
  await writeFile(desk.at("doc"), "a document\n");
  await writeFile(desk.at("ca.pem"), encodePem(pki.signCaCertificate, "CERTIFICATE"));
  await writeFile(desk.at("auth-ca.pem"), encodePem(pki.authCaCertificate, "CERTIFICATE"));
  await writeFile(desk.at("auth.pem"), encodePem(pki.authCertificate, "CERTIFICATE"));
});
afterAll(() => desk?.close());

beforeEach(async () => {
  card = await desk.layCard();
  await desk.sand.answer(DEFAULT_SIGN_PASSWORD);
});

const openssl = (...args: readonly string[]) => runOk("openssl", args, { cwd: desk.folder });

async function jpkiAgent(...args: readonly string[]) {
  const result = await run(process.execPath, [JPKI_AGENT, ...args], { env: desk.sand.env, cwd: desk.folder });
  expect(result.status, result.stderr).toBe(0);
  return result;
}

describe("openssl takes what the card has signed", () => {
  it("CMS beside the file and around it, by the signature key", async () => {
    const { stderr } = await jpkiAgent("sign", "doc", "-o", "doc.p7s");
    expect(stderr).toMatch(/your name, address, birth date and sex/);
    expect((await stat(desk.at("doc.p7s"))).mode & 0o777).toBe(0o600);
    const verify = ["cms", "-verify", "-cades", "-binary", "-inform", "DER", "-CAfile", "ca.pem", "-out", "out"];
    await openssl(...verify, "-in", "doc.p7s", "-content", "doc");
    await jpkiAgent("sign", "--attached", "doc", "-o", "doc.p7m");
    await openssl(...verify, "-in", "doc.p7m");
    expect(await readFile(desk.at("out"), "utf8")).toBe("a document\n");
    await jpkiAgent("verify", "doc", "doc.p7s", "--ca", "ca.pem");
    expect(card.signatures).toEqual({ auth: 0, sign: 2 });
  });

  it("by the authentication key, for which openssl wants a yes of its own", async () => {
    await desk.sand.answer(DEFAULT_AUTH_PIN);
    await jpkiAgent("sign", "--key", "auth", "doc", "-o", "auth.p7s");
    const verify = ["cms", "-verify", "-binary", "-inform", "DER", "-CAfile", "auth-ca.pem", "-out", "out"];
    await openssl(...verify, "-in", "auth.p7s", "-content", "doc", "-purpose", "any");
    await openssl("x509", "-in", "auth.pem", "-noout", "-pubkey", "-out", "auth.pub");
    await jpkiAgent("sign", "--key", "auth", "--format", "raw", "doc", "-o", "doc.sig");
    await openssl("dgst", "-sha256", "-verify", "auth.pub", "-signature", "doc.sig", "doc");
    await jpkiAgent("verify", "doc", "doc.sig", "--key", "auth", "--cert", "auth.pem", "--ca", "auth-ca.pem");
  });
});

it("a file of 64 MiB is not in memory, neither signed nor verified", async () => {
  await writeFile(desk.at("big"), "");
  await truncate(desk.at("big"), 64 << 20);
  const hook = `process.on("exit", () => require("node:fs").writeFileSync("rss", String(process.resourceUsage().maxRSS)))`;
  await writeFile(desk.at("hook.cjs"), hook);
  const peakKib = async (...args: readonly string[]) => {
    const env = { ...desk.sand.env, NODE_OPTIONS: `--require ${desk.at("hook.cjs")}` };
    const result = await run(process.execPath, [JPKI_AGENT, ...args], { env, cwd: desk.folder });
    expect(result.status, result.stderr).toBe(0);
    return Number(await readFile(desk.at("rss"), "utf8"));
  };
  const small = await peakKib("sign", "--attached", "doc", "-o", "small.p7m");
  const signed = await peakKib("sign", "--attached", "big", "-o", "big.p7m");
  const verified = await peakKib("verify", "big.p7m", "--ca", "ca.pem", "-o", "out");
  expect((await stat(desk.at("out"))).size).toBe(64 << 20);
  expect(Math.max(signed, verified) - small).toBeLessThan(60 * 1024);
});

it("beside an agent that holds the card: both get their signature", async () => {
  await desk.sand.answer(DEFAULT_AUTH_PIN);
  await writeFile(desk.at("key.pub"), (await jpkiAgent("export-key")).stdout);
  const agent = await startAgentProcess(desk.sand, ["--card-hold", "3600"]);
  const env = { ...desk.sand.env };
  const sshSign = () =>
    runOk("ssh-keygen", ["-Y", "sign", "-f", "key.pub", "-n", "file"], { cwd: desk.folder, env, input: "x" });
  try {
    await sshSign();
    await desk.sand.answer(DEFAULT_SIGN_PASSWORD);
    await jpkiAgent("sign", "doc", "-o", "beside.p7s");
    await desk.sand.answer(DEFAULT_AUTH_PIN);
    await sshSign();
    expect(card.signatures).toEqual({ auth: 2, sign: 1 });
    expect(card.triesLeft).toMatchObject({ auth: 3, sign: 5 });
  } finally {
    await agent.stop();
  }
});
