import { existsSync } from "node:fs";
import { chmod, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createAskpassPrompt } from "../../../lib/pin/askpass.ts";
import type { PinRequest } from "../../../lib/pin/prompt.ts";
import { isAlive } from "../../helpers/is-alive.ts";
import { fakeTexts as texts } from "../../helpers/prompt-texts.ts";
import { digitsOf } from "../../helpers/spy-pin.ts";
import { type TempDir, tempDir } from "../../helpers/temp-dir.ts";

const never = new AbortController().signal;
const purpose = { kind: "ssh-login", user: "git", hosts: [], forwarded: false } as const;
const request: PinRequest = { pin: "auth", card: "C", reader: "R", purpose, triesLeft: 3 };
const confirm = { kind: "last-try", request } as const;
const { PATH } = process.env;

let folder: TempDir;
beforeAll(async () => {
  folder = await tempDir();
});
afterAll(() => folder.remove());

let scripts = 0;

/** A prompt by a new askpass program with these lines of sh; `$OUT` is a file of its own. */
async function askpass(lines: string, env: Readonly<Record<string, string>> = {}) {
  const program = join(folder.path, `askpass-${scripts++}`);
  const out = `${program}.out`;
  await writeFile(program, `#!/bin/sh\n${lines}\n`);
  await chmod(program, 0o755);
  const prompt = createAskpassPrompt({ program, env: { PATH, OUT: out, ...env }, texts });
  return { prompt, program, out };
}

/** Resolves with the text of `$OUT` once the program has written a whole line to it. */
async function written(out: string): Promise<string> {
  await expect.poll(() => existsSync(out) && readFile(out, "utf8"), { timeout: 10_000 }).toMatch(/\n$/);
  return (await readFile(out, "utf8")).trim();
}

