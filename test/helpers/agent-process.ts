/** The built agent as a person starts it: dist/jpki-agent.js in its own process. */

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export const JPKI_AGENT = join(dirname(fileURLToPath(import.meta.url)), "../../dist/jpki-agent.js");

export interface Sandbox {
  readonly folder: string;
  /** An environment that touches nothing of the person who runs the tests. */
  readonly env: Record<string, string>;
  readonly socketPath: string;
  /** How often a prompt was shown, and its questions. */
  questions(): Promise<readonly string[]>;
  /** What the askpass program answers from now on, in turn; the last one stays. `null` cancels. */
  answer(...answers: readonly (string | null)[]): Promise<void>;
}

/** An environment with a scripted askpass program. */
export async function sandbox(folder: string): Promise<Sandbox> {
  const at = (name: string) => join(folder, name);
  await mkdir(at("answers"), { recursive: true });
  await mkdir(at("home"), { recursive: true });
  await writeFile(
    at("askpass"),
    [
      "#!/bin/sh",
      `cd '${at("answers")}' || exit 1`,
      'printf "%s\\036" "$1" >> questions',
      "n=$(cat next); last=$(cat last)",
      'if [ "$n" -lt "$last" ]; then echo $((n + 1)) > next; fi',
      '[ -e "answer.$n" ] || exit 1',
      'cat "answer.$n"',
      "",
    ].join("\n"),
  );
  await chmod(at("askpass"), 0o700);
  const sand: Sandbox = {
    folder,
    socketPath: at("run/agent.sock"),
    env: {
      PATH: process.env["PATH"] ?? "/usr/bin:/bin",
      HOME: at("home"),
      LANG: "C.UTF-8",
      XDG_STATE_HOME: at("state"),
      XDG_CONFIG_HOME: at("config"),
      XDG_RUNTIME_DIR: at("run"),
      SSH_ASKPASS: at("askpass"),
      SSH_ASKPASS_REQUIRE: "force",
      SSH_AUTH_SOCK: at("run/agent.sock"),
    },
    questions: async () => {
      const text = await readFile(at("answers/questions"), "utf8").catch(() => "");
      return text.split("\u001e").slice(0, -1);
    },
    answer: async (...answers) => {
      for (const name of await readdir(at("answers"))) if (name.startsWith("answer.")) await rm(at(`answers/${name}`));
      for (const [i, answer] of answers.entries())
        if (answer !== null) await writeFile(at(`answers/answer.${i}`), `${answer}\n`);
      await writeFile(at("answers/next"), "0\n");
      await writeFile(at("answers/last"), `${answers.length - 1}\n`);
    },
  };
  await sand.answer(null);
  return sand;
}

export interface AgentProcess {
  readonly child: ChildProcess;
  readonly exited: Promise<number | NodeJS.Signals>;
  /** All of standard error so far: the log. */
  log(): string;
  /** Ends it and waits. */
  stop(signal?: NodeJS.Signals): Promise<number | NodeJS.Signals>;
}

/** Resolves once the agent says that it is ready. It waits for no card unless `args` say so. */
export async function startAgentProcess(sand: Sandbox, args: readonly string[] = []): Promise<AgentProcess> {
  // It must not outlive a failed test: it would read the next test's cards.
  const program = ["setpriv", "--pdeathsig", "KILL", process.execPath, JPKI_AGENT] as const;
  const own = ["-v", "-v", "agent", "--socket", sand.socketPath, "--wait-card", "0"];
  const child = spawn(program[0], [...program.slice(1), ...own, ...args], {
    env: sand.env,
    stdio: ["ignore", "pipe", "pipe"],
  });
  let stderr = "";
  child.stderr.on("data", (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  const exited = once(child, "exit").then(([code, signal]): number | NodeJS.Signals => code ?? signal);
  let stdout = "";
  await new Promise<void>((resolve, reject) => {
    child.stdout.on("data", (chunk: Buffer) => {
      stdout += chunk.toString();
      if (stdout.includes("SSH_AUTH_SOCK")) resolve();
    });
    exited.then((status) => reject(new Error(`the agent ended with ${status} before it was ready\n${stderr}`)), reject);
  });
  return {
    child,
    exited,
    log: () => stderr,
    stop: (signal = "SIGTERM") => {
      child.kill(signal);
      return exited;
    },
  };
}
