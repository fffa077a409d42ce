/** A git repository with submodules, each of which is fetched from a server over ssh. */

import { join } from "node:path";
import { runOk } from "./run.ts";

export interface Submodules {
  /** Fetches all of them at once, with this ssh. @returns how many have got the commit that they lacked. */
  fetch(ssh: string): Promise<number>;
}

const IDENTITY = ["-c", "user.name=test", "-c", "user.email=test@example", "-c", "init.defaultBranch=main"];
/** git refuses a submodule of this machine unless it is told that it may. */
const LOCAL = ["-c", "protocol.file.allow=always"];

/** @param host of the `ssh://` URLs; the server sees this machine's files. @param env for git. */
export async function openSubmodules(
  folder: string,
  { count, host, env }: { readonly count: number; readonly host: string; readonly env: NodeJS.ProcessEnv },
): Promise<Submodules> {
  const git = async (...args: readonly string[]) =>
    (await runOk("git", [...IDENTITY, ...LOCAL, ...args], { env })).stdout.trim();
  const at = (name: string) => join(folder, name);
  const names = Array.from({ length: count }, (_, i) => `module-${i}`);
  await git("init", "-q", at("super"));
  for (const name of names) {
    await git("init", "-q", at(name));
    await git("-C", at(name), "commit", "-q", "--allow-empty", "-m", "first");
    await git("-C", at("super"), "submodule", "--quiet", "add", at(name), name);
    await git("-C", join(at("super"), name), "remote", "set-url", "origin", `ssh://${host}${at(name)}`);
    await git("-C", at(name), "commit", "-q", "--allow-empty", "-m", "second");
  }
  await git("-C", at("super"), "commit", "-q", "-m", "submodules");
  // What the superproject itself is fetched from needs no login.
  await git("-C", at("super"), "remote", "add", "origin", at("super"));
  return {
    fetch: async (ssh) => {
      const args = ["-C", at("super"), "fetch", "-q", "--recurse-submodules", `--jobs=${count}`];
      await runOk("git", [...LOCAL, ...args], { env: { ...env, GIT_SSH_COMMAND: ssh } });
      const commits = names.map(async (name) => {
        const fetched = await git("-C", join(at("super"), name), "rev-parse", "origin/main");
        return fetched === (await git("-C", at(name), "rev-parse", "main"));
      });
      return (await Promise.all(commits)).filter(Boolean).length;
    },
  };
}
