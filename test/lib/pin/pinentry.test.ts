import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createPinentryPrompt, type PinentryOptions } from "../../../lib/pin/pinentry.ts";
import type { PinRequest } from "../../../lib/pin/prompt.ts";
import { isAlive } from "../../helpers/is-alive.ts";
import { fakeTexts } from "../../helpers/prompt-texts.ts";
import { type PinentryScript, scriptedPinentry } from "../../helpers/scripted-pinentry.ts";
import { digitsOf } from "../../helpers/spy-pin.ts";
import { type TempDir, tempDir } from "../../helpers/temp-dir.ts";
import { until } from "../../helpers/until.ts";

const never = new AbortController().signal;
const purpose = { kind: "ssh-login", user: "git", hosts: [], forwarded: false } as const;
const request: PinRequest = { pin: "auth", card: "C", reader: "R", purpose, triesLeft: 3 };
const lastTry = { kind: "last-try", request } as const;
const { PATH } = process.env;

let folder: TempDir;
beforeAll(async () => {
  folder = await tempDir();
});
afterAll(() => folder.remove());

let scripts = 0;

/** A prompt by a new pinentry; `$OUT` is a file of its own. */
async function pinentry(script: PinentryScript = {}, options: Partial<PinentryOptions> = {}) {
  const path = join(folder.path, `pinentry-${scripts++}`);
  const { program, heard } = await scriptedPinentry(path, script);
  const out = `${path}.out`;
  const env = { PATH, OUT: out, ...options.env };
  const rest = { program, tty: undefined, windowOnly: false, texts: fakeTexts, ...options };
  return { prompt: createPinentryPrompt({ ...rest, env }), heard, out };
}

describe("what it says", () => {
  test("a question for the PIN", async () => {
    const env = { DISPLAY: ":7", TERM: "xterm", LANG: "en_US.UTF-8", LC_MESSAGES: "ja_JP.UTF-8" };
    const { prompt, heard } = await pinentry({}, { tty: "/dev/pts/7", env });
    expect(digitsOf(await prompt.askPin(request, never))).toBe("1234");
    expect(await heard()).toEqual([
      "OPTION ttyname=/dev/pts/7",
      "OPTION ttytype=xterm",
      "OPTION lc-ctype=en_US.UTF-8",
      "OPTION lc-messages=ja_JP.UTF-8",
      "OPTION display=:7",
      "GETINFO flavor",
      "SETTIMEOUT 0",
      "SETKEYINFO --clear",
      "SETTITLE The title",
      "SETOK The OK",
      "SETCANCEL The cancel",
      "SETPROMPT PIN:",
      'SETDESC 質問 "$card" C%0A3 tries',
      "GETPIN",
      "BYE",
    ]);
  });

  test("a question for a yes: its own buttons, no field, and the warning where every flavour shows it", async () => {
    const texts = { ...fakeTexts, confirm: () => ({ warning: "Beware", text: "The last try?" }) };
    const { prompt, heard } = await pinentry({}, { texts });
    expect(await prompt.confirm(lastTry, never)).toBe(true);
    expect(await heard()).toEqual([
      "GETINFO flavor",
      "SETTIMEOUT 0",
      "SETKEYINFO --clear",
      "SETTITLE The title",
      "SETOK The yes",
      "SETCANCEL The no",
      "SETDESC Beware%0AThe last try?",
      "CONFIRM",
      "BYE",
    ]);
  });

  test("what must stand out is an error to pinentry, which shows it in red", async () => {
    const { prompt, heard } = await pinentry();
    await prompt.askPin({ ...request, previous: "wrong" }, never);
    expect(await heard()).toContain("SETERROR wrong");
  });

  test("LC_ALL counts more than the others; what is empty or not there is not told", async () => {
    const { prompt, heard } = await pinentry({}, { env: { LC_ALL: "C.UTF-8", LC_CTYPE: "ja", DISPLAY: "" } });
    await prompt.askPin(request, never);
    expect((await heard()).filter((line) => line.startsWith("OPTION"))).toEqual([
      "OPTION lc-ctype=C.UTF-8",
      "OPTION lc-messages=C.UTF-8",
    ]);
  });

  test("a question that is too long for a line is cut in its longest line", async () => {
    const texts = { ...fakeTexts, pin: () => ({ warning: "", text: `For: ${"長".repeat(600)}\nTries left: 1` }) };
    const { prompt, heard } = await pinentry({}, { texts });
    await prompt.askPin(request, never);
    const [desc = ""] = (await heard()).filter((line) => line.startsWith("SETDESC"));
    expect(desc).toMatch(/^SETDESC For: 長+…%0ATries left: 1$/);
    expect(Buffer.byteLength(desc)).toBeLessThanOrEqual(1000);
  });

  test("a pinentry that knows few of them is asked all the same", async () => {
    const { prompt } = await pinentry({
      cases: `OPTION*|SETTIMEOUT*|SETKEYINFO*|SETTITLE*|SETOK*|SETCANCEL*|GETINFO*) echo 'ERR 83886355 Unknown' ;;`,
    });
    expect(digitsOf(await prompt.askPin(request, never))).toBe("1234");
  });

  test.each(["SETDESC", "SETERROR"])("PIN_NO_PROMPT: one that cannot show %s: nobody answers blindly", async (verb) => {
    const { prompt, heard } = await pinentry({ cases: `"${verb} "*) echo 'ERR 83886355 Unknown' ;;` });
    await expect(prompt.askPin({ ...request, previous: "wrong" }, never)).rejects.toMatchObject({
      code: "PIN_NO_PROMPT",
      hint: expect.any(String),
    });
    expect(await heard()).not.toContain("GETPIN");
  });
});

