/** The library as it is built, in a program of its own: a real pcscd, a real sshd, the system's own prompt. */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { VirtualCard } from "../../lib/virtual-card/card.ts";
import { type Desk, holdSignature, openDesk } from "../helpers/desk.ts";
import { run } from "../helpers/run.ts";
import { type Sshd, startSshd } from "../helpers/sshd.ts";

const ROOT = join(import.meta.dirname, "../..");

let desk: Desk;
let card: VirtualCard;
let sshd: Sshd;

beforeAll(async () => {
  desk = await openDesk();
  card = await desk.layCard();
  await desk.sand.answer("1234");
  sshd = await startSshd(desk.folder, (await desk.jpkiAgent("export-key")).stdout);
  await writeFile(
    desk.at("login.mjs"),
    `import ssh2 from "${ROOT}/node_modules/ssh2/lib/index.js";
import { JpkiAgent } from "${ROOT}/dist/ssh2.js";
const agent = new JpkiAgent();
const client = new ssh2.Client();
client.on("error", (error) => console.log(error.level, error.code));
client.on("ready", () => { console.log("in"); client.end(); });
client.on("close", () => agent.close());
client.connect({ host: "127.0.0.1", port: ${sshd.port}, username: "${sshd.user}", agent });
`,
  );
});

afterAll(async () => {
  await sshd?.close();
  await desk?.close();
});

/** To its end: a reader that is still watched would keep it alive. */
async function logIn(): Promise<string> {
  const { status, stdout, stderr } = await run(process.execPath, [desk.at("login.mjs")], { env: desk.sand.env });
  expect(status, stderr).toBe(0);
  return stdout;
}

it("logs in, leaves the card without power, and ends by itself", async () => {
  expect(await logIn()).toBe("in\n");
  expect(card.powered && card.isVerified("auth")).toBe(false);
  expect((await desk.sand.questions()).at(-1)).toContain(desk.at("login.mjs"));
});

it("a person's no costs no try", async () => {
  await desk.sand.answer(null);
  expect(await logIn()).toContain("agent PIN_CANCELLED\n");
  expect(card.triesLeft.auth).toBe(3);
});

it("a program that is killed in the middle of a signature leaves no verified card behind", async () => {
  await desk.sand.answer("1234");
  const held = holdSignature(desk.slot);
  const child = spawn(process.execPath, [desk.at("login.mjs")], { env: desk.sand.env, stdio: "ignore" });
  const ended = once(child, "exit");
  await held.reached;
  expect(card.isVerified("auth")).toBe(true);
  child.kill("SIGKILL");
  await ended;
  held.letGo();
  await expect.poll(() => card.powered && card.isVerified("auth"), { timeout: 10_000 }).toBe(false);
});
