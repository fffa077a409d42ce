/** The built program, a phone behind a real pcscd, and the real pinentry-curses on a real terminal. */

import { readFile } from "node:fs/promises";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { VirtualCard } from "../../lib/virtual-card/card.ts";
import { JPKI_AGENT } from "../helpers/agent-process.ts";
import { type Desk, openDesk } from "../helpers/desk.ts";
import { findSecret } from "../helpers/process-secrets.ts";
import { openTerminal, type Terminal } from "../helpers/tmux.ts";
import { until } from "../helpers/until.ts";

const PIN = "7391";
const ENGLISH = "";
const JAPANESE = "LC_ALL= LC_CTYPE=C.UTF-8 LANG=ja_JP.UTF-8";

let desk: Desk;
let card: VirtualCard;
let terminal: Terminal;
let logFile: string;

beforeAll(async () => {
  desk = await openDesk();
});
afterAll(() => desk.close());

beforeEach(async ({ task }) => {
  card = await desk.layCard({ profile: "phone", authPin: PIN });
  logFile = desk.at(`${task.id}.log`);
  const { SSH_ASKPASS: _, SSH_ASKPASS_REQUIRE: __, ...env } = desk.sand.env;
  terminal = await openTerminal(env);
});
afterEach(async () => {
  await terminal.close();
  await desk.slot.remove();
});

/** Types the command line; `status=` is shown when the program has ended. */
async function exportKey(language: string, more = "--pin-prompt pinentry"): Promise<void> {
  const program = `${process.execPath} ${JPKI_AGENT} -v -v export-key --pinentry pinentry-curses ${more}`;
  await terminal.type(`clear; ${language} ${program} 2>${logFile} | cut -c1-30; echo status=$?`);
  await terminal.press("Enter");
}

/** What was said besides the question: to a person, to the log, to other processes. */
async function expectNoPin(...pins: readonly string[]): Promise<void> {
  const said = (await readFile(logFile, "utf8")) + (await terminal.screen());
  expect(said).toContain('"level":"trace"');
  for (const pin of pins) {
    // Digits that stand alone: identifiers and times hold any four by chance.
    expect(said).not.toMatch(new RegExp(`(?<![0-9A-Za-z])${pin}(?![0-9A-Za-z])`));
    expect(findSecret(pin)).toEqual([]);
  }
}

describe("export-key of a phone", () => {
  it("says in English for what, where, and how many tries are left; the PIN exports the key", async () => {
    await exportKey(ENGLISH);
    const screen = await terminal.shows(/PIN: _+/);
    for (const part of ["user authentication certificate", "Reader: ", "jpki-agent export-key", "Tries left: 3"])
      expect(screen).toContain(part);
    await terminal.type(PIN);
    await terminal.shows(/PIN: \*{4}_/);
    await terminal.press("Enter");
    expect(await terminal.shows(/^status=0$/m)).toMatch(/^ssh-rsa AAAA/m);
    expect(card.pinAttempts).toBe(1);
    await expectNoPin(PIN);
    expect(await terminal.isCooked()).toBe(true);
  });

  it("in Japanese: a wrong PIN is said and costs one try, a cancel costs none", async () => {
    await exportKey(JAPANESE);
    const screen = await terminal.shows(/暗証番号: _+/);
    for (const part of ["利用者証明用電子証明書", "リーダー: ", "jpki-agent export-key", "残り回数: 3回", "キャンセル"])
      expect(screen).toContain(part);
    await terminal.type("7390");
    await terminal.press("Enter");
    expect(await terminal.shows(/暗証番号が違います/)).toContain("残り回数: 2回");
    await expectNoPin(PIN, "7390");
    await terminal.press("Tab", "Tab", "Enter"); // pinentry-curses 1.2.1 knows no Esc
    await terminal.shows(/^status=0$/m); // of cut
    expect(await readFile(logFile, "utf8")).toContain("暗証番号の入力が取り消されました");
    expect(card.pinAttempts).toBe(1);
  });

  it("one try left: warns, and asks for a yes before the PIN", async () => {
    card.setTries("auth", 1);
    await exportKey(ENGLISH);
    expect(await terminal.shows(/<Yes>\s+<No>/)).toMatch(/WARNING: ONE TRY LEFT.*municipal office/s);
    await terminal.press("Enter");
    expect(await terminal.shows(/PIN: _+/)).toMatch(/WARNING: ONE TRY LEFT.*municipal office can set it again/s);
    await terminal.type(PIN);
    await terminal.press("Enter");
    expect(await terminal.shows(/^status=0$/m)).toMatch(/^ssh-rsa AAAA/m);
    expect(card.triesLeft.auth).toBe(3);
  });

  it("one try left: a no leaves it", async () => {
    card.setTries("auth", 1);
    await exportKey(ENGLISH);
    await terminal.shows(/<Yes>\s+<No>/);
    await terminal.press("Tab", "Enter");
    expect(await terminal.shows(/^status=0$/m)).not.toContain("ssh-rsa");
    expect({ attempts: card.pinAttempts, triesLeft: card.triesLeft.auth }).toEqual({ attempts: 0, triesLeft: 1 });
  });

  it("auto asks by pinentry on the terminal it was started on; ^C takes the question away", async () => {
    await exportKey(ENGLISH, "");
    await terminal.shows(/PIN: _+/);
    await terminal.press("C-c");
    await terminal.shows(/^\$/m); // the shell drops the rest of its line
    await until("the terminal is as before", () => terminal.isCooked());
    expect(card.pinAttempts).toBe(0);
    expect(await terminal.screen()).not.toContain("PIN:");
  });
});