describe("askPin", () => {
  test.each([
    ["with a line end", "echo 1234"],
    ["without", "printf 1234"],
    ["with the line end of another world", "printf '1234\\r\\n'"],
    ["byte by byte", "for i in 1 2 3 4; do printf $i; done"],
  ])("exit 0: the output is the PIN, %s", async (_, lines) => {
    const { prompt } = await askpass(lines);
    expect(digitsOf(await prompt.askPin(request, never))).toBe("1234");
  });

  test("the question is the one argument, untouched by any shell; standard input is empty", async () => {
    const { prompt, out } = await askpass(`printf '%s|%s|' "$#" "$1" >"$OUT"; cat >>"$OUT"; echo 1234`);
    await prompt.askPin(request, never);
    expect(await readFile(out, "utf8")).toBe(`1|質問 "$card" C\n3 tries|`);
    await prompt.askPin({ ...request, previous: "wrong" }, never);
    expect(await readFile(out, "utf8")).toBe(`1|wrong\n質問 "$card" C\n3 tries|`);
  });

  test("the environment is the one given in, and nothing of ours", async () => {
    const { prompt, out } = await askpass(`env >"$OUT"; echo 1234`, { DISPLAY: ":7" });
    await prompt.askPin(request, never);
    const names = (await readFile(out, "utf8")).split("\n").map((line) => line.split("=")[0] ?? "");
    expect(names).toEqual(expect.arrayContaining(["DISPLAY", "OUT", "PATH"]));
    expect(
      names.filter((name) => !["", "DISPLAY", "OUT", "PATH", "PWD", "_", "SHLVL", "OLDPWD"].includes(name)),
    ).toEqual([]);
  });

  test("SSH_ASKPASS_PROMPT of another question is not handed on", async () => {
    const { prompt } = await askpass(`test -z "$SSH_ASKPASS_PROMPT" && echo 1234`, { SSH_ASKPASS_PROMPT: "confirm" });
    expect(digitsOf(await prompt.askPin(request, never))).toBe("1234");
  });

  test("what it says on standard error harms nothing, however much", async () => {
    const { prompt } = await askpass("yes | head -c 300000 >&2; echo 1234");
    expect(digitsOf(await prompt.askPin(request, never))).toBe("1234");
  });

  test.each([
    ["exit 1", "exit 1"],
    ["exit 255 after an answer", "echo 1234; exit 255"],
    ["nothing typed", "exit 0"],
    ["an empty line", "echo"],
  ])("PIN_CANCELLED: %s", async (_, lines) => {
    const { prompt } = await askpass(lines);
    await expect(prompt.askPin(request, never)).rejects.toMatchObject({ code: "PIN_CANCELLED" });
  });

  test.each([
    ["3 digits", "echo 123"],
    ["5 digits", "echo 12345"],
    ["letters", "echo abcd"],
    ["full-width digits", "echo １２３４"],
    ["blanks around", "echo ' 1234'"],
    ["two lines", "echo 1234; echo 5678"],
    ["a NUL", "printf '12\\00034'"],
    ["1024 bytes", "printf '%01024d' 0"],
    ["1025 bytes", "printf '%01025d' 0"],
  ])("PIN_FORMAT: %s", async (_, lines) => {
    const { prompt } = await askpass(lines);
    await expect(prompt.askPin(request, never)).rejects.toMatchObject({ code: "PIN_FORMAT" });
  });

  test("PIN_FORMAT: output without end; the program is ended", async () => {
    const { prompt, out } = await askpass(`echo $$ >"$OUT"; exec yes 1234`);
    await expect(prompt.askPin(request, never)).rejects.toMatchObject({ code: "PIN_FORMAT" });
    expect(isAlive(Number(await written(out)))).toBe(false);
  });

  test("PIN_NO_PROMPT: the program crashes", async () => {
    const { prompt } = await askpass("echo 1234; kill -SEGV $$");
    await expect(prompt.askPin(request, never)).rejects.toMatchObject({
      code: "PIN_NO_PROMPT",
      hint: expect.any(String),
    });
  });

  test.each([
    ["is not there", "/nonexistent/askpass"],
    ["is nowhere in the PATH", "askpass-that-nobody-has"],
    ["is a folder", "/tmp"],
    ["lies below a file", "/dev/null/askpass"],
    ["may not be run", "/dev/null"],
  ])("PIN_NO_PROMPT: the program %s", async (_, program) => {
    const prompt = createAskpassPrompt({ program, env: { PATH }, texts });
    const expected = { code: "PIN_NO_PROMPT", hint: expect.any(String), details: { program } };
    await expect(prompt.askPin(request, never)).rejects.toMatchObject(expected);
    await expect(prompt.confirm(confirm, never)).rejects.toMatchObject(expected);
  });

  test("no PIN in an error", async () => {
    for (const lines of ["echo 86420", "echo 8642; exit 1", "echo 8642; kill -SEGV $$"]) {
      const { prompt } = await askpass(lines);
      const error: unknown = await prompt.askPin(request, never).catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(Error);
      expect(JSON.stringify([error, String(error), error instanceof Error && error.stack])).not.toContain("8642");
    }
  });
});

describe("confirm", () => {
  test.each([
    ["exit 0", "exit 0", true],
    ["an empty line", "echo", true],
    ["yes", "echo yes", true],
    ["YES without a line end", "printf YES", true],
    ["no", "echo no", false],
    ["y", "echo y", false],
    ["yes and more", "echo yes please", false],
    ["the PIN, typed into the wrong box", "echo 1234", false],
    ["exit 1", "exit 1", false],
    ["yes with exit 1", "echo yes; exit 1", false],
  ])("%s", async (_, lines, expected) => {
    const { prompt } = await askpass(lines);
    expect(await prompt.confirm(confirm, never)).toBe(expected);
  });

  test("asks for a confirm box with its own text", async () => {
    const { prompt, out } = await askpass(`printf '%s|%s' "$SSH_ASKPASS_PROMPT" "$1" >"$OUT"`);
    await prompt.confirm(confirm, never);
    expect(await readFile(out, "utf8")).toBe("confirm|The last try?");
  });

  test("a crash is no answer", async () => {
    const { prompt } = await askpass("kill -SEGV $$");
    await expect(prompt.confirm(confirm, never)).rejects.toMatchObject({ code: "PIN_NO_PROMPT" });
  });

  test("an endless answer is none", async () => {
    const { prompt } = await askpass("exec yes");
    await expect(prompt.confirm(confirm, never)).rejects.toMatchObject({ code: "PIN_FORMAT" });
  });
});

