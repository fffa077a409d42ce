/**
 * The table of pin-table.system.test.ts for a PIN that comes by `ssh-add -s jpki`: the real ssh-add asks for it by an
 * askpass program. One attempt at most for each time it is run, and the agent asks nobody.
 */

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { chmod, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startAgent } from "../../agent/main.ts";
import { INS_VERIFY } from "../../lib/iso7816/command.ts";
import { VirtualCard } from "../../lib/virtual-card/card.ts";
import type { VirtualPki } from "../../lib/virtual-card/pki.ts";
import { createVirtualTransport } from "../../lib/virtual-card/transport.ts";
import { askSignature } from "../helpers/ask-signature.ts";
import { FakePrompt } from "../helpers/fake-prompt.ts";
import { type FaultTable, NO_PINS, rowsOf } from "../helpers/pin-faults.ts";
import { OTHER_PIN, PIN } from "../helpers/pin-source-bench.ts";
import { testPki } from "../helpers/pki.ts";
import { recordingLogger } from "../helpers/recording-logger.ts";
import { type TempDir, tempDir } from "../helpers/temp-dir.ts";
import { until } from "../helpers/until.ts";

/** One run of ssh-add. */
interface Run {
  /** Lines of sh of its askpass program; none: there is no such program. */
  readonly askpass: string | undefined;
  /** Kills it at that moment. */
  readonly killed?: "while it asks" | "at VERIFY";
  /** "taken", or why the agent refused; "nothing came" if it was asked nothing. With "|": either, as it happens. */
  readonly outcome: string;
  readonly attempts: number;
  /** So long after the last one that another PIN may be tried. */
  readonly later?: boolean;
}

interface Case {
  readonly how: string;
  readonly runs: readonly Run[];
  /** Before them. */
  readonly triesLeft?: number;
}

const types = (text: string) => `printf '%s\\n' '${text}'`;
const THIRD_PIN = "5173";
const LATER_MS = 10_000;
const ASKS = "touch asking; exec sleep 1000";
const right: Run = { askpass: types(PIN), outcome: "taken", attempts: 1 };
const wrong: Run = { askpass: types(OTHER_PIN), outcome: "PIN_WRONG", attempts: 1 };
/** What ssh-add sends if its askpass program gave it nothing: an empty PIN. */
const nothing: Run = { askpass: "exit 1", outcome: "PIN_CANCELLED", attempts: 0 };
const rightLater: Run = { ...right, later: true };
const noPin = (text: string): readonly Case[] => [
  { how: "not sent to the card", runs: [{ askpass: types(text), outcome: "PIN_FORMAT", attempts: 0 }, right] },
];

const TABLE: FaultTable<Case> = {
  empty: [{ how: "not sent to the card", runs: [{ ...nothing, askpass: types("") }, right] }],
  short: noPin(NO_PINS.short),
  long: noPin(NO_PINS.long),
  letters: noPin(NO_PINS.letters),
  "full-width digits": noPin(NO_PINS["full-width digits"]),
  "wrong once": [
    { how: "sent once; the next one is another answer", runs: [wrong, rightLater] },
    {
      how: "not sent again, and no other right after it",
      runs: [wrong, { ...wrong, attempts: 0 }, { ...right, outcome: "PIN_PROTECTED", attempts: 0 }],
    },
  ],
  "wrong twice": [
    {
      how: "each sent once; the last try is not for ssh-add, not even with the right PIN",
      runs: [
        wrong,
        { ...wrong, askpass: types(THIRD_PIN), later: true },
        { ...rightLater, outcome: "PIN_PROTECTED", attempts: 0 },
      ],
    },
    { how: "blocked", triesLeft: 0, runs: [{ ...right, outcome: "PIN_BLOCKED", attempts: 0 }] },
  ],
  cancelled: [{ how: "an empty PIN, not sent to the card", runs: [nothing, right] }],
  "source crashes": [{ how: "the same", runs: [{ ...nothing, askpass: "kill -SEGV $$" }, right] }],
  "source hangs": [
    {
      how: "ssh-add waits, the agent knows of nothing and serves others",
      runs: [{ askpass: ASKS, killed: "while it asks", outcome: "nothing came", attempts: 0 }, right],
    },
  ],
  "source missing": [{ how: "no such askpass program", runs: [{ ...nothing, askpass: undefined }, right] }],
  "client gone": [
    {
      how: "while the card checks a PIN that is wrong: that counts, and it is not sent again",
      runs: [{ ...wrong, killed: "at VERIFY", outcome: "PIN_WRONG|abandoned" }, rightLater],
    },
    {
      how: "while the card checks a PIN that is right",
      runs: [{ ...right, killed: "at VERIFY", outcome: "taken|abandoned" }, right],
    },
  ],
};

