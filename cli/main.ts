#!/usr/bin/env node
/** The entry: gives the process's own streams, environment and signals to the command line, and ends with its status. */

import { closeSync } from "node:fs";
import { homedir } from "node:os";
import { addAbortSignal } from "node:stream";
import { isatty } from "node:tty";
import { fileURLToPath } from "node:url";
import { FileError, hasErrno } from "../lib/errors.ts";
import type { Deps, TextOutput } from "./deps.ts";
import { run } from "./program.ts";
import { takeServiceVariables } from "./service-variables.ts";

const terminals = [0, 1, 2].filter((descriptor) => isatty(descriptor));
const stop = new AbortController();
let stoppedAt = 0;
stop.signal.addEventListener("abort", () => {
  stoppedAt = performance.now();
});
/** One Ctrl-C may come twice: npm and npx pass it on to a program that has it from the terminal already. */
const ONE_SIGNAL_MS = 1000;
/** An orderly end takes 3 seconds while a card does not answer, and 5 while systemd does not; no more is waited for. */
const ORDERLY_END_MS = 10_000;
const stopBy = (signal: NodeJS.Signals) => {
  if (!stop.signal.aborted) {
    setTimeout(endBy, ORDERLY_END_MS, signal).unref();
    return stop.abort(new Error(`stopped by ${signal}`));
  }
  // Who presses it again does not want to wait for the card.
  if (performance.now() - stoppedAt >= ONE_SIGNAL_MS) endBy(signal);
};
let hangUp = stopBy;
let failure: unknown;
let stuck = false;

// By itself, SIGQUIT would also dump the memory, with what is remembered in it.
for (const signal of ["SIGINT", "SIGQUIT", "SIGTERM"] as const) process.on(signal, stopBy);
// With a listener of ours, SIGUSR1 does not open Node's debugger, which could read a remembered PIN.
for (const signal of ["SIGHUP", "SIGUSR1"] as const) process.on(signal, () => hangUp(signal));

// A defect must not leave a verified card behind: end in the same orderly way as after a signal, then fail.
process.on("uncaughtException", (error) => {
  failure = error;
  setTimeout(endBy, ORDERLY_END_MS, "SIGTERM").unref();
  process.stderr.write(`jpki-agent: ${error.stack ?? error.message}\n`);
  stop.abort(error);
});

const deps: Deps = {
  stdin: () => addAbortSignal(stop.signal, process.stdin),
  stdout: output(process.stdout, "/dev/stdout"),
  stderr: output(process.stderr, "/dev/stderr"),
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
  onStuck: () => {
    stuck = true;
  },
  kill: (pid) => void process.kill(pid, "SIGTERM"),
};

const status = await run(process.argv.slice(2), deps);
const complete = await Promise.all([written(process.stdout), written(process.stderr)]);
// Node puts terminals back at its end, and aborts with a core dump where one has been closed (Node 20, ResetStdio).
for (const descriptor of terminals) if (!isatty(descriptor)) closeSync(descriptor);
// Its status is lost, but process.exit() would wait for the native call, for ever if need be.
if (stuck) endBy("SIGKILL");
// Not by itself: the native watch of the readers is left to this, see PcscTransportOptions.leaveWatch.
process.exit(failure === undefined && !complete.includes(false) ? status : 1);

/** Ends the process as if it did not know the signal. */
function endBy(signal: NodeJS.Signals): void {
  process.removeAllListeners(signal);
  process.kill(process.pid, signal);
}

/** What could not be written is told by `drained`, in the command's own order. */
function output(stream: NodeJS.WriteStream, path: string): TextOutput {
  // Node itself forgets it soon: the streams of a process are never destroyed.
  let fault: Error | undefined;
  stream.on("error", (error) => {
    fault ??= error;
  });
  return {
    write: (text) => void stream.write(text),
    writeBytes: (bytes) => void stream.write(bytes),
    drained: async () => {
      if (stream.writableNeedDrain && !stream.destroyed) await drainedOrGone(stream);
      throwFault(fault ?? stream.errored, path);
    },
    isTerminal: stream.isTTY === true,
  };
}

/** A reader that went away (`| head`, a closed terminal) is no error of ours, and nobody waits for it. */
function throwFault(fault: Error | null, path: string): void {
  if (fault === null || hasErrno(fault, "EPIPE", "EIO")) return;
  throw new FileError(`write ${path}: ${fault.message}`, { details: { path }, cause: fault });
}

/** Resolves when all is with the system, or never will be. @returns false where Ctrl-C did not let it wait for a reader. */
function written(stream: NodeJS.WriteStream): Promise<boolean> {
  return new Promise((resolve) => {
    stream.write("", () => resolve(true));
    if (stream.writableLength > 0) onStop(() => resolve(false));
  });
}

function drainedOrGone(stream: NodeJS.WriteStream): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      for (const event of ["drain", "close", "error"]) stream.off(event, done);
      resolve();
    };
    for (const event of ["drain", "close", "error"]) stream.once(event, done);
    onStop(done);
  });
}

function onStop(listener: () => void): void {
  if (stop.signal.aborted) listener();
  else stop.signal.addEventListener("abort", listener, { once: true });
}
