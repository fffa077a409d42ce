/** What a shell has to be told at its start, and in which file. */

import { basename, join } from "node:path";
import { assertNever } from "../../lib/errors.ts";
import type { Deps } from "../deps.ts";
import { fishQuoted, shQuoted } from "../shell.ts";

export const LOGIN_SHELLS = ["bash", "zsh", "fish"] as const;
export type LoginShell = (typeof LOGIN_SHELLS)[number];

/** The person's shell by SHELL; bash where that is another one. */
export function loginShell(env: Deps["env"]): LoginShell {
  const name = basename(env["SHELL"] ?? "");
  return LOGIN_SHELLS.find((shell) => shell === name) ?? "bash";
}

/** The file that each interactive shell reads, absolute. */
export function shellFile(shell: LoginShell, { env, home }: Pick<Deps, "env" | "home">): string {
  switch (shell) {
    case "bash":
      return join(home, ".bashrc");
    case "zsh":
      return join(absolute(env["ZDOTDIR"]) ?? home, ".zshrc");
    case "fish":
      return join(absolute(env["XDG_CONFIG_HOME"]) ?? join(home, ".config"), "fish/conf.d/jpki-agent.fish");
    default:
      return assertNever(shell);
  }
}

/** Sets SSH_AUTH_SOCK, except in an ssh login that brought a forwarded agent along. */
export function shellLines(shell: LoginShell, socket: string): string {
  if (shell === "fish")
    return [
      'if test -z "$SSH_CONNECTION"; or test -z "$SSH_AUTH_SOCK"',
      `    set -gx SSH_AUTH_SOCK ${fishQuoted(socket)}`,
      "end\n",
    ].join("\n");
  return [
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the shell's, not ours
    'if [ -z "${SSH_CONNECTION-}" ] || [ -z "${SSH_AUTH_SOCK-}" ]; then',
    `    export SSH_AUTH_SOCK=${shQuoted(socket)}`,
    "fi\n",
  ].join("\n");
}

function absolute(path: string | undefined): string | undefined {
  return path?.startsWith("/") ? path : undefined;
}
