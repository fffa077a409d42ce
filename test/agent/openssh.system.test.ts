/** OpenSSH's own programs against the agent, with a key that is on no card. */

import { readFile, writeFile } from "node:fs/promises";
import { userInfo } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type Daemon, startDaemon } from "../../agent/daemon.ts";
import type { SignPolicy } from "../../agent/sign-guard.ts";
import { keyFingerprint } from "../../lib/ssh/public-key.ts";
import { type CertificateSource, parseCertificateFile } from "../../lib/user-certificates.ts";
import { FakeKeyStore, fakeKey } from "../helpers/fake-key-store.ts";
import { type RecordingLogger, recordingLogger } from "../helpers/recording-logger.ts";
import { type RunResult, run, runOk } from "../helpers/run.ts";
import { type Sshd, startSshd } from "../helpers/sshd.ts";
import { type TempDir, tempDir } from "../helpers/temp-dir.ts";

const key = fakeKey("JPKI test");
const PUBLIC_LINE = `ssh-rsa ${Buffer.from(key.blob).toString("base64")} JPKI test`;

let folder: TempDir;
let daemon: Daemon | undefined;
let keys: FakeKeyStore;
let log: RecordingLogger;
const at = (name: string) => join(folder.path, name);

beforeEach(async () => {
  folder = await tempDir();
  await writeFile(at("key.pub"), `${PUBLIC_LINE}\n`);
});
afterEach(async () => {
  await daemon?.close();
  daemon = undefined;
  await folder.remove();
});

async function serve(policy: Partial<SignPolicy> = {}, certificates?: CertificateSource): Promise<void> {
  keys = new FakeKeyStore(key);
  log = recordingLogger();
  daemon = await startDaemon({
    socketPath: at("agent.sock"),
    keys,
    policy: { allowSha1: false, allowAnyData: false, ...policy },
    log,
    certificates,
  });
}

function env(): Record<string, string | undefined> {
  return { ...process.env, SSH_AUTH_SOCK: at("agent.sock"), HOME: folder.path };
}
const sshAdd = (...args: string[]): Promise<RunResult> => run("ssh-add", args, { env: env() });

/** What the log says of signatures, in order. */
const signLines = () => log.lines.flatMap(({ fields }) => (fields["event"] === "sign" ? [fields] : []));

describe("ssh-add", () => {
  it("-l and -L list the key", async () => {
    await serve();
    expect(await sshAdd("-l")).toMatchObject({
      status: 0,
      stdout: `2048 ${keyFingerprint(key.blob)} JPKI test (RSA)\n`,
    });
    expect(await sshAdd("-L")).toMatchObject({ status: 0, stdout: `${PUBLIC_LINE}\n` });
  });

  it("-D forgets, and says so", async () => {
    await serve();
    expect((await sshAdd("-D")).status).toBe(0);
    expect(keys.forgotten).toBe(1);
  });

  it("-T signs random bytes, which is refused unless any data is allowed", async () => {
    await serve({ allowSha1: true });
    expect((await sshAdd("-T", at("key.pub"))).status).toBe(1);
    expect(signLines()).toEqual([expect.objectContaining({ result: "refused", reason: "unknown-data" })]);
    await daemon?.close();
    await serve({ allowSha1: true, allowAnyData: true });
    expect(await sshAdd("-T", at("key.pub"))).toMatchObject({ status: 0 });
  });

  const askpass = async (word: string): Promise<Record<string, string | undefined>> => {
    await writeFile(at("askpass"), `#!/bin/sh\necho '${word}'\n`, { mode: 0o700 });
    return { ...env(), SSH_ASKPASS: at("askpass"), SSH_ASKPASS_REQUIRE: "force" };
  };

  it("-x locks: nothing is listed or signed, until -X and the same password", async () => {
    await serve();
    const typed = async (word: string, ...args: string[]) => run("ssh-add", args, { env: await askpass(word) });
    expect((await typed("open sesame", "-x")).status).toBe(0);
    expect(keys.forgotten).toBe(1);
    expect(await sshAdd("-l")).toMatchObject({ status: 1, stdout: "The agent has no identities.\n" });
    expect((await sshAdd("-T", at("key.pub"))).status).not.toBe(0);
    expect((await sshAdd("-D")).status).toBe(0);
    expect((await typed("another", "-x")).status).not.toBe(0);
    expect((await typed("wrong", "-X")).status).not.toBe(0);
    expect((await typed("open sesame", "-X")).status).toBe(0);
    expect((await sshAdd("-l")).status).toBe(0);
    expect(JSON.stringify(log.lines)).not.toContain("sesame");
  });

  it("-d takes the key out of the list", async () => {
    await serve();
    expect((await sshAdd("-d", at("key.pub"))).status).toBe(0);
    expect((await sshAdd("-l")).status).toBe(1);
    expect((await sshAdd("-d", at("key.pub"))).status).not.toBe(0);
  });

  it.each([
    { args: ["-X"], request: "unlock" },
    { args: ["-s", "/usr/lib/none.so"], request: "add-smartcard" },
    { args: ["-e", "/usr/lib/none.so"], request: "remove-smartcard" },
    { args: ["-t", "60", "other"], request: "add-constrained" },
  ])("$args is refused, and the agent goes on", async ({ args, request }) => {
    await runOk("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", at("other")]);
    await serve();
    const refused = await run("ssh-add", args, { env: await askpass("word"), cwd: folder.path });
    expect(refused.status).not.toBe(0);
    expect(log.lines.map(({ fields }) => [fields["request"] ?? fields["event"], fields["result"]])).toContainEqual([
      request,
      "refused",
    ]);
    expect((await sshAdd("-l")).status).toBe(0);
  });
});

