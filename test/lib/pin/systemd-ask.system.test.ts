/** The real systemd-ask-password, which needs no init, answered as systemd's own agents do. */

import { readdir, readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import type { PinRequest } from "../../../lib/pin/prompt.ts";
import { createSystemdAskPrompt } from "../../../lib/pin/systemd-ask.ts";
import { fakeTexts } from "../../helpers/prompt-texts.ts";
import { runOk } from "../../helpers/run.ts";
import { digitsOf } from "../../helpers/spy-pin.ts";
import { until } from "../../helpers/until.ts";

const FOLDER = "/run/systemd/ask-password";
const REPLY = "/lib/systemd/systemd-reply-password";
const purpose = { kind: "sshsig", namespace: "git" } as const;
const request: PinRequest = { pin: "auth", card: "C", reader: "R", purpose, triesLeft: 3 };
const texts = { ...fakeTexts, pin: () => ({ warning: "", text: `Card: ${process.pid}\n残り回数: 3回` }) };
const { PATH } = process.env;
const prompt = createSystemdAskPrompt({ program: "systemd-ask-password", env: { PATH }, texts });

/** Our question, as the agents find it. */
async function question(): Promise<string | undefined> {
  const names = await readdir(FOLDER).catch(() => []);
  const files = names.filter((name) => name.startsWith("ask."));
  const texts = await Promise.all(files.map((name) => readFile(`${FOLDER}/${name}`, "utf8").catch(() => "")));
  return texts.find((text) => text.includes(`Message=Card: ${process.pid} | `));
}

async function shown(): Promise<{ readonly text: string; readonly socket: string }> {
  let text: string | undefined;
  await until("the question is there", async () => {
    text = await question();
    return text !== undefined;
  });
  return { text: text ?? "", socket: /^Socket=(.*)$/m.exec(text ?? "")?.[1] ?? "" };
}

test("an agent shows the question in one line, and its answer is the PIN", async () => {
  const asked = prompt.askPin(request, new AbortController().signal);
  const { text, socket } = await shown();
  expect(text).toContain(`\nMessage=Card: ${process.pid} | 残り回数: 3回\n`);
  expect(text).toMatch(/^AcceptCached=0$/m);
  expect(text).toMatch(/^NotAfter=0$/m);
  await runOk(REPLY, ["1", socket], { input: "1234" });
  expect(digitsOf(await asked)).toBe("1234");
});

test("an agent's cancel is a cancel", async () => {
  const asked = prompt.askPin(request, new AbortController().signal);
  const outcome = asked.catch((error: unknown) => error);
  await runOk(REPLY, ["0", (await shown()).socket]);
  expect(await outcome).toMatchObject({ code: "PIN_CANCELLED" });
});

test("a client that hangs up takes the question away", async () => {
  const client = new AbortController();
  const outcome = prompt.askPin(request, client.signal).catch((error: unknown) => error);
  await shown();
  client.abort("hung up");
  expect(await outcome).toBe("hung up");
  await until("the question is gone", async () => (await question()) === undefined);
});