describe("flavours", () => {
  const table: readonly (readonly [string, string, string])[] = [
    // flavour, only with a window, without a terminal
    ["gnome3", "asked", "asked"],
    ["gnome3:curses", "PIN_NO_PROMPT", "PIN_NO_PROMPT"],
    ["gtk2", "asked", "asked"],
    ["qt", "asked", "asked"],
    ["mac", "asked", "asked"],
    ["curses", "PIN_NO_PROMPT", "PIN_NO_PROMPT"],
    ["tty", "PIN_NO_PROMPT", "PIN_NO_PROMPT"],
    ["emacs", "asked", "asked"],
  ];

  async function outcome(flavor: string, options: Partial<PinentryOptions>): Promise<unknown> {
    const { prompt, heard } = await pinentry({ flavor }, options);
    try {
      await prompt.askPin(request, never);
      return "asked";
    } catch (error) {
      expect(await heard()).not.toContain("GETPIN");
      return error instanceof Error && "code" in error && error.code;
    }
  }

  test.each(table)("%s: %s where only a window will do, %s without a terminal", async (flavor, window, without) => {
    expect(await outcome(flavor, { tty: "/dev/pts/7", windowOnly: true })).toBe(window);
    expect(await outcome(flavor, { tty: undefined })).toBe(without);
    expect(await outcome(flavor, { tty: "/dev/pts/7" })).toBe("asked");
  });
});

