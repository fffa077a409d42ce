/**
 * A real sshd for root's own use on a free loopback port: a listener of ours hands each connection to `sshd -i`, so no
 * port has to be chosen in advance and nothing is left running.
 */

import { mkdir, readFile, writeFile } from "node:fs/promises";
import { userInfo } from "node:os";
import { join } from "node:path";
import { startInetd } from "./inetd.ts";
import { runOk } from "./run.ts";

const SSHD = "/usr/sbin/sshd";

export interface Sshd {
  readonly port: number;
  readonly user: string;
  /** `ssh` options for this server: known host, no other keys, no questions. */
  readonly clientConfig: string;
  /** The server's own log. */
  log(): Promise<string>;
  close(): Promise<void>;
}

/** @param authorizedKeys the file's content. */
export async function startSshd(folder: string, authorizedKeys: string): Promise<Sshd> {
  await mkdir("/run/sshd", { recursive: true });
  const at = (name: string) => join(folder, name);
  await runOk("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", at("host_key")]);
  await writeFile(at("authorized_keys"), authorizedKeys, { mode: 0o600 });
  await writeFile(
    at("sshd_config"),
    [
      `HostKey ${at("host_key")}`,
      `AuthorizedKeysFile ${at("authorized_keys")}`,
      "StrictModes no",
      "UsePAM no",
      "PermitRootLogin prohibit-password",
      "PasswordAuthentication no",
      "KbdInteractiveAuthentication no",
      "Subsystem sftp internal-sftp",
      "LogLevel VERBOSE",
      "",
    ].join("\n"),
  );
  const args = ["-i", "-e", "-f", at("sshd_config")];
  const { port, close } = await startInetd({ program: SSHD, args, logFile: at("sshd.log") });
  const hostKey = await readFile(at("host_key.pub"), "utf8");
  await writeFile(at("known_hosts"), `[127.0.0.1]:${port} ${hostKey}`);
  const user = userInfo().username;
  await writeFile(
    at("ssh_config"),
    [
      "Host *",
      `  Port ${port}`,
      `  User ${user}`,
      `  UserKnownHostsFile ${at("known_hosts")}`,
      "  GlobalKnownHostsFile none",
      "  StrictHostKeyChecking yes",
      "  PreferredAuthentications publickey",
      "  IdentityFile none",
      "  BatchMode yes",
      "",
    ].join("\n"),
  );
  return {
    port,
    user,
    clientConfig: at("ssh_config"),
    log: () => readFile(at("sshd.log"), "utf8"),
    close,
  };
}
