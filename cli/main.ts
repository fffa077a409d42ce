#!/usr/bin/env node
/** The entry: gives the process's own streams, environment and signals to the command line, and ends with its status. */

import { homedir } from "node:os";
import { addAbortSignal } from "node:stream";
import { fileURLToPath } from "node:url";
import type { Deps, TextOutput } from "./deps.ts";
import { run } from "./program.ts";
import { takeServiceVariables } from "./service-variables.ts";

const stop = new AbortController();
let stoppedAt = 0;
stop.signal.addEventListener("abort", () => {
  stoppedAt = performance.now();
});
/** One Ctrl-C may come twice: npm and npx pass it on to a program that has it from the terminal already. */
const ONE_SIGNAL_MS = 1000;
const stopBy = (signal: NodeJS.Signals) => {
  if (!stop.signal.aborted) return stop.abort(new Error(`stopped by ${signal}`));
  if (performance.now() - stoppedAt < ONE_SIGNAL_MS) return;
  // Who presses it again does not want to wait for the card.
  process.removeAllListeners(signal);
  process.kill(process.pid, signal);
};
let hangUp = stopBy;
let failure: unknown;

// By itself, SIGQUIT would also dump the memory, with what is remembered in it.
for (const signal of ["SIGINT", "SIGQUIT", "SIGTERM"] as const) process.on(signal, stopBy);
// With a listener of ours, SIGUSR1 does not open Node's debugger, which could read a remembered PIN.
for (const signal of ["SIGHUP", "SIGUSR1"] as const) process.on(signal, () => hangUp(signal));

// A defect must not leave a verified card behind: end in the same orderly way as after a signal, then fail.
process.on("uncaughtException", (error) => {
  failure = error;
  process.stderr.write(`jpki-agent: ${error.stack ?? error.message}\n`);
  stop.abort(error);
});

const deps: Deps = {
  stdin: () => addAbortSignal(stop.signal, process.stdin),
  stdout: output(process.stdout),
  stderr: output(process.stderr),
  self: [process.execPath, ...process.execArgv, fileURLToPath(import.meta.url)],
  pid: process.pid,
  platform: process.platform,
  service: takeServiceVariables(process.env, process.pid),
  env: process.env,
  home: homedir(),
  signal: stop.signal,
  onHangUp: (listener) => {
    hangUp = listener;
  },
  ignoreInterrupts: () => {
    for (const signal of ["SIGINT", "SIGQUIT"] as const) process.off(signal, stopBy).on(signal, () => {});
  },
  kill: (pid) => void process.kill(pid, "SIGTERM"),
};

const status = await run(process.argv.slice(2), deps);
process.exitCode = failure === undefined ? status : 1;

/** A reader that went away (`| head`, a closed terminal) is no error of ours. */
function output(stream: NodeJS.WriteStream): TextOutput {
  stream.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE" && error.code !== "EIO") throw error;
  });
  return {
    write: (text) => void stream.write(text),
    writeBytes: (bytes) => void stream.write(bytes),
    drained: () => drained(stream),
    isTerminal: stream.isTTY === true,
  };
}

/** Also when the reader has gone away: nobody waits for it then. */
function drained(stream: NodeJS.WriteStream): Promise<void> {
  if (!stream.writableNeedDrain || stream.destroyed) return Promise.resolve();
  return new Promise((resolve) => {
    const done = () => {
      for (const event of ["drain", "close", "error"]) stream.off(event, done);
      resolve();
    };
    for (const event of ["drain", "close", "error"]) stream.once(event, done);
  });
}
