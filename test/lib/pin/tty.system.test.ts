import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { runOk } from "../../helpers/run.ts";
import { type TempDir, tempDir } from "../../helpers/temp-dir.ts";
import { openTerminal, type Terminal } from "../../helpers/tmux.ts";

let folder: TempDir;
let terminal: Terminal;
let out: string;

beforeAll(async () => {
  folder = await tempDir();
  await runOk("node_modules/.bin/esbuild", [
    "test/helpers/tty-driver.ts",
    "--bundle",
    "--platform=node",
    "--format=esm",
    `--outfile=${join(folder.path, "driver.mjs")}`,
    "--log-level=warning",
  ]);
});
afterAll(() => folder.remove());
beforeEach(async ({ task }) => {
  out = join(folder.path, `${task.id}.json`);
  terminal = await openTerminal();
});
afterEach(() => terminal.close());

/** Types the driver's command line; `$?` is shown when it has ended. */
async function start(args: string, before = "", path = "/dev/tty"): Promise<void> {
  const driver = `${process.execPath} ${join(folder.path, "driver.mjs")}`;
  await terminal.type(`clear; ${before} ${driver} ${out} ${path} ${args}; echo status=$?`);
  await terminal.press("Enter");
}

const ended = () => terminal.shows(/^status=\d+\n\$/m);

async function outcome(): Promise<unknown> {
  return JSON.parse(await readFile(out, "utf8"));
}

/** What the driver said of itself when it began. */
async function begun(): Promise<{ readonly pid: number; readonly usable: boolean }> {
  return JSON.parse(await readFile(out, "utf8"));
}

async function expectShellWorks(): Promise<void> {
  expect(await terminal.isCooked()).toBe(true);
  await terminal.type("echo $((6*7))");
  await terminal.press("Enter");
  await terminal.shows(/^42$/m); // every key reached the shell
}

describe("askPin", () => {
  test("shows the question, and nothing of the PIN", async () => {
    await start("pin");
    const screen = await terminal.shows(/^二行の\nquestion\n暗証番号:$/m);
    expect(screen).not.toContain("status");
    expect(await terminal.isCooked()).toBe(false);
    expect((await begun()).usable).toBe(true);
    await terminal.type("8642");
    await terminal.press("Enter");
    expect(await ended()).not.toMatch(/[8642]{2}/);
    expect(await outcome()).toBe("8642");
    await expectShellWorks();
  });

  test("takes back with Backspace and ^U", async () => {
    await start("pin");
    await terminal.shows(/暗証番号:$/m);
    await terminal.press("9", "9", "C-u", "1", "2", "5", "BSpace", "3", "4", "Enter");
    await ended();
    expect(await outcome()).toBe("1234");
  });

  test.each(["C-c", "C-d", "C-\\"])("%s cancels, and ends no process", async (key) => {
    await start("pin");
    await terminal.shows(/暗証番号:$/m);
    await terminal.press("1", "2", key);
    expect(await ended()).toContain("status=0");
    expect(await outcome()).toBe("PIN_CANCELLED");
    await expectShellWorks();
  });

  test.each([
    ["123", "PIN_FORMAT"],
    ["１２３４", "PIN_FORMAT"],
    ["", "PIN_CANCELLED"],
  ])("%j is %s", async (typed, code) => {
    await start("pin");
    await terminal.shows(/暗証番号:$/m);
    if (typed !== "") await terminal.type(typed);
    await terminal.press("Enter");
    await ended();
    expect(await outcome()).toBe(code);
  });

  test("what was typed before the question is no answer to it", async () => {
    await start("wait");
    await terminal.shows(/^ready$/m);
    await terminal.type("9999");
    await terminal.press("Enter", "9");
    await terminal.shows(/^9999\n9$/m);
    process.kill((await begun()).pid, "SIGUSR2");
    await terminal.shows(/暗証番号:$/m);
    await terminal.type("1234");
    await terminal.press("Enter");
    await ended();
    expect(await outcome()).toBe("1234");
  });
});

