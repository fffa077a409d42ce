/** Git's settings for signatures with the card, by `git config --global`. Values of the person's own are left alone. */

import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { FileError, messageOf } from "../../lib/errors.ts";
import type { Deps } from "../deps.ts";

export type GitValues = Readonly<Record<string, string>>;

export const SIGNERS_SETTING = "gpg.ssh.allowedSignersFile";

/** What git needs for `git commit -S` with this key, and to verify it. */
export function gitValues(keyFile: string, signersFile: string): GitValues {
  return { "gpg.format": "ssh", "user.signingKey": keyFile, [SIGNERS_SETTING]: signersFile };
}

/** The file that `git config --global` writes. Source: git-config(1), FILES and GIT_CONFIG_GLOBAL. */
export function globalGitFile({ env, home }: Pick<Deps, "env" | "home">): string {
  if (env["GIT_CONFIG_GLOBAL"]) return resolve(env["GIT_CONFIG_GLOBAL"]);
  const own = join(home, ".gitconfig");
  const xdg = join(env["XDG_CONFIG_HOME"] || join(home, ".config"), "git/config");
  return !existsSync(own) && existsSync(xdg) ? xdg : own;
}

/** The last global value of `name`; undefined: none, or there is no git. */
export async function readGitValue(name: string, deps: Pick<Deps, "env" | "home">): Promise<string | undefined> {
  const { status, stdout } = await git(["--get", name], deps);
  return status === 0 ? stdout.replace(/\n$/, "") : undefined;
}

/** @throws FileError `IO_FAILED`: git refuses. */
export async function setGitValue(name: string, value: string, deps: Pick<Deps, "env" | "home">): Promise<void> {
  const { status, stderr } = await git([name, value], deps);
  if (status !== 0) throw new FileError(`set ${name} of git: ${stderr.trim()}`);
}

/** Takes out `name` if its value is `value`. @throws FileError `IO_FAILED`: git refuses. */
export async function unsetGitValue(name: string, value: string, deps: Pick<Deps, "env" | "home">): Promise<void> {
  if ((await readGitValue(name, deps)) !== value) return;
  const { status, stderr } = await git(["--unset", name], deps);
  if (status !== 0) throw new FileError(`take out ${name} of git: ${stderr.trim()}`);
}

/** `status` undefined: there is no git. */
async function git(
  args: readonly string[],
  { env, home }: Pick<Deps, "env" | "home">,
): Promise<{ status: number | undefined; stdout: string; stderr: string }> {
  return new Promise((done, reject) => {
    const options = { env: { ...env, HOME: home, LC_ALL: "C" } };
    const child = execFile("git", ["config", "--global", ...args], options, (error, stdout, stderr) => {
      if (error !== null && error.code === "ENOENT") return done({ status: undefined, stdout, stderr });
      if (child.exitCode === null) return reject(new FileError(`run git: ${messageOf(error)}`, { cause: error }));
      done({ status: child.exitCode, stdout, stderr });
    });
  });
}