let dir: TempDir;
let pki: VirtualPki;
let folders = 0;
beforeAll(async () => {
  [dir, pki] = await Promise.all([tempDir(), testPki()]);
});
afterAll(() => dir.remove());

async function openBench() {
  const folder = join(dir.path, `${folders++}`);
  await mkdir(folder);
  const card = new VirtualCard({ pki, authPin: PIN });
  let beforeVerify = () => {};
  let waitedMs = 0;
  const watched = {
    atr: card.atr,
    protocol: card.protocol,
    powerOn: () => card.powerOn(),
    powerOff: () => card.powerOff(),
    warmReset: () => card.warmReset(),
    transmit: (command: Uint8Array) => {
      if (command[1] === INS_VERIFY && command.length > 5) beforeVerify();
      return card.transmit(command);
    },
  };
  const log = recordingLogger();
  const prompt = new FakePrompt((question) => question.fail(new Error("nobody is to be asked")));
  const agent = await startAgent(
    {
      transport: createVirtualTransport({ slots: [{ reader: "R", card: watched }] }),
      known: { list: () => [], remember: async () => {} },
      ...{ prompt, log, now: () => performance.now() + waitedMs },
    },
    {
      socketPath: join(folder, "run/agent.sock"),
      pinCache: { mode: "session", ttlMs: 60_000 },
      ...{ cardHoldMs: 0, waitCardMs: 0, policy: { allowSha1: false, allowAnyData: false } },
    },
  );
  const askpass = join(folder, "askpass");
  const start = async (script: string | undefined): Promise<ChildProcess> => {
    await writeFile(askpass, `#!/bin/sh\ncd '${folder}'\n${script}\n`);
    await chmod(askpass, 0o700);
    const env = {
      PATH: process.env["PATH"],
      SSH_AUTH_SOCK: agent.socketPath,
      SSH_ASKPASS: script === undefined ? join(folder, "nonexistent") : askpass,
      SSH_ASKPASS_REQUIRE: "force",
    };
    return spawn("ssh-add", ["-s", "jpki"], { env, stdio: "ignore", detached: true });
  };
  const onVerify = (run: () => void) => {
    beforeVerify = run;
  };
  const wait = (ms: number) => {
    waitedMs += ms;
  };
  return { folder, card, log, prompt, agent, start, onVerify, wait };
}

type Bench = Awaited<ReturnType<typeof openBench>>;

/** The agent's answers to ssh-add so far. */
function outcomes({ log }: Bench): readonly unknown[] {
  return log.lines
    .filter(({ fields }) => fields["event"] === "add-smartcard")
    .map(({ fields }) => (fields["result"] === "done" ? "taken" : fields["reason"]));
}

async function play(bench: Bench, { askpass, killed, later, ...expected }: Run): Promise<void> {
  const { card, folder } = bench;
  if (later === true) {
    bench.wait(LATER_MS);
    // Now the agent sees that its clock was moved, not when it has a PIN to forget.
    expect(await askSignature(bench.agent.socketPath)).toBeUndefined();
  }
  const before = { attempts: card.pinAttempts, outcomes: outcomes(bench).length };
  const child = await bench.start(askpass);
  const kill = () => void process.kill(-(child.pid ?? 0), "SIGKILL");
  bench.onVerify(killed === "at VERIFY" ? kill : () => {});
  const exited = once(child, "exit");
  if (killed === "while it asks") {
    await until("ssh-add asks", () => existsSync(join(folder, "asking")));
    expect(await askSignature(bench.agent.socketPath)).toBeUndefined();
    kill();
  }
  const [status] = await exited;
  expect(status === 0).toBe(expected.outcome === "taken" && killed === undefined);
  if (killed !== "while it asks")
    await until("the agent is done with it", () => outcomes(bench).length > before.outcomes);
  const answered = outcomes(bench).slice(before.outcomes);
  expect(expected.outcome.split("|")).toContain(answered[0] ?? "nothing came");
  expect(card.pinAttempts - before.attempts).toBe(expected.attempts);
  expect(answered.length).toBeLessThanOrEqual(1);
}

describe("ssh-add -s jpki", () => {
  it.each(rowsOf(TABLE))("$fault: $how", async ({ runs, triesLeft = 3 }) => {
    const bench = await openBench();
    bench.card.setTries("auth", triesLeft);
    try {
      for (const run of runs) await play(bench, run);
      const attempts = bench.card.pinAttempts;
      const isTaken = runs.at(-1)?.outcome === "taken";
      expect((await askSignature(bench.agent.socketPath)) !== undefined).toBe(isTaken);
      // What was taken is sent once for a signature of its own; what was refused never again.
      expect(bench.card.pinAttempts).toBe(attempts + (isTaken ? 1 : 0));
      expect(JSON.stringify(bench.log.lines)).not.toMatch(/739|8264|5173/);
    } finally {
      await bench.agent.close();
    }
  });
});
