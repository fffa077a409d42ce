/** Several real sshds as hosts with names, each with its own host key: `ssh -F config a`. */

import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type Sshd, startSshd } from "./sshd.ts";

export interface SshHosts {
  /** An ssh_config that knows all of them by name. */
  readonly config: string;
  readonly knownHosts: string;
  /** What all servers logged. */
  log(): Promise<string>;
  close(): Promise<void>;
}

export interface SshHostsOptions {
  readonly names: readonly string[];
  /** The content of every server's authorized_keys. */
  readonly authorizedKeys: string;
  readonly knownHosts: string;
}

export async function startSshHosts(folder: string, options: SshHostsOptions): Promise<SshHosts> {
  const { names, authorizedKeys, knownHosts } = options;
  const config = join(folder, "hosts_config");
  const servers: Sshd[] = [];
  const lines: string[] = [];
  const known: string[] = [];
  for (const name of names) {
    const own = join(folder, `sshd-${name}`);
    await mkdir(own);
    const server = await startSshd(own, authorizedKeys);
    servers.push(server);
    lines.push(`Host ${name}`, `  Port ${server.port}`, `  HostKeyAlias ${name}`);
    known.push(`${name} ${await readFile(join(own, "host_key.pub"), "utf8")}`);
  }
  lines.push(
    "Host *",
    "  HostName 127.0.0.1",
    `  User ${servers[0]?.user ?? "root"}`,
    `  UserKnownHostsFile ${knownHosts}`,
    "  GlobalKnownHostsFile none",
    "  StrictHostKeyChecking yes",
    "  PreferredAuthentications publickey",
    "  BatchMode yes",
  );
  await writeFile(config, `${lines.join("\n")}\n`);
  await writeFile(knownHosts, known.join(""));
  return {
    config,
    knownHosts,
    log: async () => (await Promise.all(servers.map((server) => server.log()))).join(""),
    close: async () => void (await Promise.all(servers.map((server) => server.close()))),
  };
}