describe("askPin", () => {
  test.each([
    ["in one line", "echo 'D 1234'; echo OK"],
    ["in two", "echo 'D 12'; echo 'D 34'; echo OK"],
    ["escaped", "echo 'D %31%32%33%34'; echo OK"],
    ["after a status and a comment", "echo 'S PIN_REPEATED'; echo '# c'; echo 'D 1234'; echo OK"],
    ["with CR LF", "printf 'D 1234\\r\\nOK\\r\\n'"],
    [
      "after a question of its own",
      "echo 'INQUIRE QUALITY 1'; read -r line; [ $line = CAN ] && echo 'D 1234'; echo OK",
    ],
  ])("the PIN %s", async (_, onPin) => {
    const { prompt } = await pinentry({ onPin });
    expect(digitsOf(await prompt.askPin(request, never))).toBe("1234");
  });

  test("a part of 照合番号B has a form of its own", async () => {
    const { prompt } = await pinentry({ onPin: "echo 'D 昭和60年4月1日'; echo OK" });
    const part = { ...request, pin: "code-b", part: "birth-date" } as const;
    expect(digitsOf(await prompt.askPin(part, never))).toBe("600401");
  });

  test.each([
    ["cancelled", "echo 'ERR 83886179 Operation cancelled <Pinentry>'"],
    ["cancelled for good", "echo 'ERR 83886278 Operation fully cancelled <Pinentry>'"],
    ["time is over", "echo 'ERR 83886142 Timeout <Pinentry>'"],
    ["not confirmed", "echo 'ERR 83886194 Not confirmed <Pinentry>'"],
    ["a source that we do not know", "echo 'ERR 536871011 Cancelled'"],
    ["an answer that was taken back", "echo 'D 1234'; echo 'ERR 83886179 cancelled'"],
    ["nothing typed", "echo OK"],
    ["nothing typed, said so", "echo 'D '; echo OK"],
  ])("PIN_CANCELLED: %s", async (_, onPin) => {
    const { prompt } = await pinentry({ onPin });
    await expect(prompt.askPin(request, never)).rejects.toMatchObject({ code: "PIN_CANCELLED" });
  });

  test.each([
    ["3 digits", "echo 'D 123'; echo OK"],
    ["5 digits", "echo 'D 12345'; echo OK"],
    ["letters", "echo 'D abcd'; echo OK"],
    ["full-width digits", "echo 'D １２３４'; echo OK"],
    ["a NUL", "echo 'D 12%0034'; echo OK"],
    ["2000 bytes in three lines", "for i in 1 2 3; do printf 'D %0700d\\n' 0; done; echo OK"],
  ])("PIN_FORMAT: %s", async (_, onPin) => {
    const { prompt } = await pinentry({ onPin });
    await expect(prompt.askPin(request, never)).rejects.toMatchObject({ code: "PIN_FORMAT" });
  });

  test.each<readonly [string, PinentryScript]>([
    ["another error", { onPin: "echo 'ERR 83918950 Inappropriate ioctl for device <Pinentry>'" }],
    ["a crash", { onPin: "kill -SEGV $$" }],
    ["a crash in the middle of the answer", { onPin: "echo 'D 1234'; kill -SEGV $$" }],
    ["an end without an answer", { onPin: "exit 0" }],
    ["no Assuan", { onPin: "echo 1234" }],
    ["a line without end", { onPin: "printf '%02000d' 0; sleep 1000" }],
    ["data without end", { onPin: "while :; do printf 'D %0900d\\n' 0; done" }],
    ["a PIN from a store of its own", { onPin: "echo 'S PASSWORD_FROM_CACHE'; echo 'D 1234'; echo OK" }],
    ["an error instead of a greeting", { greeting: "echo 'ERR 83886355 no'" }],
    ["no greeting", { greeting: "exit 1" }],
  ])("PIN_NO_PROMPT: %s", async (_, script) => {
    const { prompt } = await pinentry(script);
    const expected = { code: "PIN_NO_PROMPT", hint: expect.any(String) };
    await expect(prompt.askPin(request, never)).rejects.toMatchObject(expected);
  });

  test.each(["/nonexistent/pinentry", "pinentry-that-nobody-has", "/tmp", "/dev/null/pinentry", "/dev/null"])(
    "PIN_NO_PROMPT: %s",
    async (program) => {
      const { prompt } = await pinentry({}, { program });
      const expected = { code: "PIN_NO_PROMPT", details: { program } };
      await expect(prompt.askPin(request, never)).rejects.toMatchObject(expected);
      await expect(prompt.confirm(lastTry, never)).rejects.toMatchObject(expected);
    },
  );

  test("no PIN in an error", async () => {
    for (const onPin of ["echo 'D 73915'; echo OK", "echo 7391", "echo 'D 7391'; kill -SEGV $$", "echo 'D 7391%'"]) {
      const { prompt } = await pinentry({ onPin });
      const error: unknown = await prompt.askPin(request, never).catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(Error);
      const cause = error instanceof Error ? error.cause : undefined;
      expect(
        JSON.stringify([error, String(error), error instanceof Error && error.stack, String(cause)]),
      ).not.toContain("7391");
    }
  });

  test("the environment is the one given in, and no argument tells anything", async () => {
    const { prompt, out } = await pinentry({ onPin: `echo "$#" >"$OUT"; env >>"$OUT"; echo 'D 1234'; echo OK` });
    await prompt.askPin(request, never);
    const [count, ...lines] = (await readFile(out, "utf8")).trim().split("\n");
    expect(count).toBe("0");
    const names = lines.map((line) => line.split("=")[0] ?? "");
    expect(names.filter((name) => !["OUT", "PATH", "PWD", "_", "SHLVL", "OLDPWD"].includes(name))).toEqual([]);
  });
});

