/** What ssh_config(5) has to be told: where the agent is, and which of its keys are the card's. */

import { ConfigError } from "../../lib/errors.ts";

export interface SshSetUp {
  /** The agent's socket, absolute. */
  readonly socket: string;
  /** Patterns of hosts. */
  readonly hosts: readonly string[];
  /** Public keys of cards and files of other keys that go on to be used, as ssh_config has them (`~/.ssh/…`). */
  readonly identityFiles: readonly string[];
}

/**
 * A block that ends at the next `Host`, or at the end of the file. With IdentitiesOnly a server sees the keys named
 * here and no others, so that the card is not one of many that an agent offers in turn.
 *
 * @throws ConfigError `CONFIG_INVALID`: a path or pattern that ssh_config cannot hold.
 */
export function sshLines({ socket, hosts, identityFiles }: SshSetUp): string {
  return [
    `Host ${hosts.map(word).join(" ")}`,
    `    IdentityAgent ${word(socket).replaceAll("%", "%%")}`,
    ...identityFiles.map((file) => `    IdentityFile ${word(file).replaceAll("%", "%%")}`),
    ...(identityFiles.length > 0 ? ["    IdentitiesOnly yes"] : []),
    "",
  ].join("\n");
}

/** Source: ssh_config(5): arguments with spaces stand in double quotes; `${NAME}` is the environment's. */
function word(text: string): string {
  if (text === "" || /["\p{Cc}\\]|\$\{/u.test(text))
    throw new ConfigError(`${JSON.stringify(text)} cannot stand in ssh_config`, {
      details: { problem: "unfit-for-ssh-config", value: text },
    });
  return /[\s#=]/.test(text) ? `"${text}"` : text;
}