describe("abort", () => {
  const reason = new Error("hung up");

  /** Aborts once the program has said its pids; resolves with them when the question has ended. */
  async function abortAfterStart(lines: string): Promise<readonly number[]> {
    const { prompt, out } = await askpass(lines);
    const client = new AbortController();
    const asked = prompt.askPin(request, client.signal);
    const pids = written(out).then((text) => text.split(" ").map(Number));
    pids.finally(() => client.abort(reason));
    await expect(asked).rejects.toBe(reason);
    return pids;
  }

  test("before: the program is not started", async () => {
    const { prompt, out } = await askpass(`: >"$OUT"`);
    await expect(prompt.askPin(request, AbortSignal.abort(reason))).rejects.toBe(reason);
    await expect(prompt.confirm(confirm, AbortSignal.abort(reason))).rejects.toBe(reason);
    expect(existsSync(out)).toBe(false);
  });

  test("takes the program away, with all it started", async () => {
    const pids = await abortAfterStart(`sleep 1000 & echo $$ $! >"$OUT"; wait; echo 1234`);
    expect(pids).toHaveLength(2);
    await expect.poll(() => pids.filter(isAlive)).toEqual([]);
  });

  test("also one that ignores SIGTERM", async () => {
    const pids = await abortAfterStart(`trap '' TERM; echo $$ >"$OUT"; while :; do sleep 0.05; done`);
    await expect.poll(() => pids.filter(isAlive)).toEqual([]);
  });

  test("settles although something outside the group holds the output open", async () => {
    const pids = await abortAfterStart(`setsid sh -c 'echo $$ >"$OUT"; exec sleep 1000' & exit 0`);
    expect(pids.filter(isAlive)).toEqual(pids); // it is not ours to end: it left the group
    for (const pid of pids) process.kill(pid);
  });

  test("an answer that comes too late is none", async () => {
    const { prompt, out } = await askpass(
      `trap 'echo 1234; exit 0' TERM; echo $$ >"$OUT"; while :; do sleep 0.05; done`,
    );
    const client = new AbortController();
    const asked = prompt.askPin(request, client.signal);
    written(out).finally(() => client.abort(reason));
    await expect(asked).rejects.toBe(reason);
  });

  test("after the answer: nothing is left that listens", async () => {
    const { prompt } = await askpass("echo 1234");
    const client = new AbortController();
    expect(digitsOf(await prompt.askPin(request, client.signal))).toBe("1234");
    client.abort(reason);
  });
});

describe("askForCard", () => {
  const place = { card: "C", purpose, otherCard: false };

  test.each([
    ["exit 1 is a cancel", "exit 1", "cancelled"],
    ["exit 0 says nothing", "echo typed by mistake", "closed"],
  ])("%s", async (_, lines, expected) => {
    const { prompt } = await askpass(lines);
    expect(await prompt.askForCard(place, never)).toBe(expected);
  });

  test("asks for a box without an answer, with its own text", async () => {
    const { prompt, out } = await askpass(`printf '%s|%s' "$SSH_ASKPASS_PROMPT" "$1" >"$OUT"`);
    await prompt.askForCard({ ...place, otherCard: true }, never);
    expect(await readFile(out, "utf8")).toBe("none|another\nPlace C");
  });

  test("is taken away when the card comes", async () => {
    const { prompt, out } = await askpass(`echo $$ >"$OUT"; exec sleep 3600`);
    const came = new AbortController();
    const shown = prompt.askForCard(place, came.signal);
    const pid = Number(await written(out));
    const reason = new Error("it came");
    came.abort(reason);
    await expect(shown).rejects.toBe(reason);
    expect(isAlive(pid)).toBe(false);
  });
});