describe("confirm", () => {
  test.each([
    [["yes"], true],
    [["YES"], true],
    [["はい"], true],
    [["no", "C-u", "yes"], true],
    [["y"], false],
    [["yes please"], false],
    [[], false],
  ])("%j: %s", async (keys, expected) => {
    await start("confirm");
    await terminal.shows(/^The last try\? \(yes\/no\)\n>$/m);
    await terminal.press(...keys, "Enter");
    await ended();
    expect(await outcome()).toBe(expected);
  });

  test("shows what is typed, and lets it not draw on the terminal", async () => {
    await start("confirm");
    await terminal.shows(/^>$/m);
    await terminal.type("はいえ");
    await terminal.shows(/^> はいえ$/m);
    await terminal.press("BSpace");
    await terminal.shows(/^> はい$/m);
    await terminal.press("C-u");
    await terminal.type("\u001b[2J");
    await terminal.shows(/^The last try\? \(yes\/no\)\n> \ufffd\[2J$/m);
    await terminal.press("C-c");
    await ended();
    expect(await outcome()).toBe("PIN_CANCELLED");
  });
});

describe("askForCard", () => {
  test.each([
    ["C-c", "cancelled"],
    ["Enter", "closed"],
  ])("%s: %s", async (key, expected) => {
    await start("card");
    await terminal.shows(/^Place C \(Ctrl-C: The cancel\)$/m);
    await terminal.press(key);
    await ended();
    expect(await outcome()).toBe(expected);
    await expectShellWorks();
  });

  test("is taken away when the card comes", async () => {
    await start("card abort");
    await terminal.shows(/^Place C/m);
    process.kill((await begun()).pid, "SIGUSR2");
    await ended();
    await expectShellWorks();
  });
});

test.each(["pin", "confirm"])("%s: far too much is pasted", async (what) => {
  await start(what);
  await terminal.shows(/(暗証番号:|>)$/m);
  await terminal.type("1".repeat(1500));
  await terminal.press("Enter");
  expect(await ended()).toContain("status=0");
  expect(await outcome()).toBe("PIN_FORMAT");
  await expectShellWorks();
});

describe("the terminal is put back, and the next key is the shell's", () => {
  test("after an abort: the process ends by itself", async () => {
    await start("pin abort");
    await terminal.shows(/暗証番号:$/m);
    await terminal.press("1", "2");
    process.kill((await begun()).pid, "SIGUSR2");
    expect(await ended()).toContain("status=0");
    expect(await outcome()).toBe("hung up");
    await expectShellWorks();
  });

  test.each([
    ["process.exit", "exit", "SIGUSR2", /status=7\n\$$/m],
    ["an uncaught exception", "throw", "SIGUSR2", /status=1\n\$$/m],
    ["SIGTERM without a handler", "", "SIGTERM", /status=143\n\$$/m],
    ["SIGINT without a handler (sh then drops the rest of the line)", "", "SIGINT", /^\$$/m],
  ] as const)("after %s", async (_, action, signal, end) => {
    await start(`pin ${action}`);
    await terminal.shows(/暗証番号:$/m);
    process.kill((await begun()).pid, signal);
    await terminal.shows(end);
    await expectShellWorks();
  });
});

describe("no terminal", () => {
  test("in the background: said at once, and the process is not stopped", async () => {
    await terminal.type("set -m");
    await terminal.press("Enter");
    await start("pin & wait", "");
    expect(await terminal.shows(/status=\d/)).not.toContain("Stopped");
    expect(await outcome()).toBe("PIN_NO_PROMPT");
    await expectShellWorks();
  });

  test("without a controlling terminal", async () => {
    await start("pin", "setsid -w");
    await ended();
    expect(await outcome()).toBe("PIN_NO_PROMPT");
  });

  test("without a controlling terminal, on a terminal that is named", async () => {
    await start("pin", "setsid -w", terminal.tty);
    await terminal.shows(/暗証番号:$/m);
    await terminal.type("1234");
    await terminal.press("Enter");
    await ended();
    expect(await outcome()).toBe("1234");
    await expectShellWorks();
  });

  test.each(["/dev/null", "/nonexistent"])("%s", async (path) => {
    await start("pin", "", path);
    await ended();
    expect(await outcome()).toBe("PIN_NO_PROMPT");
  });

  test("it is closed while the question is on it", async () => {
    await start("pin");
    await terminal.shows(/暗証番号:$/m);
    await terminal.close();
    await expect.poll(outcome).toBe("PIN_NO_PROMPT");
  });
});
