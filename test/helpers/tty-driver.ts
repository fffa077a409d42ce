/**
 * A program that asks on a terminal and says how it went: `tty-driver.mjs OUT TTY pin|confirm|card|wait [on-SIGUSR2]`.
 * `wait` says "ready" and asks for the PIN at SIGUSR2; else SIGUSR2 does what the last argument says.
 */

import { writeFileSync } from "node:fs";
import { isTerminalUsable } from "../../lib/pin/terminal.ts";
import { createTtyPrompt } from "../../lib/pin/tty.ts";
import { fakeTexts } from "./prompt-texts.ts";
import { digitsOf } from "./spy-pin.ts";

const [out = "", path = "", what = "", onSignal = ""] = process.argv.slice(2);
const controller = new AbortController();
const request = {
  pin: "auth",
  card: "C",
  reader: "R",
  purpose: { kind: "sshsig", namespace: "git" },
  triesLeft: 3,
} as const;
const prompt = createTtyPrompt({
  path,
  color: false,
  texts: { ...fakeTexts, pin: () => ({ warning: "", text: "二行の\nquestion" }), pinLabel: () => "暗証番号" },
});

function say(outcome: unknown): void {
  writeFileSync(out, `${JSON.stringify(outcome)}\n`);
}

async function ask(): Promise<void> {
  try {
    if (what === "confirm") say(await prompt.confirm({ kind: "last-try", request }, controller.signal));
    else if (what === "card")
      say(await prompt.askForCard({ card: "C", purpose: request.purpose, otherCard: false }, controller.signal));
    else say(digitsOf(await prompt.askPin(request, controller.signal)));
  } catch (error) {
    say(error instanceof Error && "code" in error ? error.code : String(error));
  }
}

process.on("SIGHUP", () => {});
process.on("SIGUSR2", () => {
  if (onSignal === "abort") controller.abort("hung up");
  if (onSignal === "exit") process.exit(7);
  if (onSignal === "throw") throw new Error("crash");
});
say({ pid: process.pid, usable: isTerminalUsable(path) });
if (what === "wait") {
  const keepAlive = setInterval(() => {}, 1000);
  process.once("SIGUSR2", () => {
    clearInterval(keepAlive);
    void ask();
  });
  process.stdout.write("ready\n");
} else await ask();