describe("ssh-keygen", () => {
  it.each(["sha512", "sha256"])("-Y sign with %s, and -Y verify is content", async (hash) => {
    await serve();
    await writeFile(at("message"), "a message\n");
    await writeFile(at("allowed"), `me@example.com namespaces="file" ${PUBLIC_LINE}\n`);
    await runOk(
      "ssh-keygen",
      ["-Y", "sign", "-n", "file", "-O", `hashalg=${hash}`, "-f", at("key.pub"), at("message")],
      {
        env: env(),
      },
    );
    const verified = await runOk(
      "ssh-keygen",
      ["-Y", "verify", "-f", at("allowed"), "-I", "me@example.com", "-n", "file", "-s", at("message.sig")],
      { input: "a message\n" },
    );
    expect(verified.stdout).toContain('Good "file" signature');
    expect(signLines()).toEqual([
      expect.objectContaining({ result: "signed", purpose: { kind: "sshsig", namespace: "file" } }),
    ]);
  });

  it("-U -s does not make the key a certificate authority", async () => {
    await serve();
    await runOk("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", at("user")]);
    const result = await run("ssh-keygen", ["-U", "-s", at("key.pub"), "-I", "id", at("user.pub")], { env: env() });
    expect(result.status).not.toBe(0);
    expect(signLines()).toEqual([expect.objectContaining({ result: "refused", reason: "certificate" })]);
  });
});

describe("ssh and sshd", () => {
  let sshd: Sshd | undefined;
  afterEach(async () => {
    await sshd?.close();
    sshd = undefined;
  });

  /** @returns `ssh` for a fresh server that lets `authorizedKeys` in. */
  async function server(authorizedKeys = PUBLIC_LINE) {
    const started = await startSshd(folder.path, `${authorizedKeys}\n`);
    sshd = started;
    const ssh = (...args: string[]): Promise<RunResult> =>
      run("ssh", ["-F", started.clientConfig, ...args], { env: env() });
    return { sshd: started, ssh };
  }

  it.each(["rsa-sha2-512", "rsa-sha2-256"])("log in with %s on a bound connection", async (algorithm) => {
    await serve();
    const { sshd, ssh } = await server();
    const result = await ssh("-o", `PubkeyAcceptedAlgorithms=${algorithm}`, "127.0.0.1", "echo", "hello");
    expect(result, await sshd.log()).toMatchObject({ status: 0, stdout: "hello\n" });
    expect(signLines()).toEqual([
      expect.objectContaining({
        result: "signed",
        algorithm,
        purpose: expect.objectContaining({
          kind: "ssh-login",
          user: sshd.user,
          hostKeyFingerprint: expect.stringMatching(/^SHA256:/),
          forwarded: false,
        }),
      }),
    ]);
  });

  it("log in with a certificate that lies on the disk, the plain key being let in nowhere", async () => {
    await runOk("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", at("ca")]);
    await runOk("ssh-keygen", ["-q", "-s", at("ca"), "-I", "id", "-n", userInfo().username, at("key.pub")]);
    await serve();
    const { sshd, ssh } = await server(`cert-authority ${await readFile(at("ca.pub"), "utf8")}`);
    const files = ["-o", `CertificateFile=${at("key-cert.pub")}`, "-o", `IdentityFile=${at("key.pub")}`];
    expect(await ssh(...files, "127.0.0.1", "true"), await sshd.log()).toMatchObject({ status: 0 });
    expect(signLines()).toEqual([expect.objectContaining({ result: "signed", algorithm: "rsa-sha2-512" })]);
  });

  it("log in with a certificate that the agent offers, ssh having no file at all", async () => {
    await runOk("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", at("ca")]);
    await runOk("ssh-keygen", ["-q", "-s", at("ca"), "-I", "id", "-n", userInfo().username, at("key.pub")]);
    const text = await readFile(at("key-cert.pub"), "utf8");
    await serve({}, () => [parseCertificateFile("key-cert.pub", text)]);
    const { sshd, ssh } = await server(`cert-authority ${await readFile(at("ca.pub"), "utf8")}`);
    expect((await sshAdd("-L")).stdout.split("\n").map((line) => line.split(" ")[0])).toEqual([
      "ssh-rsa",
      "ssh-rsa-cert-v01@openssh.com",
      "",
    ]);
    expect(await ssh("127.0.0.1", "true"), await sshd.log()).toMatchObject({ status: 0 });
    expect(signLines()).toEqual([expect.objectContaining({ result: "signed", key: keyFingerprint(key.blob) })]);
  });

  it("a forwarded agent lists over there, and signs nothing unless that host is allowed", async () => {
    await serve();
    const { sshd, ssh } = await server();
    const list = await ssh("-A", "127.0.0.1", "ssh-add", "-L");
    expect(list, await sshd.log()).toMatchObject({ status: 0, stdout: `${PUBLIC_LINE}\n` });
    const there = `ssh -F ${sshd.clientConfig} 127.0.0.1 true`;
    expect((await ssh("-A", "127.0.0.1", there)).status).toBe(255);
    expect(signLines().at(-1)).toMatchObject({ result: "refused", reason: "forwarded" });
    await daemon?.close();
    await serve({ allowForwarded: (hostKeys) => hostKeys.length === 2 });
    expect(await ssh("-A", "127.0.0.1", there), await sshd.log()).toMatchObject({ status: 0 });
    expect(signLines().at(-1)).toMatchObject({ result: "signed", purpose: { forwarded: true } });
  });
});
