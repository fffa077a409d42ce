/**
 * Every way in which a PIN can arrive, each with a person who gives prepared answers: real programs and a real
 * terminal. Rows of the table in test/agent/pin-table.system.test.ts; a new way gets a line in ARRIVALS. Where no person
 * types at that moment: test/agent/pin-table-*.test.ts.
 */

import { existsSync } from "node:fs";
import { chmod, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createAskpassPrompt } from "../../lib/pin/askpass.ts";
import { createPinentryPrompt } from "../../lib/pin/pinentry.ts";
import type { Prompt, PromptTexts } from "../../lib/pin/prompt.ts";
import { createSystemdAskPrompt } from "../../lib/pin/systemd-ask.ts";
import { createTtyPrompt } from "../../lib/pin/tty.ts";
import { isAlive } from "./is-alive.ts";
import { fakeTexts } from "./prompt-texts.ts";
import { scriptedPinentry } from "./scripted-pinentry.ts";
import { openTerminal, type Terminal } from "./tmux.ts";
import { until } from "./until.ts";

export type Answer = { readonly typed: string } | "yes" | "no" | "cancel" | "crash" | "hang";

/** A prompt with a person in front of it. */
export interface Person {
  readonly prompt: Prompt;
  /** How many questions were asked. */
  questions(): number;
  /** Resolves once a question is shown that nobody answers. */
  hanging(): Promise<void>;
  /** Resolves once nothing of that question is left. */
  gone(): Promise<void>;
  close(): Promise<void>;
}

export interface Arrival {
  readonly name: string;
  /** @param folder an empty one, for its files. */
  open(folder: string, answers: readonly Answer[]): Promise<Person>;
  /** The same way where the program or the terminal is not there. */
  missing(): Prompt;
}

const { PATH } = process.env;
const NOWHERE = "/nonexistent/jpki-agent-test";

/** Words that number the questions. */
function countingTexts(): { readonly texts: PromptTexts; readonly count: () => number } {
  let count = 0;
  const next = () => ({ warning: "", text: `question ${++count}.` });
  return { texts: { ...fakeTexts, pin: next, confirm: next }, count: () => count };
}

type Words = Readonly<Record<Exclude<Answer, object> | "typed", string>>;

/** Lines of sh that do for the n-th question what the n-th answer says; `$typed` is what a person types. */
async function turns(folder: string, answers: readonly Answer[], words: Words): Promise<string> {
  const counter = join(folder, "counter");
  await writeFile(counter, "0\n");
  const cases = answers.map((answer, i) => {
    const action = typeof answer === "string" ? words[answer] : `typed='${answer.typed}'; ${words.typed}`;
    return `${i + 1}) ${action} ;;`;
  });
  return `i=$(($(cat '${counter}') + 1)); echo $i >'${counter}'; case $i in ${cases.join(" ")} *) exit 99 ;; esac`;
}

function hangIn(folder: string): string {
  return `echo $$ >'${join(folder, "pid")}'; sleep 1000`;
}

function personAt(folder: string, prompt: Prompt, count: () => number): Person {
  const pidFile = join(folder, "pid");
  const pid = async () => (existsSync(pidFile) ? Number(await readFile(pidFile, "utf8")) : 0);
  return {
    prompt,
    questions: count,
    hanging: () => until("the question is shown", async () => (await pid()) > 0),
    gone: async () => {
      const shownBy = await pid();
      await until("the question is taken away", () => !isAlive(shownBy));
    },
    close: async () => {},
  };
}

async function answerProgram(folder: string, answers: readonly Answer[]): Promise<string> {
  const program = join(folder, "program");
  const words = {
    ...{ typed: "printf '%s\\n' \"$typed\"", yes: "echo yes", no: "exit 1", cancel: "exit 1" },
    ...{ crash: "kill -SEGV $$", hang: hangIn(folder) },
  };
  await writeFile(program, `#!/bin/sh\n${await turns(folder, answers, words)}\n`);
  await chmod(program, 0o755);
  return program;
}

const pinentry: Arrival = {
  name: "pinentry",
  open: async (folder, answers) => {
    const cancelled = "echo 'ERR 83886179 Operation cancelled <Pinentry>'";
    const words = {
      ...{ typed: 'printf "D %s\\nOK\\n" "$typed"', yes: "echo OK", cancel: cancelled },
      ...{ no: "echo 'ERR 83886194 Not confirmed <Pinentry>'", crash: "kill -SEGV $$", hang: hangIn(folder) },
    };
    const onAny = await turns(folder, answers, words);
    const { program } = await scriptedPinentry(join(folder, "pinentry"), { onPin: onAny, onConfirm: onAny });
    const { texts, count } = countingTexts();
    const prompt = createPinentryPrompt({ program, env: { PATH }, tty: undefined, windowOnly: false, texts });
    return personAt(folder, prompt, count);
  },
  missing: () =>
    createPinentryPrompt({ program: NOWHERE, env: { PATH }, tty: undefined, windowOnly: false, texts: fakeTexts }),
};

const askpass: Arrival = {
  name: "askpass",
  open: async (folder, answers) => {
    const { texts, count } = countingTexts();
    const program = await answerProgram(folder, answers);
    return personAt(folder, createAskpassPrompt({ program, env: { PATH }, texts }), count);
  },
  missing: () => createAskpassPrompt({ program: NOWHERE, env: { PATH }, texts: fakeTexts }),
};

const systemd: Arrival = {
  name: "systemd-ask-password",
  open: async (folder, answers) => {
    const { texts, count } = countingTexts();
    const program = await answerProgram(folder, answers);
    return personAt(folder, createSystemdAskPrompt({ program, env: { PATH }, texts }), count);
  },
  missing: () => createSystemdAskPrompt({ program: NOWHERE, env: { PATH }, texts: fakeTexts }),
};

const tty: Arrival = {
  name: "tty",
  open: async (_folder, answers) => {
    const { texts, count } = countingTexts();
    const terminal = await openTerminal();
    await terminal.type("clear; exec sleep 1000"); // no shell must read what is meant for the question
    await terminal.press("Enter");
    await terminal.shows(/^\s*$/);
    const typing = typeAll(terminal, answers);
    typing.catch(() => {}); // a question that is missing is told by the table
    return {
      prompt: createTtyPrompt({ path: terminal.tty, color: true, texts }),
      questions: count,
      hanging: async () => void (await terminal.shows(/^question \d+\.(?: \(yes\/no\)\n>|\nPIN:)$/m)),
      gone: () => until("the terminal is as before", () => terminal.isCooked()),
      close: () => terminal.close(),
    };
  },
  missing: () => createTtyPrompt({ path: NOWHERE, color: true, texts: fakeTexts }),
};

async function typeAll(terminal: Terminal, answers: readonly Answer[]): Promise<void> {
  for (const [i, answer] of answers.entries()) {
    await terminal.shows(new RegExp(`^question ${i + 1}\\.(?: \\(yes/no\\)\\n>|\\nPIN:)$`, "m"));
    if (answer === "hang") return;
    if (answer === "crash") return terminal.close();
    if (answer === "cancel") await terminal.press("C-c");
    else {
      const text = typeof answer === "string" ? answer : answer.typed;
      if (text !== "") await terminal.type(text);
      await terminal.press("Enter");
    }
  }
}

export const ARRIVALS: readonly Arrival[] = [pinentry, askpass, tty, systemd];
