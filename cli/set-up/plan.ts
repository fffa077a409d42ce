/** What shells, ssh and git need to use the agent: as text to print, and as what goes into which file. */

import { existsSync } from "node:fs";
import { join } from "node:path";
import type { CardKey } from "../../lib/card-key.ts";
import { formatPublicKey } from "../../lib/key-format.ts";
import type { Deps } from "../deps.ts";
import { type GitValues, gitValues, readGitValue, SIGNERS_SETTING } from "./git-settings.ts";
import { type LoginShell, shellFile, shellLines } from "./shell-lines.ts";
import { sshLines } from "./ssh-lines.ts";

export interface SetUpOptions {
  readonly shell: LoginShell;
  /** The agent's socket, absolute. */
  readonly socket: string;
  /** The cards' keys, the newest last; without any there is nothing for git. */
  readonly keys: readonly CardKey[];
  /** Hosts that are logged in to with the card alone; undefined: all, where the person's other keys go on to be used. */
  readonly hosts?: readonly string[] | undefined;
}

/** Whole lines for a file, absolute. */
export interface FileLines {
  readonly path: string;
  readonly text: string;
}

export interface SetUpPlan {
  readonly shell: FileLines;
  readonly ssh: FileLines;
  /** Public keys, each a file of its own. */
  readonly keyFiles: readonly FileLines[];
  readonly git?: { readonly values: GitValues; readonly signers: FileLines } | undefined;
}

/** The keys that ssh tries without any IdentityFile. Source: ssh_config(5), OpenSSH 9.2. */
const DEFAULT_KEYS = ["id_rsa", "id_ecdsa", "id_ecdsa_sk", "id_ed25519", "id_ed25519_sk"];

/** @throws ConfigError if a path cannot stand in ssh_config. */
export async function planSetUp(options: SetUpOptions, deps: Pick<Deps, "env" | "home">): Promise<SetUpPlan> {
  const { shell, socket, keys, hosts } = options;
  const keyFiles = await Promise.all(keys.map((key) => keyFile(key, deps.home)));
  const others = hosts === undefined && keys.length > 0 ? defaultKeys(deps.home) : [];
  const identityFiles = [...keyFiles.map(({ path }) => path), ...others].map((path) => underHome(path, deps.home));
  const newest = keyFiles.at(-1);
  return {
    shell: { path: shellFile(shell, deps), text: shellLines(shell, socket) },
    ssh: { path: sshConfigFile(deps.home), text: sshLines({ socket, hosts: hosts ?? ["*"], identityFiles }) },
    keyFiles,
    git: newest === undefined ? undefined : await planGit(newest, keyFiles, deps),
  };
}

export function sshConfigFile(home: string): string {
  return join(home, ".ssh/config");
}

export function ownSignersFile(home: string): string {
  return join(home, ".ssh/allowed_signers");
}

async function planGit(newest: FileLines, keyFiles: readonly FileLines[], deps: Pick<Deps, "env" | "home">) {
  const [named, email = ""] = [await readGitValue(SIGNERS_SETTING, deps), await readGitValue("user.email", deps)];
  const path = named?.replace(/^~(?=\/)/, deps.home) ?? ownSignersFile(deps.home);
  // Source: ssh-keygen(1), ALLOWED SIGNERS: principals are a list of patterns without spaces.
  const principal = /^[\w.%+-]+@[\w.-]+$/.test(email) ? email : "*";
  const lines = keyFiles.map(({ text }) => `${principal} namespaces="git" ${text}`);
  return { values: gitValues(newest.path, named ?? path), signers: { path, text: lines.join("") } };
}

async function keyFile(key: CardKey, home: string): Promise<FileLines> {
  const text = await formatPublicKey(key.publicKey, { format: "openssh", comment: key.comment });
  return { path: join(home, ".ssh", `my-number-${key.kind}-${key.id.slice(0, 8)}.pub`), text };
}

function defaultKeys(home: string): readonly string[] {
  return DEFAULT_KEYS.map((name) => join(home, ".ssh", name)).filter((path) => existsSync(path));
}

function underHome(path: string, home: string): string {
  return path.startsWith(`${home}/`) ? `~${path.slice(home.length)}` : path;
}
