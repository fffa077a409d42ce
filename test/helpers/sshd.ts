/**
 * A real sshd for root's own use on a free loopback port: a listener of ours hands each connection to `sshd -i`, so no
 * port has to be chosen in advance and nothing is left running.
 */

import { type ChildProcess, spawn } from "node:child_process";
import { mkdir, open, readFile, writeFile } from "node:fs/promises";
import { createServer, type Socket } from "node:net";
import { userInfo } from "node:os";
import { join } from "node:path";
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
  const log = await open(at("sshd.log"), "a");
  const children = new Set<ChildProcess>();
  const server = createServer({ pauseOnConnect: true }, (socket: Socket) => {
    const child = spawn(SSHD, ["-i", "-e", "-f", at("sshd_config")], { stdio: [socket, socket, log.fd] });
    children.add(child);
    child.on("exit", () => children.delete(child));
    socket.on("error", () => {}); // The client may hang up at any time; sshd has its own copy of the socket.
    child.on("spawn", () => socket.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the sshd listener has no port");
  const { port } = address;
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
    close: async () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      await Promise.all(
        [...children].map(
          (child) =>
            new Promise<void>((resolve) => {
              child.once("exit", () => resolve());
              child.kill("SIGTERM");
            }),
        ),
      );
      await closed;
      await log.close();
    },
  };
}
