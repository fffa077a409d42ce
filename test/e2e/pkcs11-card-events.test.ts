/** A card that leaves and comes back while programs run. */

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openPkcs11Desk, type Pkcs11Desk } from "../helpers/pkcs11-desk.ts";
import { run } from "../helpers/run.ts";
import { until } from "../helpers/until.ts";

const LABEL = /token label +: My Number card [0-9a-f]{8}/;

let desk: Pkcs11Desk;

beforeAll(async () => {
  desk = await openPkcs11Desk();
});
afterAll(() => desk?.close());

describe("pkcs11-tool --test-hotplug, which runs all the while", () => {
  let child: ChildProcess;
  let said = "";

  beforeAll(() => {
    child = spawn("stdbuf", ["-o0", "pkcs11-tool", "--module", desk.module, "--test-hotplug"], {
      env: desk.env,
      stdio: ["pipe", "pipe", "ignore"],
    });
    child.stdout?.on("data", (chunk: Buffer) => {
      said += chunk.toString();
    });
  });
  afterAll(async () => {
    const exited = once(child, "exit");
    if (child.exitCode === null) child.kill("SIGKILL") && (await exited);
  });

  /** Types `input`, then does `act`, and waits until it says `pattern`. */
  async function enter(input: string, act: () => Promise<unknown>, pattern: RegExp): Promise<void> {
    await until("it waits for a key", () => said.endsWith("x to exit: "));
    said = "";
    child.stdin?.write(input);
    await act();
    await until(`it says ${pattern}`, () => pattern.test(said));
  }

  it("sees the card", () => enter("\n", async () => {}, LABEL));

  it("hears by C_WaitForSlotEvent that it leaves and that it comes back", async () => {
    await enter("x\n", async () => {}, /C_WaitForSlotEvent\(\)/);
    await enter("\n", () => desk.slot.remove(), /\(empty\)/);
    await enter("\n", () => desk.slot.insert(desk.card), LABEL);
  });
});

it("without a card there is no token; the same card again is a new login, with its PIN", async () => {
  const list = async () =>
    (await run("pkcs11-tool", ["--module", desk.module, "--login", "-O"], { env: desk.env })).stdout;
  expect(await list()).toMatch(/Private Key Object/);
  await desk.slot.remove();
  await until("the token is gone", async () => !(await list()).includes("Object"));
  await desk.sand.answer("1234");
  await desk.slot.insert(desk.card);
  await until("the token is back", async () => (await list()).includes("Private Key Object"));
  const forPin = (await desk.sand.questions()).filter((question) => question.includes("Tries left"));
  expect(forPin).toHaveLength(2);
  expect(desk.card.triesLeft.auth).toBe(3);
});
