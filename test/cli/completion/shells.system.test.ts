/** The scripts in the real shells. bash and zsh complete for a person at a terminal only; fish tells it by itself. */

import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { run as runProgram } from "../../../cli/program.ts";
import { fakeDeps } from "../../helpers/cli.ts";
import { runOk } from "../../helpers/run.ts";
import { type TempDir, tempDir } from "../../helpers/temp-dir.ts";
import { openTerminal, type Terminal } from "../../helpers/tmux.ts";

let dir: TempDir;

beforeAll(async () => {
  dir = await tempDir();
  await writeFile(join(dir.path, "a file.der"), "");
  for (const shell of ["bash", "zsh", "fish"]) {
    const deps = fakeDeps();
    expect(await runProgram(["completion", shell], deps)).toBe(0);
    await writeFile(script(shell), deps.out());
  }
});
afterAll(() => dir.remove());

function script(shell: string): string {
  return join(dir.path, `completion.${shell}`);
}

/** What is typed before TAB, and what the line is then. */
const SINGLE: readonly (readonly [line: string, completed: string])[] = [
  ["jpki-agent pi", "jpki-agent pin"],
  ["jpki-agent pin ch", "jpki-agent pin change"],
  ["jpki-agent pin change au", "jpki-agent pin change auth"],
  ["jpki-agent agent --pin-prompt as", "jpki-agent agent --pin-prompt askpass"],
  ["jpki-agent agent --pin-prompt=as", "jpki-agent agent --pin-prompt=askpass"],
  ["jpki-agent --card vi", "jpki-agent --card virtual"],
  ["jpki-agent --json --card virtual cert --form", "jpki-agent --json --card virtual cert --format"],
  ["jpki-agent cert --format de", "jpki-agent cert --format der"],
  ["jpki-agent cert auth -o a", "jpki-agent cert auth -o a\\ file.der"],
  ["jpki-agent env --host one two --wr", "jpki-agent env --host one two --write"],
];

/** What is typed before TAB, and all that can follow. */
const SEVERAL: readonly (readonly [line: string, words: readonly string[]])[] = [
  ["jpki-agent pin ", ["change", "forget", "save", "status"]],
  ["jpki-agent agent --pin-prompt ", ["askpass", "auto", "none", "pinentry", "tty"]],
  ["jpki-agent cert ", ["auth", "auth-ca", "sign", "sign-ca"]],
  ["jpki-agent verify-cert --cert x.pem ", ["auth", "sign"]],
  ["jpki-agent --reader pin service ", ["install", "status", "uninstall"]],
];

const SHELLS = [
  ["bash", "exec env PS1='> ' bash --norc --noprofile"],
  ["zsh", "exec env PS1='> ' zsh -f"],
] as const;

describe.each(SHELLS)("%s", (shell, start) => {
  it("completes for a person at a terminal", async () => {
    const terminal = await openTerminal({ ZDOTDIR: dir.path, HOME: dir.path });
    try {
      await terminal.type(`cd ${dir.path}; ${start}\n`);
      await terminal.shows(/^>$/m);
      await terminal.type(`eval "$(cat completion.${shell})"; clear; echo rea''dy\n`);
      await terminal.shows(/^ready$/m);
      for (const [line, completed] of SINGLE) {
        await startLine(terminal, line);
        await terminal.press("Tab");
        await terminal.type("X");
        await terminal.shows(new RegExp(`^> ${escaped(completed)}[ =]?X$`, "m"));
      }
      for (const [line, words] of SEVERAL) {
        await startLine(terminal, line);
        await terminal.press("Tab", "Tab");
        const screen = await terminal.shows(new RegExp(words.map((word) => `\\b${word}\\b`).join("[^]*")));
        const shown = screen.split("\n").slice(1).join(" ");
        for (const other of ["file.der", "demo", "--json"]) expect(shown, line).not.toContain(other);
      }
    } finally {
      await terminal.close();
    }
  });
});

/** On a clean screen. */
async function startLine(terminal: Terminal, line: string): Promise<void> {
  await terminal.press("C-u");
  await terminal.type("clear\n");
  await terminal.shows(/^>\s*$/);
  await terminal.type(line);
}

describe("fish", () => {
  const complete = async (line: string) => {
    const { stdout } = await runOk("fish", ["--no-config", "-c", `source ${script("fish")}; complete -C '${line}'`], {
      cwd: dir.path,
      env: { PATH: process.env["PATH"], HOME: dir.path, LC_ALL: "C.UTF-8" },
    });
    return stdout.split("\n").flatMap((found) => found.split("\t")[0] || []);
  };

  it.each(SINGLE)("%j becomes %j", async (line, completed) => {
    const word = completed
      .trimEnd()
      .split(/(?<!\\) /)
      .at(-1);
    expect(await complete(line)).toEqual([word?.replaceAll("\\", "")]);
  });

  it.each(SEVERAL)("after %j it shows %j", async (line, words) => {
    expect((await complete(line)).sort()).toEqual(words);
  });
});

function escaped(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&");
}
