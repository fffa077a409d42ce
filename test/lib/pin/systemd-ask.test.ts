import { chmod, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createSystemdAskPrompt } from "../../../lib/pin/systemd-ask.ts";
import { fakeTexts } from "../../helpers/prompt-texts.ts";
import { digitsOf } from "../../helpers/spy-pin.ts";
import { type TempDir, tempDir } from "../../helpers/temp-dir.ts";

const never = new AbortController().signal;
const purpose = { kind: "sshsig", namespace: "git" } as const;
const request = { pin: "auth", card: "C", reader: "R", purpose, triesLeft: 3 } as const;
const lastTry = { kind: "last-try", request } as const;
const { PATH } = process.env;

let dir: TempDir;
beforeAll(async () => {
  dir = await tempDir();
});
afterAll(() => dir.remove());

/** A prompt by a program of these lines of sh; `$OUT` is where it may write. */
async function systemdAsk(lines: string) {
  const program = join(dir.path, "systemd-ask-password");
  const out = `${program}.out`;
  await writeFile(program, `#!/bin/sh\n${lines}\n`);
  await chmod(program, 0o755);
  return { prompt: createSystemdAskPrompt({ program, env: { PATH, OUT: out }, texts: fakeTexts }), out };
}

const TELL = `for arg; do printf '%s\\n' "$arg"; done >"$OUT"`;

describe("askPin", () => {
  test("the question is one line, asked without a limit of time and without a cache", async () => {
    const { prompt, out } = await systemdAsk(`${TELL}; echo 1234`);
    expect(digitsOf(await prompt.askPin({ ...request, previous: "wrong" }, never))).toBe("1234");
    expect((await readFile(out, "utf8")).split("\n").slice(0, -1)).toEqual([
      ...["--no-tty", "--timeout=0", "--id=jpki-agent:pin", "--"],
      'wrong | 質問 "$card" C | 3 tries',
    ]);
  });

  test("a part of 照合番号B has a form of its own", async () => {
    const { prompt } = await systemdAsk("echo 平成2年4月1日");
    const part = { ...request, pin: "code-b", part: "birth-date" } as const;
    expect(digitsOf(await prompt.askPin(part, never))).toBe("020401");
  });

  test.each([
    ["a cancel", "exit 1", "PIN_CANCELLED"],
    ["nothing typed", "echo", "PIN_CANCELLED"],
    ["5 digits", "echo 12345", "PIN_FORMAT"],
    ["a crash", "kill -SEGV $$", "PIN_NO_PROMPT"],
  ])("%s", async (_, lines, code) => {
    const { prompt } = await systemdAsk(lines);
    await expect(prompt.askPin(request, never)).rejects.toMatchObject({ code });
  });
});

describe("confirm", () => {
  test("the answer is typed and seen", async () => {
    const { prompt, out } = await systemdAsk(`${TELL}; echo yes`);
    expect(await prompt.confirm(lastTry, never)).toBe(true);
    const args = (await readFile(out, "utf8")).split("\n").slice(0, -1);
    expect(args).toContain("--echo");
    expect(args.at(-1)).toBe("The last try? (yes/no)");
  });

  test.each([
    ["YES", "echo YES", true],
    ["はい", "echo はい", true],
    ["no", "echo no", false],
    ["Enter alone", "echo", false],
    ["the PIN", "echo 1234", false],
    ["a cancel", "exit 1", false],
  ])("%s", async (_, lines, expected) => {
    const { prompt } = await systemdAsk(lines);
    expect(await prompt.confirm(lastTry, never)).toBe(expected);
  });
});

test("cannot show a message without a question", async () => {
  const { prompt } = await systemdAsk("exit 1");
  await expect(prompt.askForCard({ card: "C", purpose, otherCard: false }, never)).rejects.toMatchObject({
    code: "PIN_NO_PROMPT",
  });
});
