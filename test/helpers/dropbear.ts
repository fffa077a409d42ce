/**
 * A real dropbear server for our own user on a free loopback port. It reads `~/.ssh/authorized_keys` and nothing else,
 * so nss_wrapper tells it of a home that is the test's.
 */

import { chmod, mkdir, writeFile } from "node:fs/promises";
import { userInfo } from "node:os";
import { join } from "node:path";
import { startInetd } from "./inetd.ts";
import { runOk } from "./run.ts";

const DROPBEAR = "/usr/sbin/dropbear";

export interface Dropbear {
  readonly port: number;
  /** The host key as in known_hosts: type and base64. */
  readonly hostKey: string;
  close(): Promise<void>;
}

/** @param authorizedKeys the file's content. */
export async function startDropbear(folder: string, authorizedKeys: string): Promise<Dropbear> {
  const at = (name: string) => join(folder, name);
  await mkdir(at("dropbear-home/.ssh"), { recursive: true, mode: 0o700 });
  await chmod(at("dropbear-home"), 0o700);
  await writeFile(at("dropbear-home/.ssh/authorized_keys"), authorizedKeys, { mode: 0o600 });
  const { username, uid, gid } = userInfo();
  await writeFile(at("passwd"), `${username}:x:${uid}:${gid}::${at("dropbear-home")}:/bin/sh\n`);
  await writeFile(at("group"), `${username}:x:${gid}:\n`);
  const made = await runOk("dropbearkey", ["-t", "ed25519", "-f", at("dropbear_key")]);
  const hostKey = /^ssh-ed25519 \S+/m.exec(made.stdout)?.[0];
  if (hostKey === undefined) throw new Error(`dropbearkey shows no public key\n${made.stdout}`);
  const { port, close } = await startInetd({
    program: DROPBEAR,
    args: ["-i", "-s", "-r", at("dropbear_key")],
    env: {
      ...process.env,
      LD_PRELOAD: "libnss_wrapper.so",
      NSS_WRAPPER_PASSWD: at("passwd"),
      NSS_WRAPPER_GROUP: at("group"),
    },
    logFile: at("dropbear.log"),
  });
  return { port, hostKey, close };
}
