/** A real terminal: a shell in a tmux server of its own, with its keys and its screen. */

import { join } from "node:path";
import { expect } from "vitest";
import { run, runOk } from "./run.ts";
import { tempDir } from "./temp-dir.ts";

export interface Terminal {
  /** The pseudo-terminal's path. */
  readonly tty: string;
  /** Key names as tmux knows them: `Enter`, `C-c`, `BSpace`; anything else is typed. */
  press(...keys: readonly string[]): Promise<void>;
  /** Typed as it is. */
  type(text: string): Promise<void>;
  /** The visible lines, without trailing blanks. */
  screen(): Promise<string>;
  /** Resolves with the screen once it matches. */
  shows(pattern: RegExp): Promise<string>;
  /** Whether the terminal echoes, reads whole lines and turns ^C into a signal, as a shell's commands expect. */
  isCooked(): Promise<boolean>;
  /** May be called twice. */
  close(): Promise<void>;
}

/** Starts `sh` with the prompt "$ ". */
export async function openTerminal(env: Readonly<Record<string, string>> = {}): Promise<Terminal> {
  const folder = await tempDir();
  const socket = join(folder.path, "tmux");
  const tmux = async (...args: readonly string[]) =>
    (await runOk("tmux", ["-u", "-S", socket, "-f", "/dev/null", ...args], { env: { PATH, TERM: "xterm", ...env } }))
      .stdout;
  await tmux("new-session", "-d", "-x", "100", "-y", "30", "env", "PS1=$ ", "LC_ALL=C.UTF-8", "sh");
  const tty = (await tmux("display-message", "-p", "#{pane_tty}")).trim();
  const screen = () => tmux("capture-pane", "-p");
  const terminal: Terminal = {
    tty,
    screen,
    press: async (...keys) => void (await tmux("send-keys", ...keys)),
    type: async (text) => void (await tmux("send-keys", "-l", text)),
    shows: async (pattern) => {
      let seen = "";
      const look = async () => {
        seen = await screen();
        return seen;
      };
      await expect.poll(look, { timeout: 10_000 }).toMatch(pattern);
      return seen;
    },
    isCooked: async () => {
      const modes = (await runOk("stty", ["-F", tty, "-a"])).stdout.split(/[\s;]+/);
      return ["echo", "icanon", "isig", "icrnl"].every((mode) => modes.includes(mode));
    },
    close: async () => {
      await run("tmux", ["-S", socket, "kill-server"]);
      await folder.remove();
    },
  };
  await terminal.shows(/^\$$/m);
  return terminal;
}

const { PATH } = process.env;