describe("askForCard", () => {
  const place = { card: "C", purpose, otherCard: false };

  test("has one button, which cancels", async () => {
    const { prompt, heard } = await pinentry({ cases: "MESSAGE) echo OK ;;" });
    expect(await prompt.askForCard({ ...place, otherCard: true }, never)).toBe("cancelled");
    expect(await heard()).toEqual(
      expect.arrayContaining(["SETOK The cancel", "SETDESC another%0APlace C", "MESSAGE", "BYE"]),
    );
  });

  test("a window that is closed is a cancel too; one that cannot be shown is told", async () => {
    const closed = await pinentry({ cases: "MESSAGE) echo 'ERR 83886179 Operation cancelled <Pinentry>' ;;" });
    expect(await closed.prompt.askForCard(place, never)).toBe("cancelled");
    const unable = await pinentry({ cases: "MESSAGE) exit 0 ;;" });
    await expect(unable.prompt.askForCard(place, never)).rejects.toMatchObject({ code: "PIN_NO_PROMPT" });
  });
});

describe("confirm", () => {
  test.each([
    ["OK", "echo OK", true],
    ["not confirmed", "echo 'ERR 83886194 Not confirmed <Pinentry>'", false],
    ["cancelled", "echo 'ERR 83886179 Operation cancelled <Pinentry>'", false],
    ["time is over", "echo 'ERR 83886142 Timeout <Pinentry>'", false],
  ])("%s", async (_, onConfirm, expected) => {
    const { prompt } = await pinentry({ onConfirm });
    expect(await prompt.confirm(lastTry, never)).toBe(expected);
  });

  test.each(["kill -SEGV $$", "exit 0", "echo 'ERR 83886355 Unknown IPC command'", "echo yes"])(
    "no answer is no yes: %s",
    async (onConfirm) => {
      const { prompt } = await pinentry({ onConfirm });
      await expect(prompt.confirm(lastTry, never)).rejects.toMatchObject({ code: "PIN_NO_PROMPT" });
    },
  );
});

describe("abort", () => {
  const reason = new Error("hung up");

  /** Aborts once the program has said its pids; resolves with them when the question has ended. */
  async function abortAfterStart(script: PinentryScript): Promise<readonly number[]> {
    const { prompt, out } = await pinentry(script);
    const client = new AbortController();
    const asked = prompt.askPin(request, client.signal);
    const pids = async () => (existsSync(out) ? (await readFile(out, "utf8")).trim().split(" ").map(Number) : []);
    const aborted = until("the question is shown", async () => (await pids()).length > 0 && (await pids())[0] !== 0);
    aborted.finally(() => client.abort(reason));
    await expect(asked).rejects.toBe(reason);
    return pids();
  }

  test("before: the program is not started", async () => {
    const { prompt, heard } = await pinentry();
    await expect(prompt.askPin(request, AbortSignal.abort(reason))).rejects.toBe(reason);
    expect(await heard()).toEqual([]);
  });

  test.each<readonly [string, PinentryScript]>([
    ["while it asks", { onPin: `sleep 1000 & echo $$ $! >"$OUT"; wait` }],
    ["before its greeting", { greeting: `sleep 1000 & echo $$ $! >"$OUT"; wait` }],
    ["also if it ignores SIGTERM", { onPin: `trap '' TERM; echo $$ >"$OUT"; while :; do sleep 0.05; done` }],
  ])("takes the program away, with all it started: %s", async (_, script) => {
    const pids = await abortAfterStart(script);
    expect(pids.length).toBeGreaterThan(0);
    await until("all of it has ended", () => pids.filter(isAlive).length === 0);
  });
});

test("one that does not end after BYE is ended", async () => {
  const { prompt, out } = await pinentry({ cases: `BYE) echo $$ >"$OUT"; sleep 1000 ;;` });
  expect(digitsOf(await prompt.askPin(request, never))).toBe("1234");
  expect(isAlive(Number(await readFile(out, "utf8")))).toBe(false);
});
